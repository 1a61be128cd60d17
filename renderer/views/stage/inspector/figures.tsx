import type { ReactNode } from 'react';
import type { Figures as Values } from '../../../../src/contract/index.ts';
import { useSeries } from '../../../lab/index.ts';
import { format } from '../../../ui/index.ts';
import { Chart } from './chart.tsx';
import styles from './inspector.module.css';

/** The four figures of a node or an edge, and how they went in the last minutes. */
export function Figures({ id, figures }: { readonly id: string; readonly figures: Values }): ReactNode {
  const series = useSeries(id);
  const { rps, errorShare, p50, p99 } = figures;
  return (
    <>
      <dl className={styles.figures}>
        <div><dt>requests/s</dt><dd>{format.rate(rps)}</dd></div>
        <div><dt>errors</dt><dd className={errorShare > 0.0005 ? styles.bad : undefined}>{rps === 0 ? '–' : format.share(errorShare)}</dd></div>
        <div><dt>p50</dt><dd>{rps === 0 ? '–' : format.duration(p50)}</dd></div>
        <div><dt>p99</dt><dd>{rps === 0 ? '–' : format.duration(p99)}</dd></div>
      </dl>
      <Chart title="Requests a second" time={series.time} unit={format.rate} lines={[{ name: 'all', color: '--accent', values: series.rps }, { name: 'failed', color: '--error', values: series.errors }]} />
      <Chart title="Latency" time={series.time} unit={format.duration} lines={[{ name: 'p50', color: '--accent', values: series.p50 }, { name: 'p99', color: '--warning', values: series.p99 }]} />
    </>
  );
}

import { IconLock } from '@tabler/icons-react';
import { memo, type ReactNode } from 'react';
import type { Outcome, RequestRecord } from '../../../src/contract/index.ts';
import type { Hop } from '../../lab/index.ts';
import { serviceName, wordsOf } from '../../lab/words.ts';
import { format, OutcomeGlyph } from '../../ui/index.ts';
import { outcomeColor } from '../../ui/outcome.tsx';
import styles from './traffic.module.css';

/** One request as a row. */
export const RequestRow = memo(function RequestRow({ hop, outcome, selected, wide, index, top, onOpen }: {
  readonly hop: Hop; readonly outcome: Outcome; readonly selected: boolean; readonly wide: boolean; readonly index: number; readonly top: number; readonly onOpen: (key: string) => void;
}): ReactNode {
  const { record } = hop;
  const bad = outcome !== 'ok';
  return (
    <div role="row" id={`hop-${hop.sequence}`} aria-rowindex={index + 2} aria-selected={selected} className={styles.row} data-selected={selected || undefined} data-wide={wide || undefined} style={{ top }} onClick={() => onOpen(hop.key)}>
      <span role="gridcell" className={styles.time}>{format.clock(record.time)}</span>
      <span role="gridcell" className={styles.outcome}><OutcomeGlyph outcome={outcome} size={11} /></span>
      <span role="gridcell" className={styles.who}><Ends record={record} /></span>
      <span role="gridcell" className={styles.what}>{record.protocol === 'tcp' ? <span className={styles.method}>TCP</span> : <><span className={styles.method}>{record.method}</span> {record.path}</>}</span>
      <span role="gridcell" className={styles.status} style={bad ? { color: `var(${outcomeColor[outcome]})` } : undefined}>{statusText(record)}</span>
      <span role="gridcell" className={styles.flags} title={record.flags.map(flag => `${flag}: ${wordsOf(flag)?.means ?? ''}`).join('\n')}>{record.flags.join(' ')}</span>
      <span role="gridcell" className={styles.duration}>{format.duration(record.duration)}</span>
      {wide && <span role="gridcell" className={styles.bytes}>{format.bytes(record.bytesSent)}</span>}
      {wide && <span role="gridcell" className={styles.mtls}>{record.mtls && <IconLock size={13} aria-label="mTLS" />}</span>}
      <span role="gridcell" className={styles.why} style={bad ? { color: `var(${outcomeColor[outcome]})` } : undefined}>{bad ? 'why?' : ''}</span>
    </div>
  );
});

function Ends({ record }: { readonly record: RequestRecord }): ReactNode {
  const { source, destination } = record;
  const to = destination.app === '' ? serviceName(record) : destination.app;
  const version = destination.version === '' || destination.version === 'latest' ? '' : destination.version;
  return <>{sourceName(source)} <i>→</i> {to}{version !== '' && <small> {version}</small>}</>;
}

/** The caller in a word. */
export function sourceName({ app, workload, ip }: RequestRecord['source']): string {
  if (app === 'istio-ingressgateway') return 'ingress';
  return app !== '' ? app : workload !== '' ? workload : ip !== '' ? ip : 'outside';
}

function statusText({ status, protocol }: RequestRecord): string {
  if (protocol === 'tcp') return '';
  return status === 0 ? '–' : String(status);
}

import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef, type ReactNode } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import styles from './inspector.module.css';

interface Line { readonly name: string; readonly color: string; readonly values: readonly number[] }

/** A small chart of the last minutes; hovering reads a value out. */
export function Chart({ title, time, lines, unit }: { readonly title: string; readonly time: readonly number[]; readonly lines: readonly Line[]; readonly unit: (value: number) => string }): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const reading = useRef<HTMLSpanElement>(null);
  const plot = useRef<uPlot>(undefined);
  const latest = useRef({ time, lines, unit });
  latest.current = { time, lines, unit };
  const scheme = useComputedColorScheme('dark');
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const chart = new uPlot(options(element, latest.current.lines, index => read(reading.current, latest.current, index)), dataOf(latest.current), element);
    plot.current = chart;
    const fit = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: 44 }));
    fit.observe(element);
    return () => { fit.disconnect(); chart.destroy(); plot.current = undefined; };
  }, [scheme]);
  useEffect(() => plot.current?.setData(dataOf({ time, lines })), [time, lines]);
  return (
    <figure className={styles.chart} style={{ margin: '10px 0 0' }}>
      <figcaption>
        <span>{title}<span ref={reading} /></span>
        <span>{lines.map(line => <span key={line.name} className={styles.legend}><i style={{ background: `var(${line.color})` }} />{line.name}</span>)}</span>
      </figcaption>
      <div ref={box} className={styles.plot} role="img" aria-label={`${title}: ${lines.map(line => `${line.name} ${unit(line.values.at(-1) ?? 0)}`).join(', ')}`} />
    </figure>
  );
}

function dataOf({ time, lines }: { readonly time: readonly number[]; readonly lines: readonly Line[] }): uPlot.AlignedData {
  return [time as number[], ...lines.map(line => line.values as number[])];
}

function read(element: HTMLSpanElement | null, { time, lines, unit }: { readonly time: readonly number[]; readonly lines: readonly Line[]; readonly unit: (value: number) => string }, index: number | null | undefined): void {
  if (element === null) return;
  const at = index === null || index === undefined ? undefined : time[index];
  element.textContent = at === undefined || index === null || index === undefined ? '' : ` · ${lines.map(line => `${line.name} ${unit(line.values[index] ?? 0)}`).join(' · ')}`;
}

function options(element: HTMLElement, lines: readonly Line[], onRead: (index: number | null | undefined) => void): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  return {
    width: element.clientWidth, height: 44, padding: [4, 2, 2, 2], legend: { show: false },
    cursor: { y: false, points: { size: 5 }, drag: { setScale: false, x: false, y: false } },
    axes: [{ show: false }, { show: false }],
    scales: { x: { time: true }, y: { range: (_chart, _low, high) => [0, Math.max(high * 1.1, 0.001)] } },
    hooks: { setCursor: [chart => onRead(chart.cursor.idx)] },
    series: [{}, ...lines.map((line, index): uPlot.Series => ({ stroke: color(line.color), width: 1.5, points: { show: false }, ...(index === 0 ? { fill: `color-mix(in srgb, ${color(line.color)} 14%, transparent)` } : {}) }))],
  };
}

import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { droppedWords, toLabError, type Trace, type TraceSpan } from '../../../../src/contract/index.ts';
import { useApi, useLabName, useUiActions } from '../../../lab/index.ts';
import { FileLink, format, LoadingRows, OutcomeGlyph, Section, Tip, useAsync } from '../../../ui/index.ts';
import { outcomeColor } from '../../../ui/outcome.tsx';
import styles from './trace.module.css';

/** The trace that a request belongs to, as a waterfall. `reports` asks anew when another report of the request has come. */
export function TraceSection({ traceId, record, reports }: { readonly traceId: string; /** Key of the request that is inspected. */ readonly record: string; readonly reports: number }): ReactNode {
  const api = useApi();
  const lab = useLabName();
  const { state, value, error, again } = useAsync(() => api.trace({ lab, id: traceId }), `${lab} ${traceId} ${reports}`);
  if (traceId === '') return <Section title="Trace"><p className={styles.hint}>This proxy made no span, and the request came without one: a Telemetry turns spans off here, or it is no HTTP.</p></Section>;
  const aside = value === undefined ? undefined : <span className={styles.hint}>{format.count(value.spans.length, 'span')} · {format.duration(value.duration)}</span>;
  return (
    <Section title="Trace" aside={aside}>
      {value !== undefined ? <Waterfall trace={value} record={record} /> : state === 'failed' ? <Failed error={error} again={again} /> : <LoadingRows rows={4} label="Reading the trace" />}
    </Section>
  );
}

function Failed({ error, again }: { readonly error: unknown; readonly again: () => void }): ReactNode {
  const { message, help } = toLabError(error);
  return <div role="alert"><p className={styles.hint}>{message}{help === undefined ? '' : ` ${help}`}</p><Button size="xs" variant="default" onClick={again}>Try again</Button></div>;
}

/** Spans as bars on one scale of time, indented by who caused them. */
export function Waterfall({ trace, record }: { readonly trace: Trace; readonly record?: string }): ReactNode {
  const left = trace.spans.filter(({ sampled }) => !sampled).length;
  return (
    <>
      <ol className={styles.spans} aria-label="Spans of the trace">{trace.spans.map(span => <Row key={`${span.spanId} ${span.record ?? ''}`} span={span} trace={trace} current={span.record !== undefined && span.record === record} />)}</ol>
      <div className={styles.scale} aria-hidden><span>0</span><span>{format.duration(trace.duration)}</span></div>
      {left > 0 && <p className={styles.hint}>{left === trace.spans.length ? 'No span of this trace is' : `${format.count(left, 'span')} of this trace ${left === 1 ? 'is' : 'are'} not`} sampled, so a tracing backend does not get {left === 1 ? 'it' : 'them'}.</p>}
      {trace.dropped.map(droppedWords).map(({ message, help }) => <p key={message} className={styles.notice}><b>{message}</b> {help}</p>)}
    </>
  );
}

function Row({ span, trace, current }: { readonly span: TraceSpan; readonly trace: Trace; readonly current: boolean }): ReactNode {
  const { select } = useUiActions();
  const { record, origin } = span;
  const share = (milliseconds: number): number => (trace.duration <= 0 ? 0 : (100 * milliseconds) / trace.duration);
  const app = span.by === 'application';
  const words = `${span.service}, ${app ? 'told by the application' : span.kind === 'client' ? 'its proxy sending' : 'its proxy receiving'}, ${span.name}, ${format.duration(span.duration)}${span.status === 0 ? '' : `, ${span.status}`}${span.flags.length === 0 ? '' : `, ${span.flags.join(' ')}`}`;
  const color = span.outcome === 'ok' ? app ? 'var(--muted)' : 'var(--accent)' : `var(${outcomeColor[span.outcome]})`;
  const content = (
    <>
      <span className={styles.name} style={{ paddingLeft: Math.min(span.depth, 10) * 8 }}>
        {span.outcome === 'ok' ? <i className={styles.dot} style={{ background: color }} /> : <OutcomeGlyph outcome={span.outcome} size={10} />}
        <b>{span.service}</b><span>{app ? span.name : span.kind === 'client' ? `→ ${span.name}` : span.name}</span>
      </span>
      <span className={styles.track}><i data-app={app || undefined} data-unsampled={!span.sampled || undefined} style={{ left: `${Math.min(99, share(span.time - trace.time))}%`, width: `${Math.max(0.8, share(span.duration))}%`, background: color }} /></span>
      <span className={styles.took}>{format.duration(span.duration)}</span>
    </>
  );
  return (
    <li className={styles.row} data-current={current || undefined}>
      <Tip label={words}>{record === undefined ? <div className={styles.span}>{content}</div> : <button type="button" className={styles.span} aria-label={words} aria-current={current || undefined} onClick={() => select({ kind: 'request', key: record })}>{content}</button>}</Tip>
      {(span.flags.length > 0 || span.retries > 0) && (
        <span className={styles.marks}>{span.flags.join(' ')}{span.retries > 0 && ` ↻ ${span.retries}`}{origin !== undefined && <FileLink file={origin.file} line={origin.line} />}</span>
      )}
    </li>
  );
}

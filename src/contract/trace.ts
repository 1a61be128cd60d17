import type { Origin } from '../xds/index.ts';
import { outcomeOf, type Outcome, type RequestRecord, type ResponseFlag } from './record.ts';

/** A span that an application told of by OpenTelemetry or Zipkin. Ids are lower-case hexadecimal, times in milliseconds. */
export interface AppSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty at the root. */
  readonly parentSpanId: string;
  readonly service: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly time: number;
  readonly duration: number;
  readonly error: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** One span of a trace, as it is drawn. Times in milliseconds. */
export interface TraceSpan {
  readonly spanId: string;
  readonly parentSpanId: string;
  /** How far in it stands; 0 for a root. */
  readonly depth: number;
  /** Who tells: a proxy of the mesh, or the application itself. */
  readonly by: 'proxy' | 'application';
  readonly kind: AppSpan['kind'];
  /** The app that works or calls. */
  readonly service: string;
  readonly name: string;
  /** Since the epoch. */
  readonly time: number;
  readonly duration: number;
  readonly outcome: Outcome;
  /** 0 where none is known. */
  readonly status: number;
  readonly flags: readonly ResponseFlag[];
  readonly retries: number;
  /** Reported to whoever collects traces. */
  readonly sampled: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** The request's record; absent for spans of applications. */
  readonly record?: string;
  /** The line of the rule that decided. */
  readonly origin?: Origin;
}

/** All that is known of one trace. */
export interface Trace {
  readonly traceId: string;
  readonly time: number;
  readonly duration: number;
  /** Parents before children, siblings by time. */
  readonly spans: readonly TraceSpan[];
  /** Apps on its way that seem to drop trace headers. */
  readonly dropped: readonly DroppedContext[];
}

/** An app whose own requests do not carry the trace of what it was answering, as far as times tell. */
export interface DroppedContext {
  readonly app: string;
  readonly namespace: string;
  /** Requests that it sent while it was answering traced ones. */
  readonly sent: number;
  /** How many of them started traces of their own. */
  readonly without: number;
  /** Whom it asked. */
  readonly to: readonly string[];
}

interface Placed { readonly span: Omit<TraceSpan, 'depth'>; readonly id: string }

/** Joins what proxies and applications tell of a trace; `undefined` when nobody tells anything. A span of which both tell is the proxy's. */
export function assembleTrace(traceId: string, records: readonly RequestRecord[], apps: readonly AppSpan[], dropped: readonly DroppedContext[] = []): Trace | undefined {
  const mine = records.filter((record) => record.traceId === traceId && record.spanId !== '');
  const known = new Set(mine.map(({ spanId }) => spanId));
  const spans = [...mine.map(proxySpan), ...apps.filter((span) => span.traceId === traceId && !known.has(span.spanId)).map(appSpan)].sort((one, other) => one.span.time - other.span.time);
  if (spans.length === 0) return undefined;
  const time = Math.min(...spans.map(({ span }) => span.time));
  const end = Math.max(...spans.map(({ span }) => span.time + span.duration));
  const on = new Set(spans.map(({ span }) => span.service));
  return { traceId, time, duration: end - time, spans: inOrder(spans), dropped: dropped.filter(({ app }) => on.has(app)) };
}

/** Depth first. What has no parent here is a root, and so is what would only be its own ancestor. */
function inOrder(spans: readonly Placed[]): readonly TraceSpan[] {
  const ids = new Set(spans.map(({ id }) => id));
  const children = new Map<string, Placed[]>();
  for (const placed of spans) {
    const { parentSpanId } = placed.span;
    const parent = parentSpanId !== placed.id && ids.has(parentSpanId) ? parentSpanId : '';
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [placed]);
    else list.push(placed);
  }
  const ordered: TraceSpan[] = [];
  const seen = new Set<Placed>();
  const visit = (placed: Placed, depth: number): void => {
    if (seen.has(placed)) return;
    seen.add(placed);
    ordered.push({ ...placed.span, depth });
    for (const child of children.get(placed.id) ?? []) visit(child, depth + 1);
  };
  for (const root of children.get('') ?? []) visit(root, 0);
  for (const placed of spans) visit(placed, 0);
  return ordered;
}

function proxySpan(record: RequestRecord): Placed {
  const { spanId, parentSpanId, reporter, time, duration, status, flags, retries, sampled, tags = {}, key } = record;
  const caller = reporter === 'source';
  const origin = record.decision.findLast(({ stage, origin: from }) => from !== undefined && (stage === 'filter' || stage === 'route'))?.origin;
  return {
    id: spanId,
    span: {
      spanId, parentSpanId, by: 'proxy', kind: caller ? 'client' : 'server', service: (caller ? record.source.app : record.destination.app) || record.proxy, name: `${record.method} ${record.path}`.trim() || record.service,
      time, duration, outcome: outcomeOf(record), status, flags, retries, sampled, tags, record: key, ...(origin === undefined ? {} : { origin }),
    },
  };
}

function appSpan({ spanId, parentSpanId, service, name, kind, time, duration, error, tags }: AppSpan): Placed {
  return { id: spanId, span: { spanId, parentSpanId, by: 'application', kind, service, name, time, duration, outcome: error ? 'server-error' : 'ok', status: 0, flags: [], retries: 0, sampled: true, tags } };
}

/** At least so many requests without context are no accident. */
const enough = 3;

/**
 * Apps that seem to drop trace headers: while they were answering requests on a trace, most requests that they sent started traces of their own. Times are all
 * that tells what belongs together, so an app that asks others by a clock of its own can look alike.
 */
export function droppedContexts(records: Iterable<RequestRecord>): readonly DroppedContext[] {
  const byProxy = new Map<string, { readonly answered: RequestRecord[]; readonly sent: RequestRecord[] }>();
  for (const record of records) {
    if (record.protocol === 'tcp' || record.traceId === '') continue;
    let of = byProxy.get(record.proxy);
    if (of === undefined) byProxy.set(record.proxy, of = { answered: [], sent: [] });
    (record.reporter === 'destination' ? of.answered : of.sent).push(record);
  }
  const apps = new Map<string, { app: string; namespace: string; sent: number; without: number; to: Set<string> }>();
  for (const { answered, sent } of byProxy.values()) {
    const traces = new Set(answered.map(({ traceId }) => traceId));
    for (const record of sent) {
      if (!answered.some(({ time, duration }) => record.time >= time && record.time <= time + duration)) continue;
      const { app, namespace } = record.source;
      const key = `${namespace}/${app}`;
      const sum = apps.get(key) ?? { app, namespace, sent: 0, without: 0, to: new Set<string>() };
      apps.set(key, sum);
      sum.sent += 1;
      if (record.parentSpanId !== '' || traces.has(record.traceId)) continue;
      sum.without += 1;
      sum.to.add(record.destination.app || record.service);
    }
  }
  return [...apps.values()].filter(({ sent, without }) => without >= enough && without > sent / 2).map((sum) => ({ ...sum, to: [...sum.to].sort() }));
}

/** What such an app does and what to do about it, in words. */
export function droppedWords({ app, sent, without, to }: DroppedContext): { readonly message: string; readonly help: string } {
  return {
    message: `${app} seems to drop trace headers: of ${sent} requests that it sent while it was answering others, ${without} came without the trace of what it was answering (to ${to.join(', ')}), so traces end there.`,
    help: `Let ${app} copy traceparent (or the b3 and x-b3-* headers), tracestate, baggage and x-request-id from each request to those that it sends for it.`,
  };
}

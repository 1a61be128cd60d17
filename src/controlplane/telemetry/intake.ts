import { assembleTrace, droppedContexts, istioMetricsText, queryRecords, type AppSpan, type DroppedContext, type MetricDelta, type Peer, type RecordQuery, type RequestRecord, type Trace } from '../../contract/index.ts';
import { Ring } from '../../util/ring.ts';
import { metricSchema, recordSchema } from './schema.ts';
import { createTotals } from './totals.ts';

/** Who wants to hear of traffic as it comes in. */
export interface TelemetryListener {
  /** As they come, at most every 15 ms. */
  records(records: readonly RequestRecord[]): void;
  /** Every second, what was added; not called in a second without traffic. */
  metrics(deltas: readonly MetricDelta[]): void;
}

/** Takes in what proxies saw. */
export interface TelemetryIntake {
  /** `batch` comes from outside: what does not fit, or names another proxy, is left out. */
  take(proxy: string, batch: { readonly records?: unknown; readonly metrics?: unknown }): void;
  records(query: RecordQuery): readonly RequestRecord[];
  /** Spans that applications tell of. */
  takeSpans(spans: readonly AppSpan[]): void;
  /** A trace by its id or by the id of a request; the newest for an empty one; `null` when there is none. */
  trace(id: string): Trace | null;
  /** Apps that seem to drop trace headers, by the newest records. */
  dropped(): readonly DroppedContext[];
  /** Istio's standard metrics since the start, in Prometheus' text format. */
  text(): string;
  listen(listener: TelemetryListener): () => void;
  stop(): void;
}

/** Bounds and pace. Milliseconds. */
export interface IntakeLimits {
  readonly records: number;
  readonly series: number;
  readonly perBatch: number;
  readonly recordsEvery: number;
  readonly metricsEvery: number;
}

export const defaultIntakeLimits: IntakeLimits = { records: 20_000, series: 20_000, perBatch: 5000, recordsEvery: 15, metricsEvery: 1000 };

/** Starts the intake; its timers run while somebody listens. `callerAt` knows who of the lab has an address: a caller whose handshake failed never said it. */
export function createTelemetryIntake(limits: IntakeLimits = defaultIntakeLimits, callerAt: (ip: string) => Peer | undefined = () => undefined): TelemetryIntake {
  const ring = new Ring<RequestRecord>(limits.records);
  const spans = new Ring<AppSpan>(limits.records);
  const totals = createTotals(limits.series);
  const recent = createTotals(limits.series);
  const listeners = new Set<TelemetryListener>();
  let fresh: RequestRecord[] = [];
  let sentAt = -Infinity;
  let recordTimer: NodeJS.Timeout | undefined;
  let metricTimer: NodeJS.Timeout | undefined;

  function sendRecords(): void {
    recordTimer = undefined;
    sentAt = performance.now();
    const records = fresh;
    fresh = [];
    for (const listener of listeners) listener.records(records);
  }

  function sendMetrics(): void {
    metricTimer = undefined;
    const deltas = recent.values();
    recent.clear();
    for (const listener of listeners) listener.metrics(deltas);
  }

  function addRecord(record: RequestRecord): void {
    ring.push(record);
    if (listeners.size === 0) return;
    fresh.push(record);
    recordTimer ??= setTimeout(sendRecords, sentAt + limits.recordsEvery - performance.now());
  }

  function addMetric(delta: MetricDelta): void {
    totals.add(delta);
    if (listeners.size === 0) return;
    recent.add(delta);
    metricTimer ??= setTimeout(sendMetrics, limits.metricsEvery);
  }

  return {
    take: (proxy, { records, metrics }) => {
      for (const item of list(records, limits.perBatch)) {
        const record = recordSchema.safeParse(item);
        if (record.success && record.data.proxy === proxy) addRecord(named(record.data, callerAt));
      }
      for (const item of list(metrics, limits.perBatch)) {
        const delta = metricSchema.safeParse(item);
        if (delta.success) addMetric(delta.data);
      }
    },
    takeSpans: (told) => { for (const span of told) spans.push(span); },
    trace: (id) => {
      const traceId = traceIdOf(id.toLowerCase(), ring.newestFirst(), spans.newestFirst());
      return (traceId === undefined ? undefined : assembleTrace(traceId, [...ring.newestFirst()], [...spans.newestFirst()], droppedContexts(latest(ring)))) ?? null;
    },
    dropped: () => droppedContexts(latest(ring)),
    records: (query) => queryRecords(ring.newestFirst(), query),
    text: () => istioMetricsText(totals.values()),
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: () => {
      clearTimeout(recordTimer);
      clearTimeout(metricTimer);
      listeners.clear();
    },
  };
}

/** So many records say how apps behave now. */
const judged = 1000;

function latest(ring: Ring<RequestRecord>): readonly RequestRecord[] {
  const records: RequestRecord[] = [];
  for (const record of ring.newestFirst()) {
    if (records.push(record) >= judged) break;
  }
  return records;
}

/** The trace that an id means: a trace's own (or its beginning, 8 digits at least), or a request's; the newest that began at an edge for an empty one. */
function traceIdOf(id: string, records: Iterable<RequestRecord>, spans: Iterable<AppSpan>): string | undefined {
  const means = (traceId: string): boolean => traceId === id || (id.length >= 8 && traceId.startsWith(id));
  let any: string | undefined;
  for (const { traceId, requestId, parentSpanId, reporter } of records) {
    if (traceId === '') continue;
    if (id === '' ? parentSpanId === '' && reporter === 'source' : means(traceId) || requestId.toLowerCase() === id) return traceId;
    any ??= traceId;
  }
  if (id === '') return any;
  for (const { traceId } of spans) if (means(traceId)) return traceId;
  return undefined;
}

function named(record: RequestRecord, callerAt: (ip: string) => Peer | undefined): RequestRecord {
  const { source } = record;
  const caller = source.workload === '' && source.ip !== '' ? callerAt(source.ip) : undefined;
  return caller === undefined ? record : { ...record, source: { ...caller, principal: source.principal } };
}

function list(value: unknown, most: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, most) : [];
}

import { istioMetricsText, queryRecords, type MetricDelta, type RecordQuery, type RequestRecord } from '../../contract/index.ts';
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

/** Starts the intake; its timers run while somebody listens. */
export function createTelemetryIntake(limits: IntakeLimits = defaultIntakeLimits): TelemetryIntake {
  const ring = new Ring<RequestRecord>(limits.records);
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
        if (record.success && record.data.proxy === proxy) addRecord(record.data);
      }
      for (const item of list(metrics, limits.perBatch)) {
        const delta = metricSchema.safeParse(item);
        if (delta.success) addMetric(delta.data);
      }
    },
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

function list(value: unknown, most: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, most) : [];
}

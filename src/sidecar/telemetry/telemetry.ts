import type { RequestRecord, TelemetryBatch } from '../../contract/index.ts';
import type { Clock } from '../hooks.ts';
import type { AccessFacts, Telemetry } from '../runtime.ts';
import type { AccessLogWriter } from './access-log.ts';
import { Metrics, type SideRules, type TcpDelta } from './metrics.ts';

/** Telemetry of a proxy: what the data plane reports to, and what takes it away. */
export interface ProxyTelemetry extends Telemetry {
  /** Counts a TCP connection; its record follows by `request` when it is over. */
  tcp(record: RequestRecord, delta: TcpDelta, facts?: () => AccessFacts): void;
  readonly metrics: Metrics;
  /** What each side reports besides its records. */
  reporting(sides: Readonly<Record<RequestRecord['reporter'], SideReporting>>): void;
  /** Sends what is pending and stops. */
  close(): void;
}

/** What rules ask of one side. */
export interface SideReporting {
  /** One writer for each access log. */
  readonly logs: readonly AccessLogWriter[];
  readonly metrics: SideRules | undefined;
  /** Takes spans that are reported; `undefined` when the lab alone has them. */
  readonly spans?: (record: RequestRecord) => void;
}

export interface TelemetrySettings {
  readonly clock: Clock;
  /** Records a second that are sent in full. */
  readonly recordsPerSecond: number;
  /** Whether the control plane is there; while it is not, batches wait. */
  connected(): boolean;
  send(batch: TelemetryBatch): void;
  /** Writes lines of the access log. */
  log(lines: string): void;
}

const noFacts: AccessFacts = { downstreamLocalAddress: '', downstreamRemoteAddress: '', downstreamDirectRemoteAddress: '', upstreamLocalAddress: '', requestedServerName: '', protocol: '', routeName: '', headers: () => ({ request: {}, response: {} }) };

/** Milliseconds between two batches: a record after a pause leaves at once, those that follow it wait for each other. */
const interval = 20;
/** Figures are read by the second; sent with every batch they would cost more than the records. */
const metricsInterval = 250;
const mostRecords = 5000;
/** Records of one batch; a backlog after a long absence goes out in pieces. */
const batchRecords = 500;

/**
 * Collects records and sends them at once, at most every 20 ms, metrics along with them every 250 ms. Above the rate records are sampled, metrics never; while the control plane is
 * away the oldest records are dropped, the metrics kept.
 */
export function createTelemetry(settings: TelemetrySettings): ProxyTelemetry {
  const { clock, recordsPerSecond } = settings;
  const metrics = new Metrics();
  let records: RequestRecord[] = [];
  const bucket = tokens(clock, recordsPerSecond);
  let skipped = 0;
  let lines: string[] = [];
  let writers: Readonly<Record<RequestRecord['reporter'], readonly AccessLogWriter[]>> = { source: [], destination: [] };
  let spans: Readonly<Record<RequestRecord['reporter'], SideReporting['spans']>> = { source: undefined, destination: undefined };
  /** By a clock that may be set back. */
  let metricsAt = -Infinity;
  let flushedAt = -Infinity;
  let next: { readonly at: number; readonly cancel: () => void } | undefined;

  const pause = (): number => Math.min(interval, Math.max(0, flushedAt + interval - clock.now()));
  const schedule = (delay = pause()): void => {
    const at = clock.now() + delay;
    if (next !== undefined && next.at <= at) return;
    next?.cancel();
    next = { at, cancel: clock.after(delay, () => flush()) };
  };
  /** A batch that goes as soon as one may is on its way already, most of the time. */
  const soon = (): void => {
    if (next === undefined || next.at > flushedAt + interval) schedule();
  };
  const flush = (all = false): void => {
    next?.cancel();
    next = undefined;
    if (lines.length > 0) settings.log(lines.join(''));
    lines = [];
    const now = clock.now();
    flushedAt = now;
    const due = metrics.pending && (all || Math.abs(now - metricsAt) >= metricsInterval);
    if (settings.connected() && (records.length > 0 || skipped > 0 || due)) {
      settings.send({ records: records.slice(0, batchRecords), skipped, metrics: due ? metrics.take() : [] });
      records = records.slice(batchRecords);
      skipped = 0;
      if (due) metricsAt = now;
    }
    if (records.length > 0) schedule();
    else if (metrics.pending) schedule(Math.min(metricsInterval, Math.max(interval, metricsAt + metricsInterval - now)));
  };
  const keep = (record: RequestRecord): void => {
    records.push(record);
    if (records.length <= mostRecords) return;
    const dropped = records.length - mostRecords + batchRecords;
    records = records.slice(dropped);
    skipped += dropped;
  };
  return {
    metrics,
    wanted: (now) => bucket.left(now),
    reserve: (now) => bucket.take(now),
    request(record, facts, reserved = bucket.take(clock.now())) {
      const known = facts ?? (() => noFacts);
      if (record.sampled) spans[record.reporter]?.(record);
      if (record.protocol !== 'tcp') metrics.request(record, known);
      if (reserved) {
        keep(record);
        const logs = writers[record.reporter];
        const told = logs.length === 0 ? noFacts : known();
        for (const write of logs) lines.push(write(record, told));
      } else {
        skipped += 1;
      }
      soon();
    },
    tcp(record, delta, facts = () => noFacts) {
      metrics.tcp(record, delta, facts);
      soon();
    },
    reporting({ source, destination }) {
      writers = { source: source.logs, destination: destination.logs };
      spans = { source: source.spans, destination: destination.spans };
      metrics.rules({ source: source.metrics, destination: destination.metrics });
    },
    close() {
      flush(true);
      next?.cancel();
    },
  };
}

/** A token bucket that holds one second's worth. */
function tokens(clock: Clock, perSecond: number): { left(now: number): boolean; take(now: number): boolean } {
  let have = perSecond;
  let at = clock.now();
  const refill = (now: number): void => {
    have = Math.min(perSecond, have + (Math.max(0, now - at) * perSecond) / 1000);
    at = now;
  };
  return {
    left: (now) => { refill(now); return have >= 1; },
    take: (now) => {
      refill(now);
      if (have < 1) return false;
      have -= 1;
      return true;
    },
  };
}

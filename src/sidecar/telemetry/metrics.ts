import { durationBuckets, metricFamilies, shownLabels, type MetricDelta, type MetricLabels, type RequestRecord } from '../../contract/index.ts';
import type { MetricRules } from '../../features/telemetry/filter.ts';
import type { AccessFacts } from '../runtime.ts';
import { attributesOf } from './attributes.ts';
import { nobody } from './peer.ts';
import { labelsOf, seriesKey } from './labels.ts';

/** Bytes and states of TCP connections that were added. */
export interface TcpDelta {
  readonly opened: number;
  readonly closed: number;
  readonly sent: number;
  readonly received: number;
}

/** Label sets that are kept apart; further ones share a series whose service is `unknown`. */
const mostSeries = 5000;

type Shown = NonNullable<MetricDelta['shown']>;

/** Rules of one side, and what tells them from others. */
export interface SideRules {
  readonly id: string;
  readonly rules: MetricRules;
}

class Series {
  readonly labels: MetricLabels;
  readonly shown?: Shown;
  requests = 0;
  readonly durations: number[] = new Array<number>(durationBuckets.length + 1).fill(0);
  durationSum = 0;
  requestBytes = 0;
  responseBytes = 0;
  tcpOpened = 0;
  tcpClosed = 0;
  tcpSent = 0;
  tcpReceived = 0;

  constructor(labels: MetricLabels, shown: Shown | undefined) {
    this.labels = labels;
    if (shown !== undefined) this.shown = shown;
  }

  count(record: RequestRecord): void {
    this.requests += 1;
    let at = 0;
    while (at < durationBuckets.length && record.duration > (durationBuckets[at] as number)) at++;
    this.durations[at] = (this.durations[at] ?? 0) + 1;
    this.durationSum += record.duration;
    this.requestBytes += record.bytesReceived;
    this.responseBytes += record.bytesSent;
  }

  countTcp(delta: TcpDelta): void {
    this.tcpOpened += delta.opened;
    this.tcpClosed += delta.closed;
    this.tcpSent += delta.sent;
    this.tcpReceived += delta.received;
  }

  add(other: Series): void {
    this.requests += other.requests;
    other.durations.forEach((count, at) => { this.durations[at] = (this.durations[at] ?? 0) + count; });
    this.durationSum += other.durationSum;
    this.requestBytes += other.requestBytes;
    this.responseBytes += other.responseBytes;
    this.countTcp({ opened: other.tcpOpened, closed: other.tcpClosed, sent: other.tcpSent, received: other.tcpReceived });
  }
}

/** Counts of Istio's standard metrics: what was added since the last `take`, and totals for Prometheus. Never sampled. */
export class Metrics {
  readonly #added = new Map<string, Series>();
  readonly #totals = new Map<string, Series>();
  #rules: Readonly<Record<RequestRecord['reporter'], SideRules | undefined>> = { source: undefined, destination: undefined };
  /** Requests come in runs of the same kind. */
  #last: { readonly record: RequestRecord; readonly series: Series } | undefined;

  /** What rules change, by the side that reports. What was counted before stays as it was shown. */
  rules(rules: Readonly<Record<RequestRecord['reporter'], SideRules | undefined>>): void {
    this.#rules = rules;
    this.#last = undefined;
  }

  /** `facts` is asked only where there are rules. */
  request(record: RequestRecord, facts: () => AccessFacts): void {
    const last = this.#last;
    if (this.#rules[record.reporter] !== undefined) this.#series(record, facts).count(record);
    else if (last !== undefined && same(last.record, record)) last.series.count(record);
    else {
      const series = this.#series(record, facts);
      this.#last = { record, series };
      series.count(record);
    }
  }

  tcp(record: RequestRecord, delta: TcpDelta, facts: () => AccessFacts): void {
    this.#series(record, facts).countTcp(delta);
  }

  get pending(): boolean { return this.#added.size > 0; }

  /** What was added since the last call. */
  take(): readonly MetricDelta[] {
    const deltas = [...this.#added.values()];
    this.#settle();
    return deltas;
  }

  /** All counts since the start. */
  totals(): readonly MetricDelta[] {
    const current = new Map([...this.#totals].map(([key, series]) => [key, copy(series)]));
    for (const [key, series] of this.#added) merge(current, key, series);
    return [...current.values()];
  }

  #settle(): void {
    for (const [key, series] of this.#added) merge(this.#totals, key, series);
    this.#added.clear();
    this.#last = undefined;
  }

  #series(record: RequestRecord, facts: () => AccessFacts): Series {
    const side = this.#rules[record.reporter];
    const values = side?.rules.values(attributesOf(record, facts())) ?? [];
    const key = side === undefined ? seriesKey(record) : `${seriesKey(record)}|${side.id}|${values.join('\u0000')}`;
    const room = this.#added.has(key) || this.#totals.has(key) || this.#totals.size + this.#added.size < mostSeries;
    if (!room) return this.#find(overflowKey, () => new Series(labelsOf(overflow(record)), undefined));
    return this.#find(key, () => {
      const labels = labelsOf(record);
      return new Series(labels, side === undefined ? undefined : shownBy(side.rules, labels, values));
    });
  }

  #find(key: string, make: () => Series): Series {
    const found = this.#added.get(key);
    if (found !== undefined) return found;
    const known = this.#totals.get(key);
    const series = known === undefined ? make() : new Series(known.labels, known.shown);
    this.#added.set(key, series);
    return series;
  }
}

/** What each metric shows under rules. */
function shownBy(rules: MetricRules, labels: MetricLabels, values: readonly string[]): Shown {
  return Object.fromEntries(metricFamilies.map((family) => [family.name, rules.shown(family.name, shownLabels({ labels }, family) ?? {}, values) ?? null]));
}

/** Whether two records belong to one label set, seen at a glance; `false` when it takes more than that. */
function same(one: RequestRecord, other: RequestRecord): boolean {
  return one.source === other.source && one.destination === other.destination && one.status === other.status && one.service === other.service && one.reporter === other.reporter
    && one.protocol === other.protocol && one.mtls === other.mtls && one.cluster === other.cluster && one.grpcStatus === other.grpcStatus && one.flags.length === 0 && other.flags.length === 0;
}

/** Where all further label sets are counted. */
const overflowKey = 'overflow';

/** A record of which only the reporter is still told apart. */
function overflow(record: RequestRecord): RequestRecord {
  return { ...record, source: nobody, destination: nobody, service: '', cluster: '', status: 0, flags: ['OM'] };
}

function copy(series: Series): Series {
  const made = new Series(series.labels, series.shown);
  made.add(series);
  return made;
}

function merge(into: Map<string, Series>, key: string, series: Series): void {
  const total = into.get(key);
  if (total === undefined) into.set(key, copy(series));
  else total.add(series);
}

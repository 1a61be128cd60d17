import { durationBuckets, type MetricDelta } from './proxy-wire.ts';

type Labels = Readonly<Record<string, string>>;

/** TCP metrics have no response code and no protocol of requests. Source: istio.io/latest/docs/reference/config/metrics. */
const httpOnly: ReadonlySet<string> = new Set(['response_code', 'grpc_response_status']);

interface Family {
  readonly name: string;
  readonly help: string;
  readonly tcp: boolean;
  /** Counts by bucket; a counter has none. */
  readonly bounds?: readonly number[];
  /** The counts above each other bound and the sum, or the one value of a counter. Nothing when the metric was not touched. */
  read(delta: MetricDelta): { readonly counts: readonly number[]; readonly sum: number } | undefined;
}

/** Istio's standard metrics by their names without the prefix `istio_`, as its own filter names them. */
export const metricFamilies: readonly Family[] = [
  counter('requests_total', 'Requests handled by a proxy.', false, ({ requests }) => requests),
  { name: 'request_duration_milliseconds', help: 'Duration of requests in milliseconds.', tcp: false, bounds: durationBuckets, read: ({ requests, durations, durationSum }) => (requests === 0 ? undefined : { counts: durations, sum: durationSum }) },
  bytes('request_bytes', 'Bytes of request bodies.', ({ requestBytes }) => requestBytes),
  bytes('response_bytes', 'Bytes of response bodies.', ({ responseBytes }) => responseBytes),
  counter('tcp_connections_opened_total', 'TCP connections opened.', true, ({ tcpOpened }) => tcpOpened),
  counter('tcp_connections_closed_total', 'TCP connections closed.', true, ({ tcpClosed }) => tcpClosed),
  counter('tcp_sent_bytes_total', 'Bytes sent in responses on TCP connections.', true, ({ tcpSent }) => tcpSent),
  counter('tcp_received_bytes_total', 'Bytes received in requests on TCP connections.', true, ({ tcpReceived }) => tcpReceived),
];

function counter(name: string, help: string, tcp: boolean, value: (delta: MetricDelta) => number): Family {
  return { name, help, tcp, read: (delta) => (value(delta) === 0 ? undefined : { counts: [], sum: value(delta) }) };
}

/** Proxies report sizes as sums, so these histograms have the one bucket that holds all. */
function bytes(name: string, help: string, value: (delta: MetricDelta) => number): Family {
  return { name, help, tcp: false, bounds: [], read: (delta) => (delta.requests === 0 ? undefined : { counts: [delta.requests], sum: value(delta) }) };
}

/** The labels under which one metric of a label set is shown: the standard ones, unless rules changed them; `undefined` when rules leave it out. */
export function shownLabels({ labels, shown }: Pick<MetricDelta, 'labels' | 'shown'>, { name, tcp }: Pick<Family, 'name' | 'tcp'>): Labels | undefined {
  const changed = shown?.[name];
  if (changed === null) return undefined;
  const all: Labels = changed ?? { ...labels };
  return tcp ? Object.fromEntries(Object.entries(all).filter(([label]) => !httpOnly.has(label))) : all;
}

/** Istio's standard metrics in Prometheus' text format. Source: prometheus.io/docs/instrumenting/exposition_formats. */
export function istioMetricsText(deltas: readonly MetricDelta[]): string {
  return metricFamilies.map((family) => {
    const name = `istio_${family.name}`;
    const lines = [...summed(family, deltas)].flatMap(([set, { counts, sum }]) => (family.bounds === undefined ? [`${name}{${set}} ${sum}`] : histogram(name, set, { counts, sum, bounds: family.bounds })));
    return [`# HELP ${name} ${family.help}`, `# TYPE ${name} ${family.bounds === undefined ? 'counter' : 'histogram'}`, ...lines, ''].join('\n');
  }).join('');
}

/** What label sets come to that look alike once their labels are shown: rules that take a label away join them. */
function summed(family: Family, deltas: readonly MetricDelta[]): ReadonlyMap<string, { readonly counts: readonly number[]; readonly sum: number }> {
  const sums = new Map<string, { counts: number[]; sum: number }>();
  for (const delta of deltas) {
    const value = family.read(delta);
    const labels = value === undefined ? undefined : shownLabels(delta, family);
    if (value === undefined || labels === undefined) continue;
    const set = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`).join(',');
    const known = sums.get(set);
    if (known === undefined) sums.set(set, { counts: [...value.counts], sum: value.sum });
    else {
      value.counts.forEach((count, at) => { known.counts[at] = (known.counts[at] ?? 0) + count; });
      known.sum += value.sum;
    }
  }
  return sums;
}

/** Cumulative buckets, sum and count. The last count is the one above all bounds. */
function histogram(name: string, set: string, { counts, sum, bounds }: { readonly counts: readonly number[]; readonly sum: number; readonly bounds: readonly number[] }): readonly string[] {
  let total = 0;
  const comma = set === '' ? '' : ',';
  const lines = counts.map((count, index) => {
    total += count;
    return `${name}_bucket{${set}${comma}le="${bounds[index] ?? '+Inf'}"} ${total}`;
  });
  return [...lines, `${name}_sum{${set}} ${sum}`, `${name}_count{${set}} ${total}`];
}

function escape(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

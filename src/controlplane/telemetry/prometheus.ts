import { durationBuckets, type MetricDelta, type MetricLabels } from '../../contract/index.ts';
import { labelNames } from './schema.ts';

/** TCP metrics have no response code and no protocol of requests. Source: istio.io/latest/docs/reference/config/metrics. */
const httpOnly: ReadonlySet<string> = new Set(['response_code', 'grpc_response_status']);
const tcpLabels = labelNames.filter((name) => !httpOnly.has(name));

interface Family {
  readonly name: string;
  readonly type: 'counter' | 'histogram';
  readonly help: string;
  lines(sum: MetricDelta): readonly string[];
}

const families: readonly Family[] = [
  counter('istio_requests_total', 'Requests handled by a proxy.', labelNames, (sum) => sum.requests),
  {
    name: 'istio_request_duration_milliseconds', type: 'histogram', help: 'Duration of requests in milliseconds.',
    lines: (sum) => (sum.requests === 0 ? [] : histogram('istio_request_duration_milliseconds', labels(sum.labels, labelNames), sum.durations, sum.durationSum)),
  },
  bytes('istio_request_bytes', 'Bytes of request bodies.', (sum) => sum.requestBytes),
  bytes('istio_response_bytes', 'Bytes of response bodies.', (sum) => sum.responseBytes),
  counter('istio_tcp_connections_opened_total', 'TCP connections opened.', tcpLabels, (sum) => sum.tcpOpened),
  counter('istio_tcp_connections_closed_total', 'TCP connections closed.', tcpLabels, (sum) => sum.tcpClosed),
  counter('istio_tcp_sent_bytes_total', 'Bytes sent in responses on TCP connections.', tcpLabels, (sum) => sum.tcpSent),
  counter('istio_tcp_received_bytes_total', 'Bytes received in requests on TCP connections.', tcpLabels, (sum) => sum.tcpReceived),
];

/** Istio's standard metrics in Prometheus' text format. Source: prometheus.io/docs/instrumenting/exposition_formats. */
export function istioMetricsText(sums: readonly MetricDelta[]): string {
  const blocks = families.map(({ name, type, help, lines }) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...sums.flatMap(lines)].join('\n'));
  return `${blocks.join('\n')}\n`;
}

function counter(name: string, help: string, names: readonly (keyof MetricLabels)[], value: (sum: MetricDelta) => number): Family {
  return { name, type: 'counter', help, lines: (sum) => (value(sum) === 0 ? [] : [`${name}{${labels(sum.labels, names)}} ${value(sum)}`]) };
}

/** Proxies report sizes as sums, so these histograms have the one bucket that holds all. */
function bytes(name: string, help: string, value: (sum: MetricDelta) => number): Family {
  return { name, type: 'histogram', help, lines: (sum) => (sum.requests === 0 ? [] : histogram(name, labels(sum.labels, labelNames), [sum.requests], value(sum), [])) };
}

/** Cumulative buckets, sum and count. The last count is the one above all bounds. */
function histogram(name: string, set: string, counts: readonly number[], sum: number, bounds: readonly number[] = durationBuckets): readonly string[] {
  let total = 0;
  const lines = counts.map((count, index) => {
    total += count;
    return `${name}_bucket{${set},le="${bounds[index] ?? '+Inf'}"} ${total}`;
  });
  return [...lines, `${name}_sum{${set}} ${sum}`, `${name}_count{${set}} ${total}`];
}

function labels(values: MetricLabels, names: readonly (keyof MetricLabels)[]): string {
  return names.map((name) => `${name}="${escape(values[name])}"`).join(',');
}

function escape(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}

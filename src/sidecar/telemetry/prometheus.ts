import { durationBuckets, type MetricDelta } from '../../contract/index.ts';

/** Istio's standard metrics in Prometheus' text format. Source: prometheus.io, "Exposition formats". */
export function prometheusText(series: readonly MetricDelta[]): string {
  const http = series.filter(({ requests }) => requests > 0);
  const tcp = series.filter(({ tcpOpened, tcpClosed, tcpSent, tcpReceived }) => tcpOpened + tcpClosed + tcpSent + tcpReceived > 0);
  return [
    counter('istio_requests_total', http, ({ requests }) => requests),
    histogram('istio_request_duration_milliseconds', http),
    summed('istio_request_bytes', http, ({ requestBytes }) => requestBytes),
    summed('istio_response_bytes', http, ({ responseBytes }) => responseBytes),
    counter('istio_tcp_connections_opened_total', tcp, ({ tcpOpened }) => tcpOpened),
    counter('istio_tcp_connections_closed_total', tcp, ({ tcpClosed }) => tcpClosed),
    counter('istio_tcp_sent_bytes_total', tcp, ({ tcpSent }) => tcpSent),
    counter('istio_tcp_received_bytes_total', tcp, ({ tcpReceived }) => tcpReceived),
  ].filter((part) => part !== '').join('');
}

type Value = (series: MetricDelta) => number;

function counter(name: string, series: readonly MetricDelta[], value: Value): string {
  return block(name, 'counter', series.map((one) => `${name}{${labels(one)}} ${value(one)}`));
}

function summed(name: string, series: readonly MetricDelta[], value: Value): string {
  return block(name, 'histogram', series.flatMap((one) => [
    `${name}_bucket{${labels(one)},le="+Inf"} ${one.requests}`, `${name}_sum{${labels(one)}} ${value(one)}`, `${name}_count{${labels(one)}} ${one.requests}`,
  ]));
}

function histogram(name: string, series: readonly MetricDelta[]): string {
  return block(name, 'histogram', series.flatMap((one) => {
    let below = 0;
    const buckets = one.durations.map((count, at) => {
      below += count;
      return `${name}_bucket{${labels(one)},le="${durationBuckets[at] ?? '+Inf'}"} ${below}`;
    });
    return [...buckets, `${name}_sum{${labels(one)}} ${one.durationSum}`, `${name}_count{${labels(one)}} ${one.requests}`];
  }));
}

function block(name: string, type: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `# TYPE ${name} ${type}\n${lines.join('\n')}\n`;
}

function labels(series: MetricDelta): string {
  return Object.entries(series.labels).map(([name, value]) => `${name}="${String(value).replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))}"`).join(',');
}

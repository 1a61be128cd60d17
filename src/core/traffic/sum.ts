import { durationBuckets, type Figures, type MetricDelta } from '../../contract/index.ts';
import { quantile } from './quantile.ts';

/** What was added up of the traffic between two ends. */
export interface Sum {
  requests: number;
  errors: number;
  /** Requests and connections of which the security is known, and those over mTLS. */
  secured: number;
  known: number;
  connections: number;
  bytes: number;
  readonly durations: number[];
}

/** Nothing yet. */
export function emptySum(): Sum {
  return { requests: 0, errors: 0, secured: 0, known: 0, connections: 0, bytes: 0, durations: new Array<number>(durationBuckets.length + 1).fill(0) };
}

/** Adds one delta. */
export function addDelta(sum: Sum, delta: MetricDelta): void {
  const { labels } = delta;
  const count = delta.requests + delta.tcpOpened;
  sum.requests += delta.requests;
  sum.connections += delta.tcpOpened;
  sum.bytes += delta.tcpSent + delta.tcpReceived;
  if (failed(delta)) sum.errors += count;
  if (labels.connection_security_policy !== 'unknown') {
    sum.known += count;
    if (labels.connection_security_policy === 'mutual_tls') sum.secured += count;
  }
  for (const [index, value] of delta.durations.entries()) sum.durations[index] = (sum.durations[index] ?? 0) + value;
}

/** Adds one sum to another. */
export function addSum(to: Sum, from: Sum): void {
  to.requests += from.requests;
  to.errors += from.errors;
  to.secured += from.secured;
  to.known += from.known;
  to.connections += from.connections;
  to.bytes += from.bytes;
  for (const [index, value] of from.durations.entries()) to.durations[index] = (to.durations[index] ?? 0) + value;
}

/** Rates and latencies over so many seconds. TCP counts connections. */
export function figures(sum: Sum, seconds: number): Figures {
  const count = sum.requests + sum.connections;
  return { rps: count / seconds, errorShare: count === 0 ? 0 : sum.errors / count, p50: quantile(0.5, sum.durations), p99: quantile(0.99, sum.durations) };
}

/** A response of 500 and above, none at all though the caller waited, a gRPC status other than OK, or a TCP connection that ended with a flag. */
function failed({ labels }: MetricDelta): boolean {
  const flags = labels.response_flags;
  if (labels.request_protocol === 'tcp') return flags !== '' && flags !== '-';
  const status = Number(labels.response_code);
  if (status >= 500 || (status === 0 && !flags.includes('DC'))) return true;
  return labels.request_protocol === 'grpc' && labels.grpc_response_status !== '' && labels.grpc_response_status !== '0';
}

import type { RequestRecord } from '../../contract/index.ts';
import type { LogOperator } from '../../util/access-log-format.ts';
import type { AccessFacts } from '../runtime.ts';

/** What an operator stands for; `undefined` when there is nothing, as for all that the lab does not know of. */
export type LogValue = string | number | undefined;

type Value = (record: RequestRecord, facts: AccessFacts, argument: string) => LogValue;

const text = (value: string | undefined): LogValue => (value === undefined || value === '' ? undefined : value);
const http = (record: RequestRecord): boolean => record.protocol !== 'tcp';
const whole = (milliseconds: number): number => Math.max(0, Math.round(milliseconds));
const withoutPort = (address: string): string => address.slice(0, Math.max(0, address.lastIndexOf(':'))).replace(/^\[|\]$/g, '');
const portOf = (address: string): LogValue => (address === '' ? undefined : Number(address.slice(address.lastIndexOf(':') + 1)));

/** Values by operator. Source: Envoy, "Access logging", Command Operators. */
const values: Readonly<Record<string, Value>> = {
  START_TIME: ({ time }, _facts, format) => formatTime(time, format),
  PROTOCOL: (_record, { protocol }) => text(protocol),
  RESPONSE_CODE: ({ status }) => status,
  RESPONSE_CODE_DETAILS: (record) => (http(record) ? text(record.details.replace(/\s/g, '_')) : undefined),
  CONNECTION_TERMINATION_DETAILS: (record) => (http(record) || !/^(rbac|max_)/.test(record.details) ? undefined : record.details.replace(/\s/g, '_')),
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ details, flags }) => (flags.includes('UF') ? text(/\{(.*)\}/s.exec(details)?.[1]) : undefined),
  RESPONSE_FLAGS: ({ flags }) => text(flags.join(',')),
  BYTES_RECEIVED: ({ bytesReceived }) => bytesReceived,
  BYTES_SENT: ({ bytesSent }) => bytesSent,
  DURATION: ({ duration }) => whole(duration),
  RESPONSE_DURATION: (record) => (record.upstreamDuration > 0 ? whole(record.upstreamDuration) : undefined),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: ({ retries, endpoint }) => (endpoint === '' ? 0 : retries + 1),
  UPSTREAM_HOST: ({ endpoint }) => text(endpoint),
  UPSTREAM_REMOTE_ADDRESS: ({ endpoint }) => text(endpoint),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ({ endpoint }) => text(withoutPort(endpoint)),
  UPSTREAM_REMOTE_PORT: ({ endpoint }) => portOf(endpoint),
  UPSTREAM_CLUSTER: ({ cluster }) => text(cluster),
  UPSTREAM_CLUSTER_RAW: ({ cluster }) => text(cluster),
  UPSTREAM_LOCAL_ADDRESS: (_record, facts) => text(facts.upstreamLocalAddress),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (_record, facts) => text(withoutPort(facts.upstreamLocalAddress)),
  UPSTREAM_LOCAL_PORT: (_record, facts) => portOf(facts.upstreamLocalAddress),
  UPSTREAM_PEER_URI_SAN: ({ reporter, destination }) => (reporter === 'source' ? text(destination.principal) : undefined),
  DOWNSTREAM_LOCAL_ADDRESS: (_record, facts) => text(facts.downstreamLocalAddress),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: (_record, facts) => text(withoutPort(facts.downstreamLocalAddress)),
  DOWNSTREAM_LOCAL_PORT: (_record, facts) => portOf(facts.downstreamLocalAddress),
  DOWNSTREAM_REMOTE_ADDRESS: (_record, facts) => text(facts.downstreamRemoteAddress),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: (_record, facts) => text(withoutPort(facts.downstreamRemoteAddress)),
  DOWNSTREAM_REMOTE_PORT: (_record, facts) => portOf(facts.downstreamRemoteAddress),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: (_record, facts) => text(facts.downstreamDirectRemoteAddress),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: (_record, facts) => text(withoutPort(facts.downstreamDirectRemoteAddress)),
  DOWNSTREAM_DIRECT_REMOTE_PORT: (_record, facts) => portOf(facts.downstreamDirectRemoteAddress),
  DOWNSTREAM_PEER_URI_SAN: ({ reporter, source }) => (reporter === 'destination' ? text(source.principal) : undefined),
  REQUESTED_SERVER_NAME: (_record, { requestedServerName }) => text(requestedServerName),
  ROUTE_NAME: (_record, { routeName }) => text(routeName),
  HOSTNAME: ({ proxy }) => text(proxy.slice(proxy.indexOf('/') + 1)),
  TRACE_ID: ({ traceId }) => text(traceId),
  SPAN_ID: ({ spanId }) => text(spanId),
  STREAM_ID: ({ requestId }) => text(requestId),
  GRPC_STATUS_NUMBER: ({ grpcStatus }) => grpcStatus,
  PATH: (record) => text(record.path),
  REQ: (record, _facts, argument) => alternatives(argument, (name) => requestHeader(record, name)),
  RESP: (record, _facts, argument) => alternatives(argument, (name) => responseHeader(record, name)),
  TRAILER: (_record, { trailers }, argument) => alternatives(argument, (name) => trailers?.get(name)),
};

/** The value of an operator for one request. */
export function operatorValue({ name, argument }: LogOperator, record: RequestRecord, facts: AccessFacts): LogValue {
  return Object.hasOwn(values, name) ? values[name]?.(record, facts, argument) : undefined;
}

/** `X?Y`: Y where there is no X. */
function alternatives(argument: string, read: (name: string) => string | undefined): LogValue {
  for (const name of argument.split('?')) {
    const value = read(name.trim().toLowerCase());
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

function requestHeader(record: RequestRecord, name: string): string | undefined {
  if (!http(record)) return undefined;
  if (name === ':method') return record.method;
  if (name === ':path') return record.path;
  if (name === ':authority' || name === 'host') return record.authority;
  return joined(record.requestHeaders, name);
}

function responseHeader(record: RequestRecord, name: string): string | undefined {
  if (name === ':status') return record.status === 0 ? undefined : String(record.status);
  const written = joined(record.responseHeaders, name);
  return written === undefined && name === 'x-envoy-upstream-service-time' && http(record) && record.upstreamDuration > 0 ? String(whole(record.upstreamDuration)) : written;
}

function joined(headers: RequestRecord['requestHeaders'], name: string): string | undefined {
  const found = headers.filter(([key]) => key === name);
  return found.length === 0 ? undefined : found.map(([, value]) => value).join(',');
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

/** A time in UTC by a format of strftime with Envoy's fractions (`%3f`, `%f`); ISO 8601 without one. */
function formatTime(time: number, format: string): string {
  const date = new Date(time);
  if (format === '') return date.toISOString();
  return format.replace(/%([1-9]?f|[a-zA-Z%])/g, (written, letter: string) => {
    if (letter.endsWith('f')) return String(Math.floor((((time % 1000) + 1000) % 1000) * 1e6)).padStart(9, '0').slice(0, letter === 'f' ? 9 : Number(letter[0]));
    return timePart(date, letter) ?? written;
  });
}

function timePart(date: Date, letter: string): string | undefined {
  const two = (value: number): string => String(value).padStart(2, '0');
  const [year, month, day, hour] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours()];
  const parts: Readonly<Record<string, () => string>> = {
    Y: () => String(year), y: () => two(year % 100), m: () => two(month + 1), d: () => two(day), e: () => String(day).padStart(2), H: () => two(hour), I: () => two(hour % 12 || 12), p: () => (hour < 12 ? 'AM' : 'PM'),
    M: () => two(date.getUTCMinutes()), S: () => two(date.getUTCSeconds()), s: () => String(Math.floor(date.getTime() / 1000)), z: () => '+0000', Z: () => 'UTC', '%': () => '%',
    b: () => months[month]?.slice(0, 3) ?? '', B: () => months[month] ?? '', a: () => days[date.getUTCDay()]?.slice(0, 3) ?? '', A: () => days[date.getUTCDay()] ?? '',
    j: () => String(Math.floor((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1).padStart(3, '0'),
    T: () => date.toISOString().slice(11, 19), F: () => date.toISOString().slice(0, 10), R: () => date.toISOString().slice(11, 16), D: () => `${two(month + 1)}/${two(day)}/${two(year % 100)}`,
  };
  return Object.hasOwn(parts, letter) ? parts[letter]?.() : undefined;
}

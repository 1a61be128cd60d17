import type { RequestRecord } from '../../contract/index.ts';

/**
 * One line in Envoy's default text format, without the newline. What peers sent is escaped, so that a line stays a line.
 * Source: Envoy, "Access logging", default format string.
 */
export function accessLogLine(record: RequestRecord): string {
  const http = record.protocol !== 'tcp';
  const path = header(record.requestHeaders, 'x-envoy-original-path') ?? record.path;
  const request = http ? `${quoted(record.method)} ${quoted(path)} HTTP/1.1` : '- - -';
  return [
    `[${new Date(record.time).toISOString()}] "${request}" ${record.status} ${record.flags.length === 0 ? '-' : record.flags.join(',')} ${record.details === '' ? '-' : quoted(record.details)}`,
    `${record.bytesReceived} ${record.bytesSent} ${Math.round(record.duration)} ${http && record.upstreamDuration > 0 ? Math.round(record.upstreamDuration) : '-'}`,
    ...['x-forwarded-for', 'user-agent', 'x-request-id'].map((name) => `"${quoted(header(record.requestHeaders, name) ?? '-')}"`),
    `"${quoted(record.authority === '' ? '-' : record.authority)}" "${record.endpoint === '' ? '-' : record.endpoint}" ${record.cluster === '' ? '-' : record.cluster}`,
  ].join(' ');
}

function header(headers: RequestRecord['requestHeaders'], name: string): string | undefined {
  return headers.find(([key]) => key === name)?.[1];
}

function quoted(text: string): string {
  return text.replace(/[\x00-\x1f"\\\x7f-\x9f\u2028\u2029]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

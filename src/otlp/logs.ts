import { attributes, nanoseconds } from './spans.ts';

/** One line of an access log. */
export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Hexadecimal; empty for none. */
  readonly traceId: string;
  readonly spanId: string;
}

/** Lines of one proxy in OTLP's JSON: the body of `/v1/logs`. */
export function logsJson(resource: Readonly<Record<string, string>>, lines: readonly LogLine[]): { readonly resourceLogs: readonly object[] } {
  const logRecords = lines.map(({ time, body, attributes: own, traceId, spanId }) => ({
    timeUnixNano: nanoseconds(time), observedTimeUnixNano: nanoseconds(time), body: { stringValue: body }, attributes: attributes(own), ...(traceId === '' ? {} : { traceId }), ...(spanId === '' ? {} : { spanId }),
  }));
  return { resourceLogs: [{ resource: { attributes: attributes(resource) }, scopeLogs: [{ scope: { name: 'weft' }, logRecords }] }] };
}

type Fields = Readonly<Record<string, unknown>>;
const fields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(fields) : []);
const text = (value: unknown): string => String(Object.values(fields(value))[0] ?? '').trim();

/** The lines of a body of `/v1/logs` in JSON, each with the service that wrote it, fit to be printed. */
export function readLogs(json: unknown): readonly string[] {
  return list(fields(json)['resourceLogs']).flatMap((group) => {
    const service = text(list(fields(group['resource'])['attributes']).find(({ key }) => key === 'service.name')?.['value']) || 'unknown_service';
    return list(group['scopeLogs']).flatMap(({ logRecords }) => list(logRecords)).map(({ body, attributes: own }) => {
      const told = list(own).map(({ key, value }) => `${String(key)}=${text(value)}`).join(' ');
      return `${service} ${text(body)}${told === '' ? '' : ` ${told}`}`.slice(0, 4096).replace(/[\x00-\x1f\x7f]/g, ' ');
    });
  });
}

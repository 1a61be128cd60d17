import type { RequestRecord } from '../../contract/index.ts';
import { istioTextFormat, parseJsonTemplate, parseLogTemplate, type JsonTemplate, type LogOperator, type LogTemplate } from '../../util/access-log-format.ts';
import { typeUrl } from '../../xds/index.ts';
import type { AccessFacts } from '../runtime.ts';
import { operatorValue, type LogValue } from './access-log-values.ts';

/** Writes one request as a line, its newline included where the format has one. */
export type AccessLogWriter = (record: RequestRecord, facts: AccessFacts) => string;

/** The part of Envoy's FileAccessLog that says how lines look. */
interface FileAccessLog {
  readonly logFormat?: { readonly textFormatSource?: { readonly inlineString?: string }; readonly jsonFormat?: Readonly<Record<string, unknown>> };
}

/** The writer of an access log of a connection manager; `undefined` for one that writes no lines. */
export function accessLogWriter(log: { readonly typedConfig?: unknown }): AccessLogWriter | undefined {
  const config = log.typedConfig as (FileAccessLog & { readonly '@type'?: string }) | undefined;
  if (config?.['@type'] !== typeUrl.fileAccessLog) return undefined;
  const { jsonFormat, textFormatSource } = config.logFormat ?? {};
  if (jsonFormat !== undefined) {
    const { template } = parseJsonTemplate(jsonFormat);
    return (record, facts) => `${JSON.stringify(fill(template, record, facts))}\n`;
  }
  const { template } = parseLogTemplate(textFormatSource?.inlineString ?? istioTextFormat);
  return (record, facts) => line(template, record, facts);
}

/** A writer of text by a format. */
export function logText(format: string): AccessLogWriter {
  const { template } = parseLogTemplate(format);
  return (record, facts) => line(template, record, facts);
}

/** Text: nothing is `-`, and what peers sent is escaped, so that a line stays a line. */
function line(template: LogTemplate, record: RequestRecord, facts: AccessFacts): string {
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : quoted(String(valueOf(part, record, facts) ?? '-'));
  return text;
}

/** JSON: an operator that stands alone keeps its type, and nothing is null. */
function fill(template: JsonTemplate, record: RequestRecord, facts: AccessFacts): unknown {
  if ('value' in template) return template.value;
  if ('list' in template) return template.list.map((item) => fill(item, record, facts));
  if ('fields' in template) return Object.fromEntries(template.fields.map(([key, value]) => [key, fill(value, record, facts)]));
  const [only] = template;
  if (template.length === 1 && typeof only === 'object') return valueOf(only, record, facts) ?? null;
  return template.map((part) => (typeof part === 'string' ? part : String(valueOf(part, record, facts) ?? '-'))).join('');
}

function valueOf(operator: LogOperator, record: RequestRecord, facts: AccessFacts): LogValue {
  const value = operatorValue(operator, record, facts);
  return typeof value === 'string' && value.length > operator.length ? value.slice(0, operator.length) : value;
}

function quoted(text: string): string {
  return text.replace(/[\x00-\x1f"\\\x7f-\x9f\u2028\u2029]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

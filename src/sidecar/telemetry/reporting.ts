import { metricRules, readExpression, type MetricConfig } from '../../features/telemetry/filter.ts';
import type { RequestRecord } from '../../contract/index.ts';
import { typeUrl, type HttpConnectionManager, type Listener } from '../../xds/index.ts';
import { chainsOf, terminalFilter } from '../config/validate.ts';
import type { OtlpCodec } from '../../otlp/index.ts';
import { accessLogWriter, logText, type AccessLogWriter } from './access-log.ts';
import { attributesOf } from './attributes.ts';
import { logExporter, spanExporter, type ExportQueue } from './export.ts';
import type { SideRules } from './metrics.ts';
import type { SideReporting } from './telemetry.ts';

type AccessLog = NonNullable<HttpConnectionManager['accessLog']>[number];

/** What listeners ask a proxy to report: all filter chains of one side say the same. Throws on an expression that does not parse. */
export function reportingOf(listeners: readonly Listener[], exports?: ExportEnvironment): Readonly<Record<RequestRecord['reporter'], SideReporting>> {
  const side = (inbound: boolean): SideReporting => {
    const chains = listeners.filter(({ name }) => (name === 'virtualInbound') === inbound).flatMap(chainsOf);
    const logs = chains.map(terminalFilter).map((terminal) => (terminal.kind === 'http' ? terminal.manager.accessLog : terminal.proxy.accessLog) ?? []).find((some) => some.length > 0) ?? [];
    const stats = chains.flatMap((chain) => chain.filters ?? []).flatMap((filter) => [filter, ...((filter.typedConfig as HttpConnectionManager | undefined)?.httpFilters ?? [])]).find(({ typedConfig }) => typeOf(typedConfig) === typeUrl.stats);
    const tracer = chains.map(terminalFilter).map((terminal) => (terminal.kind === 'http' ? terminal.manager.tracing?.provider?.typedConfig : undefined)).find((config) => config !== undefined);
    const exporter = exports === undefined ? undefined : spanExporter(tracer, exports.codec);
    return {
      ...(exporter === undefined || exports === undefined ? {} : { spans: (record: RequestRecord) => exports.queue.add(exporter, record) }),
      logs: logs.flatMap((log) => writerOf(log, exports)), metrics: rulesOf((stats?.typedConfig as { readonly metrics?: readonly MetricConfig[] } | undefined)?.metrics ?? []),
    };
  };
  return { source: side(false), destination: side(true) };
}

/** What exporting needs. */
export interface ExportEnvironment {
  readonly queue: ExportQueue;
  readonly codec: () => OtlpCodec;
  /** Who the proxy is. */
  readonly resource: Readonly<Record<string, string>>;
}

/** A log whose lines go to a collector instead of the output. */
function exportedLog(log: AccessLog, exports: ExportEnvironment | undefined): AccessLogWriter | undefined {
  const exporter = exports === undefined ? undefined : logExporter(log.typedConfig, exports.resource, exports.codec);
  if (exports === undefined || exporter === undefined) return undefined;
  const { body, attributes } = log.typedConfig as { readonly body?: { readonly stringValue?: string }; readonly attributes?: { readonly values?: readonly { readonly key?: string; readonly value?: { readonly stringValue?: string } }[] } };
  const line = logText(body?.stringValue ?? '');
  const fields = (attributes?.values ?? []).map(({ key = '', value }) => [key, logText(value?.stringValue ?? '')] as const);
  return (record, facts) => {
    exports.queue.add(exporter, { time: record.time, body: line(record, facts), attributes: Object.fromEntries(fields.map(([key, text]) => [key, text(record, facts)])), traceId: record.traceId, spanId: record.spanId });
    return '';
  };
}

const typeOf = (config: unknown): string => (config as { readonly '@type'?: string } | undefined)?.['@type'] ?? '';

function rulesOf(configs: readonly MetricConfig[]): SideRules | undefined {
  return configs.length === 0 ? undefined : { id: JSON.stringify(configs), rules: metricRules(configs) };
}

/** A log writes what its filter lets through; an expression that has no value for a request does not. */
function writerOf(log: AccessLog, exports: ExportEnvironment | undefined): readonly AccessLogWriter[] {
  const write = accessLogWriter(log) ?? exportedLog(log, exports);
  if (write === undefined) return [];
  const filter = log.filter?.extensionFilter?.typedConfig as { readonly '@type'?: string; readonly expression?: string } | undefined;
  if (typeOf(filter) !== typeUrl.celFilter) return [write];
  const expression = readExpression(filter?.expression ?? '');
  return [(record, facts) => (expression(attributesOf(record, facts)) === true ? write(record, facts) : '')];
}

import { metricRules, readExpression, type MetricConfig } from '../../features/telemetry/filter.ts';
import type { RequestRecord } from '../../contract/index.ts';
import { typeUrl, type HttpConnectionManager, type Listener } from '../../xds/index.ts';
import { chainsOf, terminalFilter } from '../config/validate.ts';
import { accessLogWriter, type AccessLogWriter } from './access-log.ts';
import { attributesOf } from './attributes.ts';
import type { SideRules } from './metrics.ts';
import type { SideReporting } from './telemetry.ts';

type AccessLog = NonNullable<HttpConnectionManager['accessLog']>[number];

/** What listeners ask a proxy to report: all filter chains of one side say the same. Throws on an expression that does not parse. */
export function reportingOf(listeners: readonly Listener[]): Readonly<Record<RequestRecord['reporter'], SideReporting>> {
  const side = (inbound: boolean): SideReporting => {
    const chains = listeners.filter(({ name }) => (name === 'virtualInbound') === inbound).flatMap(chainsOf);
    const logs = chains.map(terminalFilter).map((terminal) => (terminal.kind === 'http' ? terminal.manager.accessLog : terminal.proxy.accessLog) ?? []).find((some) => some.length > 0) ?? [];
    const stats = chains.flatMap((chain) => chain.filters ?? []).flatMap((filter) => [filter, ...((filter.typedConfig as HttpConnectionManager | undefined)?.httpFilters ?? [])]).find(({ typedConfig }) => typeOf(typedConfig) === typeUrl.stats);
    return { logs: logs.flatMap(writerOf), metrics: rulesOf((stats?.typedConfig as { readonly metrics?: readonly MetricConfig[] } | undefined)?.metrics ?? []) };
  };
  return { source: side(false), destination: side(true) };
}

const typeOf = (config: unknown): string => (config as { readonly '@type'?: string } | undefined)?.['@type'] ?? '';

function rulesOf(configs: readonly MetricConfig[]): SideRules | undefined {
  return configs.length === 0 ? undefined : { id: JSON.stringify(configs), rules: metricRules(configs) };
}

/** A log writes what its filter lets through; an expression that has no value for a request does not. */
function writerOf(log: AccessLog): readonly AccessLogWriter[] {
  const write = accessLogWriter(log);
  if (write === undefined) return [];
  const filter = log.filter?.extensionFilter?.typedConfig as { readonly '@type'?: string; readonly expression?: string } | undefined;
  if (typeOf(filter) !== typeUrl.celFilter) return [write];
  const expression = readExpression(filter?.expression ?? '');
  return [(record, facts) => (expression(attributesOf(record, facts)) === true ? write(record, facts) : '')];
}

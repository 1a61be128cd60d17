import { substitutionFormat } from '../../util/access-log-format.ts';
import { any, typeUrl, type HttpConnectionManager } from '../../xds/index.ts';
import { meant, type Side } from './compile.ts';
import type { Reach } from './compile-providers.ts';
import type { ReportingProvider, Telemetry } from './manifest.ts';

type AccessLogs = NonNullable<HttpConnectionManager['accessLog']>;
type AccessLog = AccessLogs[number];

/** What the mesh says of access logs. */
export interface LogDefaults {
  readonly accessLogFile: string;
  readonly accessLogFormat: string;
  readonly accessLogEncoding: 'TEXT' | 'JSON';
  readonly logProviders: readonly string[];
  readonly providers: readonly ReportingProvider[];
}

/** The provider that is there without being listed: lines on the proxy's output. */
const builtIn = 'envoy';

/**
 * Access logs of one side of a proxy. The narrowest Telemetry that speaks of logs counts, on top of what the mesh does without any; each of its entries turns its
 * providers on or off. Source: istio.io, Telemetry, AccessLogging; "Access Logging with Telemetry API".
 */
export function compileAccessLogs(telemetries: readonly Telemetry[], side: Side, mesh: LogDefaults, reach: Reach): AccessLogs {
  const byDefault = mesh.logProviders.length > 0 ? mesh.logProviders : [builtIn];
  const on = new Map<string, string>(mesh.logProviders.length > 0 || mesh.accessLogFile !== '' ? byDefault.map((name) => [name, '']) : []);
  for (const { match, providers, disabled, filter } of telemetries.findLast(({ accessLogging }) => accessLogging.length > 0)?.accessLogging ?? []) {
    if (!meant(match?.mode, side)) continue;
    const names = providers.length > 0 ? providers.map(({ name }) => name) : on.size > 0 ? [...on.keys()] : byDefault;
    for (const name of names) {
      if (disabled === true) on.delete(name);
      else on.set(name, filter?.expression ?? '');
    }
  }
  return [...on].flatMap(([name, expression]) => {
    const log = logOf(name, mesh, reach);
    return log === undefined ? [] : [{ ...log, ...(expression === '' ? {} : { filter: condition(expression) }) }];
  });
}

function logOf(name: string, mesh: LogDefaults, reach: Reach): AccessLog | undefined {
  const provider = mesh.providers.find((one) => one.name === name) ?? (name === builtIn ? { name, envoyFileAccessLog: { path: mesh.accessLogFile, omitEmptyValues: false } } : undefined);
  const file = provider?.envoyFileAccessLog;
  if (file !== undefined) {
    return { name: 'envoy.access_loggers.file', typedConfig: any(typeUrl.fileAccessLog, { path: file.path === '' ? '/dev/stdout' : file.path, logFormat: formatOf(file.logFormat, mesh) }) };
  }
  const als = provider?.envoyOtelAls;
  const to = als === undefined ? undefined : reach(als.service, als.port);
  if (als === undefined || to === undefined) return undefined;
  const { text = '', labels = {} } = als.logFormat ?? {};
  const format = formatOf({ text }, { ...mesh, accessLogEncoding: 'TEXT' });
  const body = 'textFormatSource' in format ? format.textFormatSource.inlineString.replace(/\n$/, '') : '';
  return {
    name: 'envoy.access_loggers.open_telemetry',
    typedConfig: any(typeUrl.otlpAccessLog, {
      commonConfig: { logName: als.logName === '' ? 'otel_envoy_accesslog' : als.logName, grpcService: { envoyGrpc: { clusterName: to.cluster, authority: to.host } }, transportApiVersion: 'V3' },
      body: { stringValue: body },
      attributes: { values: Object.entries(labels).map(([key, value]) => ({ key, value: { stringValue: typeof value === 'string' ? value : JSON.stringify(value) } })) },
    }),
  };
}

function formatOf(written: { readonly text: string; readonly labels?: Readonly<Record<string, unknown>> | undefined } | undefined, mesh: LogDefaults): ReturnType<typeof substitutionFormat> {
  if (written?.labels !== undefined) return substitutionFormat(JSON.stringify(written.labels), 'JSON');
  if (written !== undefined && written.text !== '') return substitutionFormat(written.text, 'TEXT');
  return substitutionFormat(mesh.accessLogFormat, mesh.accessLogEncoding);
}

/** Envoy's filter of logs by an expression in CEL. */
function condition(expression: string): NonNullable<AccessLog['filter']> {
  return { extensionFilter: { name: 'envoy.access_loggers.extension_filters.cel', typedConfig: any(typeUrl.celFilter, { expression }) } };
}

import { any, typeUrl, type HttpFilterConfig } from '../../xds/index.ts';
import { meant, type Side } from './compile.ts';
import type { ReportingProvider, Telemetry } from './manifest.ts';

/** One change to Istio's metrics, as the filter `istio.stats` takes it. */
export interface MetricConfig {
  /** Without Istio's prefix, such as `requests_total`; absent for all. */
  readonly name?: string;
  /** Tags by name with the expression that gives their value. */
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly tagsToRemove?: readonly string[];
  /** The metric is not reported, or (false) it is again. */
  readonly drop?: boolean;
}

/** Names of metrics. Source: istio.io, "Istio Standard Metrics"; Telemetry, MetricSelector.IstioMetric. */
const metricNames: Readonly<Record<string, string>> = {
  REQUEST_COUNT: 'requests_total', REQUEST_DURATION: 'request_duration_milliseconds', REQUEST_SIZE: 'request_bytes', RESPONSE_SIZE: 'response_bytes',
  TCP_OPENED_CONNECTIONS: 'tcp_connections_opened_total', TCP_CLOSED_CONNECTIONS: 'tcp_connections_closed_total', TCP_SENT_BYTES: 'tcp_sent_bytes_total', TCP_RECEIVED_BYTES: 'tcp_received_bytes_total',
  GRPC_REQUEST_MESSAGES: 'request_messages_total', GRPC_RESPONSE_MESSAGES: 'response_messages_total',
};

/** The filter that counts for Prometheus, when rules change what it counts by; a narrower scope goes over a wider one. Source: istio.io, Telemetry, Metrics. */
export function compileMetrics(telemetries: readonly Telemetry[], side: Side, providers: readonly ReportingProvider[]): readonly HttpFilterConfig[] {
  const prometheus = (names: readonly { readonly name: string }[]): boolean => names.length === 0 || names.some(({ name }) => name === 'prometheus' || providers.some((provider) => provider.name === name && provider.prometheus !== undefined));
  const overrides = telemetries.flatMap(({ metrics }) => metrics).filter(({ providers: named }) => prometheus(named)).flatMap((entry) => entry.overrides).filter(({ match }) => meant(match?.mode, side));
  if (overrides.length === 0) return [];
  const metrics = overrides.map(({ match, disabled, tagOverrides }): MetricConfig => {
    const set = Object.entries(tagOverrides).filter(([, { operation }]) => operation !== 'REMOVE');
    const removed = Object.entries(tagOverrides).filter(([, { operation }]) => operation === 'REMOVE').map(([tag]) => tag);
    const name = match?.customMetric ?? metricNames[match?.metric ?? ''];
    return {
      ...(name === undefined ? {} : { name }), ...(set.length === 0 ? {} : { dimensions: Object.fromEntries(set.map(([tag, { value }]) => [tag, value])) }),
      ...(removed.length === 0 ? {} : { tagsToRemove: removed }), ...(disabled === undefined ? {} : { drop: disabled }),
    };
  });
  return [{ name: 'istio.stats', typedConfig: any(typeUrl.stats, { metrics }) }];
}

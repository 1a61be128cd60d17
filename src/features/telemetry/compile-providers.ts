import { formatDuration } from '../../util/manifest-fields.ts';
import { any, typeUrl, type HttpConnectionManager } from '../../xds/index.ts';
import type { ReportingProvider } from './manifest.ts';

/** Where a service of the mesh is reached: the cluster of its port, and its full name. */
export type Reach = (service: string, port: number) => { readonly cluster: string; readonly host: string } | undefined;

type TracingProvider = NonNullable<NonNullable<HttpConnectionManager['tracing']>['provider']>;
type Headers = NonNullable<ReportingProvider['zipkin']>['headers'];

/** Envoy's tracer for a provider; `undefined` for one that takes no traces or whose service is not there. Source: istio.io, ExtensionProvider. */
export function tracer({ opentelemetry, zipkin }: ReportingProvider, reach: Reach): TracingProvider | undefined {
  if (opentelemetry !== undefined) {
    const to = reach(opentelemetry.service, opentelemetry.port);
    const { http, grpc } = opentelemetry;
    if (to === undefined) return undefined;
    const service = http === undefined
      ? { grpcService: { envoyGrpc: { clusterName: to.cluster, authority: to.host }, ...timeout(grpc?.timeout), ...metadata(grpc?.initialMetadata ?? []) } }
      : { httpService: { httpUri: { uri: `${to.host}${http.path === '' ? '/' : http.path}`, cluster: to.cluster, timeout: formatDuration(http.timeout ?? 1000) }, ...added(http.headers) } };
    return { name: 'envoy.tracers.opentelemetry', typedConfig: any(typeUrl.otlpTracer, service) };
  }
  if (zipkin === undefined) return undefined;
  const to = reach(zipkin.service, zipkin.port);
  if (to === undefined) return undefined;
  const config = { collectorCluster: to.cluster, collectorHostname: to.host, collectorEndpoint: zipkin.path === '' ? '/api/v2/spans' : zipkin.path, collectorEndpointVersion: 'HTTP_JSON', traceId128bit: true, sharedSpanContext: false };
  return { name: 'envoy.tracers.zipkin', typedConfig: any(typeUrl.zipkinTracer, config) };
}

function timeout(milliseconds: number | undefined): { readonly timeout?: string } {
  return milliseconds === undefined ? {} : { timeout: formatDuration(milliseconds) };
}

function metadata(headers: Headers): { readonly initialMetadata?: readonly { readonly key: string; readonly value: string }[] } {
  return headers.length === 0 ? {} : { initialMetadata: headers.map(({ name, value }) => ({ key: name, value })) };
}

function added(headers: Headers): { readonly requestHeadersToAdd?: readonly { readonly header: { readonly key: string; readonly value: string } }[] } {
  return headers.length === 0 ? {} : { requestHeadersToAdd: headers.map(({ name, value }) => ({ header: { key: name, value } })) };
}

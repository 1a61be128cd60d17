import { compileTcpRoute } from '../features/tcp-routing/compile.ts';
import { any, typeUrl, type HttpConnectionManager, type HttpFilterConfig, type NetworkFilter, type RouteConfiguration, type TcpProxy } from '../xds/index.ts';
import type { GatewayTopology, MeshConfig } from './mesh-config.ts';
import type { Reporting, ReportingMesh } from './telemetry.ts';

/** Names of the filters, as Envoy's. */
export const filterNames = {
  httpConnectionManager: 'envoy.filters.network.http_connection_manager',
  tcpProxy: 'envoy.filters.network.tcp_proxy',
} as const;

/** Where an HTTP connection manager stands. */
export interface HttpSettings {
  readonly statPrefix: string;
  /** Routes by name (RDS), or in place. */
  readonly routes: string | RouteConfiguration;
  readonly place: 'outbound' | 'inbound' | 'gateway';
  readonly mesh: ReportingMesh;
  /** Filters that decide whether a request comes in at all; they go before the others. */
  readonly access?: readonly HttpFilterConfig[];
  /** What stands in front of a gateway. */
  readonly topology?: GatewayTopology;
}

/** Source: istio.io, "Customizing path normalization"; Envoy, HttpConnectionManager. */
const pathSettings: Readonly<Record<MeshConfig['pathNormalization'], Pick<HttpConnectionManager, 'normalizePath' | 'mergeSlashes' | 'pathWithEscapedSlashesAction'>>> = {
  NONE: { normalizePath: false, pathWithEscapedSlashesAction: 'KEEP_UNCHANGED' },
  BASE: { normalizePath: true, pathWithEscapedSlashesAction: 'KEEP_UNCHANGED' },
  MERGE_SLASHES: { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 'KEEP_UNCHANGED' },
  DECODE_AND_MERGE_SLASHES: { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: 'UNESCAPE_AND_FORWARD' },
};

/** The HTTP connection manager. At a gateway the peer is not trusted, and its certificate headers are replaced. */
export function httpFilter({ statPrefix, routes, place, mesh, access = [], topology }: HttpSettings): NetworkFilter {
  const reporting = mesh.reporting[place === 'inbound' ? 'server' : 'client'];
  const manager: HttpConnectionManager = {
    statPrefix,
    ...(typeof routes === 'string' ? { rds: { configSource: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' }, routeConfigName: routes } } : { routeConfig: routes }),
    httpFilters: [
      ...access, ...reporting.stats,
      { name: 'istio.alpn', typedConfig: { '@type': 'type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig' } },
      { name: 'envoy.filters.http.fault', typedConfig: any(typeUrl.fault, {}) },
      { name: 'envoy.filters.http.cors', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.Cors' } },
      { name: 'envoy.filters.http.router', typedConfig: any(typeUrl.router, {}) },
    ].filter(({ name }) => place !== 'inbound' || name !== 'istio.alpn'),
    ...reporting.tracing,
    serverName: place === 'gateway' ? 'istio-envoy' : '',
    streamIdleTimeout: '0s',
    ...accessLog(reporting),
    useRemoteAddress: place === 'gateway',
    ...(topology === undefined || topology.trustedProxies === 0 ? {} : { xffNumTrustedHops: topology.trustedProxies }),
    generateRequestId: true,
    forwardClientCertDetails: place === 'inbound' ? 'APPEND_FORWARD' : topology?.forwardClientCert ?? 'SANITIZE_SET',
    ...(place === 'outbound' ? {} : { setCurrentClientCertDetails: { subject: true, dns: place === 'inbound', uri: true } }),
    upgradeConfigs: [{ upgradeType: 'websocket' }],
    proxy100Continue: true,
    ...(mesh.http10 ? { httpProtocolOptions: { acceptHttp10: true } } : {}),
    ...pathSettings[mesh.pathNormalization],
  };
  return { name: filterNames.httpConnectionManager, typedConfig: any(typeUrl.httpConnectionManager, manager) };
}

function accessLog({ accessLog }: Reporting): Pick<HttpConnectionManager, 'accessLog'> {
  return accessLog.length === 0 ? {} : { accessLog: [...accessLog] };
}

/** The filters of a TCP proxy to one cluster, or to several by weight; `life` is how long connections may last. */
export function tcpFilters(statPrefix: string, destinations: readonly { readonly cluster: string; readonly weight: number }[], mesh: ReportingMesh, life: Partial<TcpProxy> = {}): NetworkFilter[] {
  const reporting = mesh.reporting[/^inbound/i.test(statPrefix) ? 'server' : 'client'];
  const proxy = { ...compileTcpRoute(statPrefix, destinations), ...life, ...accessLog(reporting) };
  return [...reporting.stats, { name: filterNames.tcpProxy, typedConfig: any(typeUrl.tcpProxy, proxy) }];
}

/** Envoy's listener filters by what they find out. */
export const listenerFilters = {
  tls: { name: 'envoy.filters.listener.tls_inspector', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector' } },
  http: { name: 'envoy.filters.listener.http_inspector', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector' } },
  proxyProtocol: { name: 'envoy.filters.listener.proxy_protocol', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol' } },
  originalDestination: { name: 'envoy.filters.listener.original_dst', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst' } },
};

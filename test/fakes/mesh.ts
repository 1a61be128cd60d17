import { clusterName, any, typeUrl, type Cluster, type ClusterLoadAssignment, type Listener, type RouteConfiguration, type TransportSocket } from '../../src/xds/index.ts';
import type { Resources } from './control-plane.ts';

const tlsInspector = { name: 'envoy.filters.listener.tls_inspector' };
const httpInspector = { name: 'envoy.filters.listener.http_inspector' };
const sds = { tlsCertificateSdsSecretConfigs: [{ name: 'default' }] };
const address = (ip: string, port: number) => ({ socketAddress: { address: ip, portValue: port } });

export const serverTls: TransportSocket = {
  name: 'envoy.transport_sockets.tls',
  typedConfig: any(typeUrl.downstreamTls, {
    requireClientCertificate: true,
    commonTlsContext: { ...sds, alpnProtocols: ['istio-peer-exchange', 'h2', 'http/1.1'], combinedValidationContext: { defaultValidationContext: {}, validationContextSdsSecretConfig: { name: 'ROOTCA' } } },
  }) as never,
};

export const http = (routes: RouteConfiguration | string) => ({
  name: 'envoy.filters.network.http_connection_manager',
  typedConfig: any(typeUrl.httpConnectionManager, { statPrefix: 'x', ...(typeof routes === 'string' ? { rds: { routeConfigName: routes } } : { routeConfig: routes }), httpFilters: [{ name: 'envoy.filters.http.router' }] }) as never,
});
export const tcp = (cluster: string) => ({ name: 'envoy.filters.network.tcp_proxy', typedConfig: any(typeUrl.tcpProxy, { statPrefix: 'x', cluster }) as never });

/** All traffic of a host to one cluster. */
export const routeTo = (name: string, cluster: string): RouteConfiguration => ({ name, virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ name: 'default', match: { prefix: '/' }, route: { cluster } }] }] });

export interface Backend {
  readonly host: string;
  /** Of the service, as callers dial it: 10.0.0.1 with this port. */
  readonly port: number;
  readonly protocol: 'http' | 'tcp';
  /** Where the inbound side of the callee is really bound. */
  readonly endpoint: { readonly ip: string; readonly port: number };
  readonly identity: string;
  /** The callee takes mTLS. */
  readonly mtls: boolean;
}

/** Outbound config of a caller of one service. */
export function callerConfig({ host, port, protocol, endpoint, identity, mtls }: Backend): Resources {
  const name = clusterName({ direction: 'outbound', port, subset: '', host });
  const common = { ...sds, alpnProtocols: ['istio-peer-exchange', 'istio'], combinedValidationContext: { defaultValidationContext: { matchSubjectAltNames: [{ exact: identity }] }, validationContextSdsSecretConfig: { name: 'ROOTCA' } } };
  const cluster: Cluster = {
    name, type: 'EDS', connectTimeout: '1s', edsClusterConfig: { serviceName: name },
    transportSocketMatches: [
      { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.upstreamTls, { sni: `outbound_.${port}_._.${host}`, commonTlsContext: common }) as never } },
      { name: 'tlsMode-disabled', match: {}, transportSocket: { name: 'envoy.transport_sockets.raw_buffer' } },
    ],
  };
  const assignment: ClusterLoadAssignment = {
    clusterName: name,
    endpoints: [{ lbEndpoints: [{ endpoint: { address: address(endpoint.ip, endpoint.port) }, metadata: { filterMetadata: { istio: { workload: 'server-v1;default;server;v1;Kubernetes' }, ...(mtls ? { 'envoy.transport_socket_match': { tlsMode: 'istio' } } : {}) } } }] }],
  };
  const listener: Listener = {
    name: `0.0.0.0_${port}`, address: address('0.0.0.0', port), bindToPort: false, trafficDirection: 'OUTBOUND',
    filterChains: [{ filters: [protocol === 'http' ? http(String(port)) : tcp(name)] }],
  };
  const capture: Listener = { name: 'virtualOutbound', address: address('0.0.0.0', 15001), useOriginalDst: true, trafficDirection: 'OUTBOUND', filterChains: [{ filters: [tcp('BlackHoleCluster')] }] };
  return { cluster: [cluster, { name: 'BlackHoleCluster', type: 'STATIC' }], endpoint: [assignment], listener: [capture, listener], route: protocol === 'http' ? [routeTo(String(port), name)] : [], names: [{ table: { [host]: { ips: ['10.0.0.1'] } } }] };
}

/** Inbound config of a workload that listens on `port` at 127.0.0.1. */
export function calleeConfig(port: number, protocol: 'http' | 'tcp', mode: 'STRICT' | 'PERMISSIVE' | 'DISABLE'): Resources {
  const name = clusterName({ direction: 'inbound', port, subset: '', host: '' });
  const filter = (): ReturnType<typeof http> => (protocol === 'http' ? http(routeTo(name, name)) : tcp(name));
  const match = (transportProtocol: string) => ({ destinationPort: port, transportProtocol });
  const listener: Listener = {
    name: 'virtualInbound', address: address('0.0.0.0', 15006), useOriginalDst: true, trafficDirection: 'INBOUND', listenerFilters: [tlsInspector, httpInspector], listenerFiltersTimeout: '0s', continueOnListenerFiltersTimeout: true,
    filterChains: [
      ...(mode === 'DISABLE' ? [] : [{ name: `0.0.0.0_${port}`, filterChainMatch: match('tls'), transportSocket: serverTls, filters: [filter()] }]),
      ...(mode === 'STRICT' ? [] : [{ name: `0.0.0.0_${port}`, filterChainMatch: match('raw_buffer'), filters: [filter()] }]),
    ],
  };
  const cluster: Cluster = { name, type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint: { address: address('127.0.0.1', port) } }] }] } };
  return { cluster: [cluster], endpoint: [], listener: [listener], route: [], names: [] };
}

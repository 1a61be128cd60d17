import { any, clusterName, typeUrl, type Cluster, type ClusterLoadAssignment, type Listener, type ProxyConfig, type Route, type RouteConfiguration, type UpstreamTlsContext } from '../xds/index.ts';
import { outboundClusters } from './clusters.ts';
import { shortNames } from './hosts.ts';
import { compileRules, serviceRoutes, type RouteContext } from './http-routes.ts';
import type { MeshPort, MeshService } from './model.ts';
import { nameTable } from './name-table.ts';
import { policyFor } from './destination-rules.ts';
import { scopeOf, type Scope } from './scope.ts';
import { destinationRule, type SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

const ads = { ads: {}, resourceApiVersion: 'V3' } as const;
const maxPort = 65_535;

/**
 * The config of a gRPC client without a proxy, in the shape of Istio's `generator: grpc`: a listener per `HOST:PORT` that leads by RDS, CDS and EDS to the service, with what such clients
 * understand and nothing that they would reject. mTLS only where a DestinationRule says ISTIO_MUTUAL, because these clients cannot find out whether a server takes it.
 * Source: istio.io/latest/blog/2021/proxyless-grpc, github.com/grpc/proposal A27, A28, A29, A31.
 */
export function proxylessConfig(index: SnapshotIndex, node: ProxyNode): ProxyConfig {
  const scope = scopeOf(index, node);
  const served = scope.services.flatMap((service) => service.ports.filter(({ kind, number }) => (kind === 'http' || kind === 'auto') && number <= maxPort).map((port) => ({ service, port })));
  const { clusters, endpoints } = outboundClusters(index, node, scope);
  const reachable = endpoints.filter(hasAddresses);
  const known = new Set(reachable.map(({ clusterName: name }) => name));
  return {
    listeners: served.flatMap(({ service, port }) => listeners(service, port, node)),
    routes: served.map(({ service, port }) => routes(index, node, scope, service, port)),
    clusters: clusters.filter(({ name }) => known.has(name ?? '')).map((cluster) => plainCluster(index, node, scope, cluster)),
    endpoints: reachable,
    names: nameTable(scope.services, node.namespace),
  };
}

function namesOf(service: MeshService, node: ProxyNode): readonly string[] {
  return [service.host, ...(service.registry === 'Kubernetes' ? shortNames(service.host, node.namespace) : [])];
}

/** One per name under which the application may ask: `xds:///reviews:9080` as well as the full name. */
function listeners(service: MeshService, port: MeshPort, node: ProxyNode): readonly Listener[] {
  const manager = {
    rds: { configSource: ads, routeConfigName: routeName(service, port) },
    httpFilters: [{ name: 'envoy.filters.http.fault', typedConfig: any(typeUrl.fault, {}) }, { name: 'envoy.filters.http.router', typedConfig: any(typeUrl.router, {}) }],
  };
  const address = { socketAddress: { address: service.addresses[0] ?? '0.0.0.0', portValue: port.number } };
  return namesOf(service, node).map((host): Listener => ({ name: `${host}:${port.number}`, address, apiListener: { apiListener: any(typeUrl.httpConnectionManager, manager) } }));
}

function routeName(service: MeshService, port: MeshPort): string {
  return clusterName({ direction: 'outbound', port: port.number, subset: '', host: service.host });
}

function routes(index: SnapshotIndex, node: ProxyNode, scope: Scope, service: MeshService, port: MeshPort): RouteConfiguration {
  const context: RouteContext = { index, node, scope, port: port.number, gateway: 'mesh', labels: node.labels, namespace: node.namespace, tls: false };
  const rule = scope.httpRules.ruling(service.host);
  const ruled = rule === undefined ? [] : compileRules(rule, context);
  const all = ruled.length > 0 ? ruled : serviceRoutes(service, context);
  // Such clients compare with the name that the application dialled, port and all.
  const domains = namesOf(service, node).flatMap((name) => [name, `${name}:${port.number}`]);
  return { name: routeName(service, port), virtualHosts: [{ name: `${service.host}:${port.number}`, domains, routes: all.map(plainRoute) }] };
}

/** A route as gRPC knows it. What it cannot do (redirects, answers of its own) becomes a route that fails its calls, so that no later route takes them. */
function plainRoute(route: Route): Route {
  const { name, match, metadata, typedPerFilterConfig } = route;
  const base = { ...(name === undefined ? {} : { name }), ...(match === undefined ? {} : { match }), ...(metadata === undefined ? {} : { metadata }) };
  if (route.route === undefined) return { ...base, nonForwardingAction: {} };
  const { cluster, weightedClusters, hashPolicy, timeout, retryPolicy } = route.route;
  const fault = typedPerFilterConfig?.['envoy.filters.http.fault'];
  const deadline = timeout === undefined || timeout === '0s' ? {} : { maxStreamDuration: { maxStreamDuration: timeout } };
  return {
    ...base,
    ...(fault === undefined ? {} : { typedPerFilterConfig: { 'envoy.filters.http.fault': fault } }),
    route: {
      ...(weightedClusters === undefined ? { cluster: cluster ?? '' } : { weightedClusters: { clusters: (weightedClusters.clusters ?? []).map(({ name: to, weight }) => ({ name: to ?? '', weight: weight ?? 0 })) } }),
      ...(hashPolicy === undefined ? {} : { hashPolicy }),
      ...deadline,
      ...(retryPolicy === undefined || Number(retryPolicy.numRetries ?? 1) < 1 ? {} : { retryPolicy: { retryOn: retryPolicy.retryOn ?? '', numRetries: retryPolicy.numRetries ?? 1 } }),
    },
  };
}

/** Only what is looked up by EDS, and spread by round robin or a ring: gRPC has no other policies that all of its languages know. */
function plainCluster(index: SnapshotIndex, node: ProxyNode, scope: Scope, cluster: Cluster): Cluster {
  const { name, edsClusterConfig, connectTimeout, outlierDetection, metadata, circuitBreakers } = cluster;
  const tls = mutualTls(index, node, scope, name ?? '');
  return {
    ...(name === undefined ? {} : { name }), type: 'EDS',
    edsClusterConfig: { serviceName: edsClusterConfig?.serviceName ?? name ?? '', edsConfig: ads },
    lbPolicy: cluster.lbPolicy === 'RING_HASH' ? 'RING_HASH' : 'ROUND_ROBIN',
    ...(cluster.lbPolicy === 'RING_HASH' ? { ringHashLbConfig: { hashFunction: 'XX_HASH' as const, ...cluster.ringHashLbConfig } } : {}),
    ...(connectTimeout === undefined ? {} : { connectTimeout }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
    ...(circuitBreakers === undefined ? {} : { circuitBreakers }),
    ...(tls === undefined ? {} : { transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.upstreamTls, tls) } }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

/** Certificates come from the provider that Istio's agent writes into the bootstrap as `default`. */
function mutualTls(index: SnapshotIndex, node: ProxyNode, scope: Scope, name: string): UpstreamTlsContext | undefined {
  const [, port = '', subset = '', host = ''] = name.split('|');
  const service = scope.byHost.get(host);
  if (service === undefined) return undefined;
  const { tls } = policyFor(destinationRule(index, node, service), Number(port), subset === '' ? undefined : subset);
  if (tls?.mode !== 'ISTIO_MUTUAL') return undefined;
  const identities = tls.subjectAltNames.length > 0 ? tls.subjectAltNames : (index.peers.get(service)?.identities ?? []);
  return {
    commonTlsContext: {
      tlsCertificateProviderInstance: { instanceName: 'default', certificateName: 'default' },
      combinedValidationContext: { defaultValidationContext: { caCertificateProviderInstance: { instanceName: 'default', certificateName: 'ROOTCA' }, matchSubjectAltNames: identities.map((exact) => ({ exact })) } },
    },
    sni: tls.sni || `outbound_.${port}_.${subset}_.${host}`,
  };
}

/** Clients reject endpoints without an IP address. */
function hasAddresses({ endpoints }: ClusterLoadAssignment): boolean {
  return (endpoints ?? []).every(({ lbEndpoints }) => (lbEndpoints ?? []).every(({ endpoint }) => /^[0-9a-fA-F.:]+$/.test(endpoint?.address?.socketAddress?.address ?? '')));
}

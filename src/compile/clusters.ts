import { compileCircuitBreakers, compileConnectionLife, compileKeepalive } from '../features/circuit-breaking/compile.ts';
import { compileLoadBalancing, isPassthrough } from '../features/load-balancing/compile.ts';
import { localityOf, localitySetting, localityWeighted, type ProxyPlace } from '../features/load-balancing/compile-locality.ts';
import type { LocalityLbSetting } from '../features/load-balancing/manifest.ts';
import { autoMtls, originatedTls, outboundMtls, verifiedTls } from '../features/mtls/compile.ts';
import { compileOutlierDetection, panicThreshold } from '../features/outlier-detection/compile.ts';
import { discoveryType } from '../features/service-entry/compile.ts';
import { formatDuration } from '../util/manifest-fields.ts';
import { clusterName, withOrigin, type Cluster, type ClusterLoadAssignment, type Origin } from '../xds/index.ts';
import { policyFor, type ClusterPolicy } from './destination-rules.ts';
import type { BackendTls, ServiceTls } from './gateway-api/index.ts';
import { localitySettings } from './caller-uses.ts';
import { isWildcard } from './hosts.ts';
import type { InboundPort } from './inbound-listener.ts';
import { dependsOnPlace, loadAssignment, nobody, nowhere, type Backend, type LocalityRules, type Peers, type Target } from './load-assignments.ts';
import type { MeshConfig } from './mesh-config.ts';
import type { MeshDestinationRule, MeshPort, MeshService } from './model.ts';
import type { Scope } from './scope.ts';
import { destinationRule, type SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

const connectTimeout = '10s';

/** The outbound clusters of a proxy and the endpoints of those that are looked up. */
export interface OutboundClusters {
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
}

/** The clusters to a service whose endpoints are looked up: what a lookup has to know, but for who stands there. */
interface Lookup {
  readonly service: MeshService;
  readonly targets: readonly (Target & { readonly rules: LocalityRules })[];
}

/** Clusters without the endpoints of those that are looked up, so that these do not make them anew. */
interface Planned {
  readonly clusters: readonly Cluster[];
  readonly lookups: readonly Lookup[];
}

/** A cluster per service port and per subset of it; the lists of before while neither services nor DestinationRules have changed, and for endpoints who stands behind services. */
export function outboundClusters(index: SnapshotIndex, node: ProxyNode, { services, destinations }: Scope): OutboundClusters {
  const { recall, backends, peers, destinationRules, snapshot: { mesh }, uses } = index;
  const { type, namespace, labels } = node;
  const backendTls = type === 'router' ? index.backendTls : noBackendTls;
  const { clusters, lookups } = recall.of(allClusters, services, destinations, peers, destinationRules, mesh, recall, type, namespace, uses.destinations || uses.places ? labels : noLabels, backendTls, backendTls.size === 0 ? '' : certificateOf(index, node.ip));
  return { clusters, endpoints: recall.of(allAssignments, lookups, backends, recall, uses.places ? labels : noLabels) };
}

/** Policies of the Gateway API for TLS to backends are for gateways. */
const noBackendTls: SnapshotIndex['backendTls'] = new Map();

/** The secret that a gateway shows to backends; empty for none. */
function certificateOf({ clientCertificates, targetsByIp }: SnapshotIndex, ip: string): string {
  const before = new Set((targetsByIp.get(ip) ?? []).map(({ service }) => service.host));
  return clientCertificates.find(({ hosts }) => hosts.some((host) => before.has(host)))?.secret ?? '';
}

/** For callers whose labels make no difference. */
const noLabels: ProxyNode['labels'] = {};

function allClusters(
  services: Scope['services'], destinations: Scope['destinations'], peers: SnapshotIndex['peers'], destinationRules: SnapshotIndex['destinationRules'],
  mesh: SnapshotIndex['snapshot']['mesh'], recall: SnapshotIndex['recall'], type: ProxyNode['type'], namespace: string, labels: ProxyNode['labels'],
  backendTls: SnapshotIndex['backendTls'], certificate: string,
): Planned {
  return recall.of(joined, 'clusters', ...[...services, ...destinations].map((service) => clustersOf({ peers, destinationRules, recall, snapshot: { mesh } }, { type, namespace, labels }, service, backendTls.get(service.host), certificate)));
}

/** One list for all namespaces in which each service's clusters are the same. */
function joined(_what: string, ...parts: readonly Planned[]): Planned {
  return { clusters: parts.flatMap(({ clusters }) => clusters), lookups: parts.flatMap(({ lookups }) => lookups) };
}

function allAssignments(lookups: readonly Lookup[], backends: SnapshotIndex['backends'], recall: SnapshotIndex['recall'], labels: ProxyNode['labels']): readonly ClusterLoadAssignment[] {
  const place = { locality: localityOf(labels), labels };
  return lookups.flatMap((lookup) => {
    const to = backends.get(lookup.service) ?? nobody;
    return dependsOnPlace(to, lookup.targets.map(({ rules }) => rules.setting)) ? assignments(to, lookup, place) : recall.of(assignments, to, lookup);
  });
}

function assignments(to: Backend, { targets }: Lookup, place: ProxyPlace = nowhere): readonly ClusterLoadAssignment[] {
  return targets.map((target) => loadAssignment(to, target, target.rules, place));
}

type ClusterView = Pick<SnapshotIndex, 'peers' | 'destinationRules' | 'recall'> & { readonly snapshot: Pick<SnapshotIndex['snapshot'], 'mesh'> };

const noPeers: Peers = { identities: [], mtls: new Set(), named: undefined };

/** The same for all proxies of a type that follow the same rule, unless they name endpoints that are ordered by where the proxy is. */
function clustersOf(index: ClusterView, node: Pick<ProxyNode, 'type' | 'namespace' | 'labels'>, service: MeshService, tls: ServiceTls | undefined, certificate: string): Planned {
  const rule = destinationRule(index, node, service);
  const { mesh } = index.snapshot;
  const peers = index.peers.get(service) ?? noPeers;
  const inputs = [service, peers, rule, mesh, node.type, tls, tls === undefined ? '' : certificate] as const;
  if (peers.named === undefined || !dependsOnPlace(peers.named, [mesh.localityLbSetting, ...localitySettings(rule)])) return index.recall.of(serviceClusters, ...inputs);
  return serviceClusters(...inputs, { locality: localityOf(node.labels), labels: node.labels });
}

function serviceClusters(service: MeshService, peers: Peers, rule: MeshDestinationRule | undefined, mesh: MeshConfig, nodeType: ProxyNode['type'], tls: ServiceTls | undefined, certificate: string, place: ProxyPlace = nowhere): Planned {
  const clusters: Cluster[] = [];
  const targets: Lookup['targets'][number][] = [];
  const add = (port: MeshPort, subset: string, labels: Readonly<Record<string, string>>, origin: Origin, policy: ClusterPolicy): void => {
    const name = clusterName({ direction: 'outbound', port: port.number, subset, host: service.host });
    const target = { name, port, labels, rules: { setting: localityOfCluster(mesh, policy), outlierDetection: policy.outlierDetection !== undefined } };
    const assignment = (): ClusterLoadAssignment => loadAssignment(peers.named ?? nobody, target, target.rules, place);
    const cluster = outboundCluster({ service, peers, mesh, nodeType, port, subset, name, policy, origin, assignment, backendTls: tls?.get(port.number) ?? tls?.get(0), certificate });
    clusters.push(cluster);
    if (cluster.type === 'EDS') targets.push(target);
  };
  for (const port of service.ports.filter(({ kind }) => kind !== 'udp')) {
    add(port, '', {}, service.origin, policyFor(rule, port.number));
    for (const { subset, origin } of rule?.subsets ?? []) add(port, subset.name, subset.labels, origin, policyFor(rule, port.number, subset.name));
  }
  return { clusters, lookups: targets.length === 0 ? [] : [{ service, targets }] };
}

interface ClusterInput {
  readonly service: MeshService;
  readonly peers: Peers;
  readonly mesh: MeshConfig;
  readonly nodeType: ProxyNode['type'];
  readonly port: MeshPort;
  readonly subset: string;
  readonly name: string;
  readonly policy: ClusterPolicy;
  readonly origin: Origin;
  readonly assignment: () => ClusterLoadAssignment;
  /** What a policy of the Gateway API says; it goes before DestinationRules. */
  readonly backendTls: BackendTls | undefined;
  readonly certificate: string;
}

function outboundCluster(input: ClusterInput): Cluster {
  const { service, mesh, nodeType, port, name, policy, origin, assignment, backendTls } = input;
  const passthrough = isPassthrough(policy.loadBalancer) && nodeType === 'sidecar';
  // With nobody to trust there is nobody to send to, so that requests fail.
  const refused = backendTls !== undefined && backendTls.verified === undefined;
  const type = refused ? 'STATIC' : passthrough ? 'ORIGINAL_DST' : discoveryType(service.resolution, nodeType === 'router');
  return {
    name, type,
    ...(type === 'EDS' ? { edsClusterConfig: { edsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' }, serviceName: name } } : {}),
    ...(type === 'STRICT_DNS' || type === 'LOGICAL_DNS' ? { loadAssignment: assignment(), dnsLookupFamily: 'V4_ONLY', dnsRefreshRate: '60s', respectDnsTtl: true } : {}),
    connectTimeout: formatDuration(policy.connectionPool?.tcp?.connectTimeout ?? mesh.connectTimeout),
    ...(type === 'ORIGINAL_DST' ? { lbPolicy: 'CLUSTER_PROVIDED' } : compileLoadBalancing(policy.loadBalancer)),
    ...transport(input, type),
    ...compileCircuitBreakers(policy.connectionPool, policy.retryBudget),
    ...compileKeepalive(policy.connectionPool),
    ...compileOutlierDetection(policy.outlierDetection),
    ...choice(mesh, policy),
    ...protocolOptions(port, policy),
    metadata: withOrigin(origin, { filterMetadata: { istio: { services: [{ host: service.host, name: service.name, namespace: service.namespace }] } } }),
  };
}

/** TLS as the DestinationRule says; where it says nothing, mTLS to every endpoint that can take it. */
function transport({ service, peers, mesh, nodeType, port, subset, policy, backendTls, certificate }: ClusterInput, type: Cluster['type']): Pick<Cluster, 'transportSocket' | 'transportSocketMatches'> {
  const http2 = port.http2;
  if (backendTls?.verified !== undefined) return { transportSocket: verifiedTls({ ...backendTls.verified, protocol: http2 ? 'http2' : port.kind === 'tcp' ? 'tcp' : 'http', ...(certificate === '' ? {} : { certificate }) }) };
  const identity = { sni: policy.tls?.sni || `outbound_.${port.number}_.${subset}_.${service.host}`, sans: policy.tls?.subjectAltNames.length ? policy.tls.subjectAltNames : peers.identities, http2 };
  switch (policy.tls?.mode) {
    case 'DISABLE': return {};
    case 'SIMPLE': case 'MUTUAL': return { transportSocket: originatedTls(policy.tls, { host: isWildcard(service.host) ? '' : service.host, protocol: http2 ? 'http2' : port.kind === 'tcp' || port.kind === 'tls' ? 'tcp' : 'http' }) };
    case 'ISTIO_MUTUAL': return { transportSocket: outboundMtls(identity) };
    default: break;
  }
  if (!mesh.enableAutoMtls || service.external) return {};
  if (type !== 'ORIGINAL_DST') return autoMtls(identity);
  // An original destination has no endpoint to look the mode up on, so mTLS is used only when every known endpoint takes it.
  return peers.mtls.has(port.number) && nodeType === 'sidecar' ? { transportSocket: outboundMtls(identity) } : {};
}

function localityOfCluster(mesh: MeshConfig, { loadBalancer }: ClusterPolicy): LocalityLbSetting | undefined {
  return localitySetting(loadBalancer?.localityLbSetting, mesh.localityLbSetting);
}

/** Which hosts are chosen from, and when ejections stop counting. */
function choice(mesh: MeshConfig, policy: ClusterPolicy): Pick<Cluster, 'commonLbConfig'> {
  const commonLbConfig = { ...panicThreshold(policy.outlierDetection), ...localityWeighted(localityOfCluster(mesh, policy)) };
  return Object.keys(commonLbConfig).length === 0 ? {} : { commonLbConfig };
}

const httpOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** HTTP/2 where the port or the policy says so; per-connection limits and idle time. */
function protocolOptions(port: MeshPort, { connectionPool }: ClusterPolicy): Pick<Cluster, 'typedExtensionProtocolOptions'> {
  if (port.kind === 'tcp' || port.kind === 'tls') return {};
  const http = connectionPool?.http;
  const http2 = port.http2 || (http?.h2UpgradePolicy === 'UPGRADE' && port.kind === 'http');
  const common = compileConnectionLife(connectionPool);
  const streams = http === undefined || http.maxConcurrentStreams <= 0 ? {} : { maxConcurrentStreams: http.maxConcurrentStreams };
  const choice = http2 ? { explicitHttpConfig: { http2ProtocolOptions: streams } } : port.kind === 'auto' || http?.useClientProtocol === true ? { useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: streams } } : { explicitHttpConfig: { httpProtocolOptions: {} } };
  return { typedExtensionProtocolOptions: { [httpOptions]: { '@type': `type.googleapis.com/${httpOptions}`, ...(Object.keys(common).length === 0 ? {} : { commonHttpProtocolOptions: common }), ...choice } as { '@type': string } } };
}

/** The clusters that lead to the workload itself. */
export function inboundClusters(ports: readonly InboundPort[]): readonly Cluster[] {
  return ports.map(({ port, kind, http2, endpoint, origin }): Cluster => {
    const name = `inbound|${port}||`;
    const base = { name, connectTimeout, ...protocolOptions({ name: '', number: port, kind, http2 }, {}), ...compileCircuitBreakers(undefined), metadata: withOrigin(origin) };
    // From this address, a connection to the pod's own is not captured once more.
    const past = { upstreamBindConfig: { sourceAddress: { address: '127.0.0.6' } } };
    if (endpoint === undefined) return { ...base, type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED', ...past };
    const address = { socketAddress: { address: endpoint.address, portValue: endpoint.port } };
    return { ...base, type: 'STATIC', ...(endpoint.address.startsWith('127.') ? {} : past), loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ endpoint: { address } }] }] } };
  });
}

/** Clusters that every sidecar has: nowhere, on to where a connection was sent, and the same for inbound. */
export function standardClusters(policy: Scope['policy']): readonly Cluster[] {
  const through = { type: 'ORIGINAL_DST' as const, connectTimeout, lbPolicy: 'CLUSTER_PROVIDED' as const };
  return [
    { name: 'BlackHoleCluster', type: 'STATIC', connectTimeout },
    { name: 'PassthroughCluster', ...through },
    { name: 'InboundPassthroughCluster', ...through, upstreamBindConfig: { sourceAddress: { address: '127.0.0.6' } } },
    ...(policy === 'ALLOW_ANY_DYNAMIC_DNS' ? [{ name: 'AllowAnyDynamicDNSCluster', ...through, type: undefined, clusterType: { name: 'envoy.clusters.dynamic_forward_proxy' } }].map(({ type: _none, ...cluster }) => cluster) : []),
  ];
}

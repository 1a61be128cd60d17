import { meshAlpn } from '../features/mtls/compile.ts';
import { withOrigin, type Cluster, type ClusterLoadAssignment, type FilterChain } from '../xds/index.ts';
import type { GatewayServer } from './gateway-servers.ts';
import { hostsFor } from './gateway-servers.ts';
import { hostIsIn } from './hosts.ts';
import { loadAssignment, nobody, nowhere } from './load-assignments.ts';
import type { MeshService } from './model.ts';
import { tcpFilters } from './network-filters.ts';
import type { Scope } from './scope.ts';
import { destinationRule, type SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** A port of a service, or a subset of it, as mTLS between sidecars names it in SNI. */
interface Target {
  /** `outbound_.80_.v1_.reviews.default.svc.cluster.local`: server name and cluster at once. */
  readonly name: string;
  readonly service: MeshService;
  readonly port: MeshService['ports'][number];
  readonly labels: Readonly<Record<string, string>>;
}

/** The chains of a server in AUTO_PASSTHROUGH mode: mTLS goes on unopened to the service that its SNI names. Source: istio.io, Gateway, ServerTLSSettings, TLSmode. */
export function autoPassthroughChains(index: SnapshotIndex, node: ProxyNode, scope: Scope, server: GatewayServer): readonly FilterChain[] {
  return targets(index, node, scope, server).map(({ name, service }): FilterChain => ({
    filterChainMatch: { serverNames: [name], applicationProtocols: [...meshAlpn] },
    filters: tcpFilters(name, [{ cluster: name, weight: 0 }], index.snapshot.mesh),
    metadata: withOrigin(service.origin),
  }));
}

/** The clusters behind those chains: endpoints that take mTLS, spoken to without a transport of the gateway's own. */
export function autoPassthroughClusters(index: SnapshotIndex, node: ProxyNode, scope: Scope, servers: readonly GatewayServer[]): { readonly clusters: readonly Cluster[]; readonly endpoints: readonly ClusterLoadAssignment[] } {
  const named = new Map(servers.filter(({ kind }) => kind === 'auto-passthrough').flatMap((server) => targets(index, node, scope, server)).map((target) => [target.name, target]));
  return {
    clusters: [...named.values()].map(({ name, service }): Cluster => ({
      name, type: 'EDS', edsClusterConfig: { edsConfig: { ads: {}, initialFetchTimeout: '0s', resourceApiVersion: 'V3' }, serviceName: name }, connectTimeout: '10s',
      metadata: withOrigin(service.origin, { filterMetadata: { istio: { services: [{ host: service.host, name: service.name, namespace: service.namespace }] } } }),
    })),
    endpoints: [...named.values()].map((target) => mtlsOnly(loadAssignment(index.backends.get(target.service) ?? nobody, target, { setting: undefined, outlierDetection: false }, nowhere))),
  };
}

function targets(index: SnapshotIndex, node: ProxyNode, scope: Scope, server: GatewayServer): readonly Target[] {
  return scope.services.filter((service) => !service.external && hostsFor(server, service.namespace).some((host) => hostIsIn(service.host, host))).flatMap((service) => {
    const subsets = (destinationRule(index, node, service)?.subsets ?? []).map(({ subset }) => ({ name: subset.name, labels: subset.labels }));
    return service.ports.filter(({ kind }) => kind !== 'udp').flatMap((port) => [{ name: '', labels: {} }, ...subsets].map(({ name, labels }): Target => ({ name: `outbound_.${port.number}_.${name}_.${service.host}`, service, port, labels })));
  });
}

function mtlsOnly(assignment: ClusterLoadAssignment): ClusterLoadAssignment {
  const endpoints = (assignment.endpoints ?? []).map((locality) => ({
    ...locality, lbEndpoints: (locality.lbEndpoints ?? []).filter(({ metadata }) => metadata?.filterMetadata?.['envoy.transport_socket_match']?.['tlsMode'] === 'istio'),
  }));
  return { ...assignment, endpoints: endpoints.filter(({ lbEndpoints }) => lbEndpoints.length > 0) };
}

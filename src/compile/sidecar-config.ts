import { layeredConfig, type Cluster, type ClusterLoadAssignment, type ConfigParts, type Listener, type NameTable, type ProxyConfig, type RouteConfiguration } from '../xds/index.ts';
import { inboundClusters, outboundClusters, standardClusters } from './clusters.ts';
import { inboundPorts, virtualInbound } from './inbound-listener.ts';
import { keptList, keptMap } from './keep.ts';
import { nameTable } from './name-table.ts';
import { outboundListeners } from './outbound-listeners.ts';
import { scopeOf, type Scope } from './scope.ts';
import { httpServicesOf, sidecarRoutes, type HttpServices } from './sidecar-routes.ts';
import type { InboundView, ServiceTarget, SnapshotIndex } from './snapshot-index.ts';
import type { MeshSnapshot, ProxyNode } from './types.ts';

/** The outbound half of a sidecar's config: the same for all sidecars that see the same of the mesh. */
export interface OutboundConfig {
  readonly scope: Scope;
  readonly httpServices: HttpServices;
  readonly common: ConfigParts['common'];
  readonly routes: readonly RouteConfiguration[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly names: NameTable;
}

/** The config of a sidecar. */
export function sidecarConfig(index: SnapshotIndex, node: ProxyNode): ProxyConfig {
  const { mesh, keySets, withoutKubeProxy } = index.snapshot;
  const { scope, common, routes, endpoints, names } = index.outlooks.of(node, mesh, (seen, before) => outboundConfig(index, seen, before));
  const own = index.recall.of(
    inboundConfig, index.recall.of(proxyOf, JSON.stringify(node)), index.targetsByIp.get(node.ip), scope.sidecar, scope.policy,
    mesh, keySets, withoutKubeProxy, index.peerPolicies, index.authorizationPolicies, index.authorizers, index.requestAuthentications,
  );
  return layeredConfig(common, own, { routes, endpoints, names });
}

/** One object for a proxy, whoever describes it, as long as the description is the same. */
function proxyOf(description: string): ProxyNode {
  return JSON.parse(description) as ProxyNode;
}

const nameOf = ({ name }: { readonly name?: string }): string => name ?? '';
const hostOf = ({ host }: { readonly host: string }): string => host;

function outboundConfig(index: SnapshotIndex, node: ProxyNode, before: OutboundConfig | undefined): OutboundConfig {
  const { recall } = index;
  const seen = scopeOf(index, node);
  const scope: Scope = {
    ...seen, faces: recall.of(keptFaces, seen.faces, before?.scope.faces),
    services: recall.of(keptServices, seen.services, before?.scope.services), destinations: recall.of(keptServices, seen.destinations, before?.scope.destinations),
  };
  const httpServices = recall.of(keptHttpServices, httpServicesOf(index, node, scope), before?.httpServices);
  const { listeners, routeNames } = outboundListeners(index, node, scope);
  const { clusters, endpoints } = outboundClusters(index, node, scope);
  return {
    scope, httpServices,
    common: { listeners: recall.of(keptListeners, listeners, before?.common.listeners), clusters: recall.of(keptClusters, clusters, before?.common.clusters) },
    endpoints: recall.of(keptEndpoints, endpoints, before?.endpoints),
    routes: keptList(before?.routes, sidecarRoutes(index, node, scope, { httpServices, names: routeNames }), nameOf),
    names: recall.of(nameTable, scope.services, node.namespace),
  };
}

// What several namespaces have as the same list is compared with the former one once, and stays the same list for all of them.
type Before<Value> = (after: Value, before: Value | undefined) => Value;
const keptFaces: Before<Scope['faces']> = (after, before) => keptMap(before, after);
const keptServices: Before<Scope['services']> = (after, before) => keptList(before, after, hostOf);
const keptHttpServices: Before<HttpServices> = (after, before) => keptMap(before, after);
const keptListeners: Before<readonly Listener[]> = (after, before) => keptList(before, after, nameOf);
const keptClusters: Before<readonly Cluster[]> = (after, before) => keptList(before, after, nameOf);
const keptEndpoints: Before<readonly ClusterLoadAssignment[]> = (after, before) => keptList(before, after, ({ clusterName }) => clusterName ?? '');

function inboundConfig(
  node: ProxyNode, targets: readonly ServiceTarget[] | undefined, sidecar: Scope['sidecar'], policy: Scope['policy'],
  mesh: InboundView['snapshot']['mesh'], keySets: MeshSnapshot['keySets'], withoutKubeProxy: boolean | undefined,
  peerPolicies: InboundView['peerPolicies'], authorizationPolicies: InboundView['authorizationPolicies'], authorizers: InboundView['authorizers'], requestAuthentications: InboundView['requestAuthentications'],
): Pick<ProxyConfig, 'listeners' | 'clusters'> {
  const view: InboundView = {
    peerPolicies, authorizationPolicies, authorizers, requestAuthentications,
    snapshot: { mesh, ...(keySets === undefined ? {} : { keySets }), ...(withoutKubeProxy === undefined ? {} : { withoutKubeProxy }) },
  };
  const ports = inboundPorts(view, node, targets ?? [], sidecar);
  return { listeners: [virtualInbound(view, node, ports)], clusters: [...inboundClusters(ports), ...standardClusters(policy)] };
}

import { commonPart, type Cluster, type ClusterLoadAssignment, type Listener, type NameTable, type ProxyConfig, type RouteConfiguration } from '../xds/index.ts';
import { inboundClusters, outboundClusters, standardClusters } from './clusters.ts';
import { inboundPorts, virtualInbound } from './inbound-listener.ts';
import { nameTable } from './name-table.ts';
import { outboundListeners } from './outbound-listeners.ts';
import { scopeOf, type Scope } from './scope.ts';
import { sidecarRoutes } from './sidecar-routes.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The outbound half of a sidecar's config: the same for all sidecars that see the same of the mesh. */
export interface OutboundConfig {
  readonly scope: Scope;
  readonly listeners: readonly Listener[];
  readonly routes: readonly RouteConfiguration[];
  readonly clusters: readonly Cluster[];
  readonly endpoints: readonly ClusterLoadAssignment[];
  readonly names: NameTable;
}

/** The config of a sidecar. */
export function sidecarConfig(index: SnapshotIndex, node: ProxyNode): ProxyConfig {
  const { scope, listeners, routes, clusters, endpoints, names } = index.outlooks.of(node, (seen) => outboundConfig(index, seen));
  const ports = inboundPorts(index, node, scope);
  return {
    listeners: [...listeners, virtualInbound(index, node, ports)],
    routes,
    clusters: [...clusters, ...inboundClusters(ports), ...standardClusters(scope)],
    endpoints, names,
    [commonPart]: { listeners, clusters },
  };
}

function outboundConfig(index: SnapshotIndex, node: ProxyNode): OutboundConfig {
  const scope = scopeOf(index, node);
  const { listeners, routeNames } = outboundListeners(index, node, scope);
  return {
    scope, listeners, ...outboundClusters(index, node, scope),
    routes: routeNames.map((name) => sidecarRoutes(index, node, scope, name)),
    names: nameTable(scope, node),
  };
}

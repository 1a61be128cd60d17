import type { ProxyConfig } from '../xds/index.ts';
import { inboundClusters, outboundClusters, standardClusters } from './clusters.ts';
import { inboundPorts, virtualInbound } from './inbound-listener.ts';
import { nameTable } from './name-table.ts';
import { outboundListeners } from './outbound-listeners.ts';
import { scopeOf } from './scope.ts';
import { sidecarRoutes } from './sidecar-routes.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The config of a sidecar. */
export function sidecarConfig(index: SnapshotIndex, node: ProxyNode): ProxyConfig {
  const scope = scopeOf(index, node);
  const outbound = outboundListeners(index, node, scope);
  const ports = inboundPorts(index, node, scope);
  const { clusters, endpoints } = outboundClusters(index, node, scope);
  return {
    listeners: [...outbound.listeners, virtualInbound(index, node, ports)],
    routes: outbound.routeNames.map((name) => sidecarRoutes(index, node, scope, name)),
    clusters: [...clusters, ...inboundClusters(ports), ...standardClusters(scope)],
    endpoints,
    names: nameTable(scope, node),
  };
}

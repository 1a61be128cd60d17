import { serverTransport } from '../features/gateway/compile.ts';
import { connectionMatchApplies } from '../features/tcp-routing/compile.ts';
import { readPlainYaml } from '../manifest/index.ts';
import { withOrigin, withRuleOrigins, type FilterChain, type Listener, type ProxyConfig } from '../xds/index.ts';
import { accessOf, type Access } from './authorization.ts';
import { autoPassthroughChains, autoPassthroughClusters } from './auto-passthrough.ts';
import { outboundClusters, standardClusters } from './clusters.ts';
import { withMisdirected } from './gateway-api/misdirected.ts';
import { boundRules, gatewayRouteName, gatewayRoutes, serverContext } from './gateway-routes.ts';
import { gatewayServers, hostsFor, type GatewayServer } from './gateway-servers.ts';
import { hostIsIn } from './hosts.ts';
import type { RouteContext } from './http-routes.ts';
import { topologyFrom, type GatewayTopology, type MeshConfig } from './mesh-config.ts';
import { originAt } from './model.ts';
import { nameTable } from './name-table.ts';
import { httpFilter, listenerFilters } from './network-filters.ts';
import { socketAddress } from './outbound-listeners.ts';
import { scopeOf, type Scope } from './scope.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { chainMatch, tcpChain } from './tcp-chains.ts';
import type { ProxyNode } from './types.ts';

/** The config of a gateway. */
export function gatewayConfig(index: SnapshotIndex, node: ProxyNode): ProxyConfig {
  const scope = scopeOf(index, node);
  const access = accessOf(index, node);
  const servers = gatewayServers(index, node);
  const { clusters, endpoints } = outboundClusters(index, node, scope);
  const unopened = autoPassthroughClusters(index, node, scope, servers);
  const tables = grouped(servers.filter(({ kind }) => kind === 'http' || kind === 'https'), gatewayRouteName);
  return {
    listeners: [...grouped(servers, ({ bind, port }) => `${bind}_${port}`)].flatMap(([name, sharing]) => gatewayListener({ index, node, scope, access }, name, sharing)),
    routes: [...tables].map(([name, sharing]) => withMisdirected(gatewayRoutes(index, node, scope, name, sharing), sharing, servers)),
    clusters: [...clusters, ...unopened.clusters, ...standardClusters(scope.policy).filter(({ name }) => name !== 'InboundPassthroughCluster')],
    endpoints: [...endpoints, ...unopened.endpoints],
    names: nameTable(scope.services, node.namespace),
  };
}

function grouped<Item>(items: readonly Item[], key: (item: Item) => string): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}

/** The gateway that listeners are made for. */
interface Place {
  readonly index: SnapshotIndex;
  readonly node: ProxyNode;
  readonly scope: Scope;
  readonly access: Access;
}

/** A listener with the chains of all servers of a port; none when they have no chain. */
function gatewayListener(place: Place, name: string, servers: readonly GatewayServer[]): readonly Listener[] {
  const [first] = servers;
  if (first === undefined) return [];
  const http = servers.find(({ kind }) => kind === 'http');
  const others = servers.filter(({ kind }) => kind !== 'http');
  const filterChains = [...(http === undefined ? [] : [httpChain(place, http)]), ...others.flatMap((server) => serverChains(place, server))];
  if (filterChains.length === 0) return [];
  const announced = topologyOf(place.node, place.index.snapshot.mesh).proxyProtocol;
  const tls = others.some(({ kind }) => kind !== 'tcp');
  const inspecting = [...(announced ? [listenerFilters.proxyProtocol] : []), ...(tls ? [listenerFilters.tls] : [])];
  return [{
    name,
    address: socketAddress(first.bind, first.port),
    filterChains,
    ...(inspecting.length === 0 ? {} : { listenerFilters: inspecting, listenerFiltersTimeout: '0s' }),
    trafficDirection: 'OUTBOUND',
    metadata: withRuleOrigins(place.access.origins, withOrigin(first.origin)),
  }];
}

function httpChain({ index, node, access }: Place, server: GatewayServer): FilterChain {
  const routes = gatewayRouteName(server);
  const http = server.kind === 'http';
  return {
    ...(http ? {} : chainMatch({ serverNames: server.hosts, ranges: [] })),
    filters: [httpFilter({ statPrefix: `outbound_${server.bind}_${http ? server.port : routes}`, routes, place: 'gateway', mesh: index.snapshot.mesh, access: access.http(), topology: topologyOf(node, index.snapshot.mesh) })],
    ...(http || server.server.tls === undefined ? {} : { transportSocket: serverTransport(server.server.tls, true) }),
    metadata: withOrigin(server.origin),
  };
}

/** The gateway's own annotation counts before the mesh. Source: istio.io, "Configuring Gateway Network Topology". */
function topologyOf({ annotations }: ProxyNode, { topology }: MeshConfig): GatewayTopology {
  const own = annotations['proxy.istio.io/config'];
  return own === undefined ? topology : topologyFrom(readPlainYaml(own), topology);
}

function serverChains(place: Place, server: GatewayServer): readonly FilterChain[] {
  const { index, node, scope, access } = place;
  const context = serverContext(index, node, scope, server);
  const guarded = (chain: FilterChain): FilterChain => ({ ...chain, filters: [...access.network(), ...(chain.filters ?? [])] });
  switch (server.kind) {
    case 'http': case 'https': return [httpChain(place, server)];
    case 'tls-passthrough': return tlsChains(scope, server, context).map(guarded);
    case 'auto-passthrough': return autoPassthroughChains(index, node, scope, server).map(guarded);
    case 'tcp': return tcpChains(scope, server, context, []).map(guarded);
    case 'tls-terminated': return (server.api ? namedChains(scope, server, context) : tcpChains(scope, server, context, server.hosts)).map(guarded).map((chain): FilterChain => (server.server.tls === undefined ? chain : { ...chain, transportSocket: serverTransport(server.server.tls, false) }));
  }
}

/** TLS that passes through, by the server names that rules match and the server lists. */
function tlsChains(scope: Scope, server: GatewayServer, context: RouteContext): readonly FilterChain[] {
  const seen = new Set<string>();
  return boundRules(scope, server).flatMap(({ rule }) => rule.tls.flatMap(({ match, route }, at) => match.flatMap((entry) => {
    const served = hostsFor(server, rule.namespace);
    const serverNames = entry.sniHosts.filter((name) => served.some((host) => hostIsIn(name, host)));
    const match = { serverNames, ranges: entry.destinationSubnets };
    if (serverNames.length === 0 || !connectionMatchApplies(entry, context) || seen.has(JSON.stringify(match))) return [];
    seen.add(JSON.stringify(match));
    return [tcpChain(match, route, originAt(rule.resource, ['spec', 'tls', at]), context)];
  })));
}

/** On listeners of the Gateway API, each rule takes the connections for its own hosts, the older one first. */
function namedChains(scope: Scope, server: GatewayServer, context: RouteContext): readonly FilterChain[] {
  const taken = new Set<string>();
  return boundRules(scope, server).flatMap(({ rule, hosts }) => {
    const [first] = rule.tcp;
    const names = hosts.filter((host) => !taken.has(host));
    if (first === undefined || names.length === 0) return [];
    for (const name of names) taken.add(name);
    return [tcpChain({ serverNames: names, ranges: [] }, first.route, originAt(rule.resource, ['spec', 'tcp', 0]), context)];
  });
}

/** The first rule for TCP that applies takes all connections of the server. */
function tcpChains(scope: Scope, server: GatewayServer, context: RouteContext, serverNames: readonly string[]): readonly FilterChain[] {
  for (const { rule } of boundRules(scope, server)) {
    for (const [at, { match, route }] of rule.tcp.entries()) {
      if (match.length > 0 && !match.some((entry) => connectionMatchApplies(entry, context))) continue;
      return [tcpChain({ serverNames, ranges: [] }, route, originAt(rule.resource, ['spec', 'tcp', at]), context)];
    }
  }
  return [];
}

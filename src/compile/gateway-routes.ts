import { withOrigin, type Route, type RouteConfiguration, type VirtualHost } from '../xds/index.ts';
import { isCatchAll } from '../features/routing/compile.ts';
import { hostsFor, type GatewayServer } from './gateway-servers.ts';
import { intersectHosts } from './hosts.ts';
import { compileRules, type RouteContext } from './http-routes.ts';
import type { MeshVirtualService } from './model.ts';
import type { Scope } from './scope.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The name of a server's route table: all HTTP servers of a port share one, each HTTPS server has its own. */
export function gatewayRouteName(server: GatewayServer): string {
  if (server.kind === 'http') return `http.${server.port}`;
  return `https.${server.number}.${server.server.port?.name ?? ''}.${server.gatewayName}.${server.gatewayNamespace}`;
}

/** The rules that are bound to a server's gateway and share a host with it. */
export function boundRules(scope: Scope, server: GatewayServer): readonly { readonly rule: MeshVirtualService; readonly hosts: readonly string[] }[] {
  return scope.virtualServices.filter(({ gateways }) => gateways.includes(server.gateway)).flatMap((rule) => {
    const hosts = intersectHosts(hostsFor(server, rule.namespace), rule.hosts);
    return hosts.length === 0 ? [] : [{ rule, hosts }];
  });
}

/** Where the routes of a server are made for. */
export function serverContext(index: SnapshotIndex, node: ProxyNode, scope: Scope, server: GatewayServer): RouteContext {
  return { index, node, scope, port: server.number, gateway: server.gateway, labels: node.labels, namespace: node.namespace, tls: server.kind === 'https' || server.kind === 'tls-terminated' };
}

/** The route table of one or several servers. Rules for the same host are put together in the order of their age. */
export function gatewayRoutes(index: SnapshotIndex, node: ProxyNode, scope: Scope, name: string, servers: readonly GatewayServer[]): RouteConfiguration {
  const hosts = new Map<string, VirtualHost>();
  for (const server of servers) {
    const context = serverContext(index, node, scope, server);
    for (const { rule, hosts: shared } of boundRules(scope, server)) {
      const routes = compileRules(rule, context);
      if (routes.length > 0) for (const host of shared) addRoutes(hosts, host, server, routes);
    }
  }
  for (const server of servers.filter(({ server: { tls } }) => tls?.httpsRedirect === true)) for (const host of server.hosts) requireTls(hosts, host, server);
  const port = servers[0]?.number ?? 0;
  const served = [...hosts.values()].map((host): VirtualHost => ({ ...host, ...(host.routes === undefined ? {} : { routes: catchAllLast(host.routes) }) }));
  const virtualHosts = served.length > 0 ? served : [{ name: `blackhole:${port}`, domains: ['*'] }];
  return { name, virtualHosts, validateClusters: false, ignorePortInHostMatching: true };
}

function addRoutes(hosts: Map<string, VirtualHost>, host: string, server: GatewayServer, routes: readonly Route[]): void {
  const known = hosts.get(host);
  const tls = server.server.tls?.httpsRedirect === true ? { requireTls: 'ALL' as const } : {};
  hosts.set(host, known === undefined
    ? { name: `${host}:${server.number}`, domains: [host], routes: [...routes], includeRequestAttemptCount: true, metadata: withOrigin(server.origin), ...tls }
    : { ...known, routes: [...(known.routes ?? []), ...routes], ...tls });
}

function requireTls(hosts: Map<string, VirtualHost>, host: string, server: GatewayServer): void {
  const known = hosts.get(host) ?? { name: `${host}:${server.number}`, domains: [host], includeRequestAttemptCount: true, metadata: withOrigin(server.origin) };
  hosts.set(host, { ...known, requireTls: 'ALL' });
}

/** Where rules of several VirtualServices meet, a route for every request must not hide those of the next one. */
function catchAllLast(routes: readonly Route[]): Route[] {
  const all = routes.filter(({ match }) => isCatchAll(match ?? {}));
  return [...routes.filter(({ match }) => !isCatchAll(match ?? {})), ...all];
}

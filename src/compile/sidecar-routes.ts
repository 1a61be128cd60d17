import { withOrigin, type Route, type RouteConfiguration, type VirtualHost } from '../xds/index.ts';
import { hostsOverlap, isWildcard, shortNames } from './hosts.ts';
import { compileRules, defaultRoute, type RouteContext } from './http-routes.ts';
import type { OutboundTrafficPolicy } from './mesh-config.ts';
import type { MeshService, MeshVirtualService } from './model.ts';
import type { Scope } from './scope.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The port on which hosts get routes that no service declares. */
const defaultHttpPort = 80;

/**
 * The route table of one outbound port (`9080`), or of one service's port that was sniffed (`HOST:9080`).
 * Hosts are those of services with such an HTTP port, ruled by VirtualServices where there are some.
 */
export function sidecarRoutes(index: SnapshotIndex, node: ProxyNode, scope: Scope, name: string): RouteConfiguration {
  const colon = name.lastIndexOf(':');
  const port = Number(name.slice(colon + 1));
  const only = colon < 0 ? undefined : name.slice(0, colon);
  const context: RouteContext = { index, node, scope, port, gateway: 'mesh', labels: node.labels, namespace: node.namespace, tls: false };
  const services = scope.services.filter((service) => scope.imports(service.namespace, [service.host], port) && service.ports.some((candidate) => candidate.number === port && (candidate.kind === 'http' || candidate.kind === 'auto')));
  const rules = scope.virtualServices.filter(({ gateways, http }) => gateways.includes('mesh') && http.length > 0).filter((rule) => scope.imports(rule.namespace, rule.hosts, port));
  const used = new Set<string>();
  const routesOf = memoized((rule: MeshVirtualService) => compileRules(rule, context));
  const hosts: VirtualHost[] = [];
  for (const service of services) {
    const rule = scope.httpRules.ruling(service.host);
    const routes = rule === undefined ? [] : routesOf(rule);
    hosts.push(virtualHost(service.host, port, domainsOf(service, node), routes.length > 0 ? routes : [defaultRoute(service, context)], used));
  }
  for (const rule of rules) {
    for (const host of hostsWithoutService(rule, scope, port)) if (routesOf(rule).length > 0) hosts.push(virtualHost(host, port, [host], routesOf(rule), used));
  }
  const chosen = only === undefined ? hosts : hosts.filter(({ domains }) => domains?.includes(only) === true);
  const [addressed] = chosen;
  if (only !== undefined && addressed !== undefined && scope.addressedPorts.has(port)) return routeTable(name, [{ ...addressed, domains: ['*'] }]);
  const served = (chosen.length === 0 ? hosts : chosen).filter(({ domains }) => (domains?.length ?? 0) > 0).sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  const catchAll = used.has('*') ? [] : [catchAllHost(scope.policy)];
  return routeTable(name, [...served, ...catchAll]);
}

function routeTable(name: string, virtualHosts: readonly VirtualHost[]): RouteConfiguration {
  return { name, virtualHosts: [...virtualHosts], validateClusters: false, maxDirectResponseBodySizeBytes: 1_048_576, ignorePortInHostMatching: true };
}

function memoized<Key, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const known = new Map<Key, Value>();
  return (key) => {
    const value = known.get(key) ?? compute(key);
    known.set(key, value);
    return value;
  };
}

/** Hosts of a rule that no visible service has. They are served on the ports of the rule's services, or on 80 when it has none. */
function hostsWithoutService(rule: MeshVirtualService, scope: Scope, port: number): readonly string[] {
  const wildcards = rule.hosts.filter(isWildcard);
  const matched = [
    ...rule.hosts.flatMap((host) => scope.served.get(host) ?? []),
    ...(wildcards.length === 0 ? [] : scope.services.filter(({ host }) => wildcards.some((wildcard) => hostsOverlap(host, wildcard)))),
  ];
  const ports = new Set(matched.flatMap((service) => service.ports.filter(({ kind }) => kind === 'http' || kind === 'auto').map(({ number }) => number)));
  if (ports.size === 0 ? port !== defaultHttpPort : !ports.has(port)) return [];
  return rule.hosts.filter((host) => (isWildcard(host) ? !matched.some((service) => hostsOverlap(service.host, host)) : !scope.byHost.has(host)));
}

/** All names under which an application asks for a service: full, short, and by its addresses. */
export function domainsOf(service: MeshService, node: ProxyNode): readonly string[] {
  const names = [service.host, ...(service.registry === 'Kubernetes' ? shortNames(service.host, node.namespace) : [])];
  const pods = service.headless ? names.map((name) => `*.${name}`) : [];
  const addresses = service.addresses.filter((address) => !address.includes('/')).map((address) => (address.includes(':') ? `[${address}]` : address));
  return [...names, ...pods, ...addresses];
}

/** A virtual host with the domains that nobody has taken yet. */
function virtualHost(host: string, port: number, domains: readonly string[], routes: readonly Route[], used: Set<string>): VirtualHost {
  const free = domains.filter((domain) => !used.has(domain));
  for (const domain of free) used.add(domain);
  return { name: `${host}:${port}`, domains: free, routes: [...routes], includeRequestAttemptCount: true };
}

/** Where requests go whose host nobody knows. */
export function catchAllHost(policy: OutboundTrafficPolicy): VirtualHost {
  if (policy === 'REGISTRY_ONLY') return { name: 'block_all', domains: ['*'], routes: [{ name: 'block_all', match: { prefix: '/' }, directResponse: { status: 502 } }], includeRequestAttemptCount: true };
  const cluster = policy === 'ALLOW_ANY' ? 'PassthroughCluster' : 'AllowAnyDynamicDNSCluster';
  return { name: 'allow_any', domains: ['*'], routes: [{ name: 'allow_any', match: { prefix: '/' }, route: { cluster, timeout: '0s', maxGrpcTimeout: '0s' } }], includeRequestAttemptCount: true };
}

/** The routes of an inbound port: all requests to the application. */
export function inboundRoutes(name: string, virtualHostName: string, cluster: string, operation: string, origin: Parameters<typeof withOrigin>[0] | undefined): RouteConfiguration {
  const route: Route = {
    name: 'default', match: { prefix: '/' }, decorator: { operation }, route: { cluster, timeout: '0s', maxStreamDuration: { maxStreamDuration: '0s', grpcTimeoutHeaderMax: '0s' } },
    ...(origin === undefined ? {} : { metadata: withOrigin(origin) }),
  };
  return { name, virtualHosts: [{ name: virtualHostName, domains: ['*'], routes: [route] }], validateClusters: false };
}

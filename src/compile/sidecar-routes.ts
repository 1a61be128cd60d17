import { withOrigin, type Route, type RouteConfiguration, type VirtualHost } from '../xds/index.ts';
import { hostsOverlap, isWildcard, shortNames } from './hosts.ts';
import { compileRules, serviceRoute, type RouteContext } from './http-routes.ts';
import type { OutboundTrafficPolicy } from './mesh-config.ts';
import type { MeshService, MeshVirtualService } from './model.ts';
import type { Scope } from './scope.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The port on which hosts get routes that no service declares. */
const defaultHttpPort = 80;

/**
 * Route tables by name: of an outbound port (`9080`), or of one service's port that was sniffed (`HOST:9080`).
 * Hosts are those of services with such an HTTP port, ruled by VirtualServices where there are some.
 */
export function sidecarRoutes(index: SnapshotIndex, node: ProxyNode, scope: Scope, names: readonly string[]): readonly RouteConfiguration[] {
  const ports = portsOf(scope);
  const hostsAt = memoized((port: number) => hostsOf({ index, node, scope, port, gateway: 'mesh', labels: node.labels, namespace: node.namespace, tls: false }, ports.get(port) ?? noHosts));
  return names.map((name) => {
    const colon = name.lastIndexOf(':');
    const port = Number(name.slice(colon + 1));
    const { all, byDomain, anyHost } = hostsAt(port);
    const only = colon < 0 ? undefined : byDomain.get(name.slice(0, colon));
    if (only !== undefined && scope.addressedPorts.has(port)) return routeTable(name, [{ ...only, domains: ['*'] }]);
    return routeTable(name, [...(only === undefined ? all : [only]), ...(anyHost ? [] : [catchAllHost(scope.policy)])]);
  });
}

/** What a port of HTTP serves: services, and hosts of rules that no visible service has. */
interface PortHosts {
  readonly services: MeshService[];
  readonly further: { readonly rule: MeshVirtualService; readonly hosts: readonly string[] }[];
}

const noHosts: PortHosts = { services: [], further: [] };

/** Services and rules by port, so that a table costs no walk over all of them. */
function portsOf(scope: Scope): ReadonlyMap<number, PortHosts> {
  const ports = new Map<number, PortHosts>();
  const at = (port: number): PortHosts => {
    const known = ports.get(port) ?? { services: [], further: [] };
    ports.set(port, known);
    return known;
  };
  for (const service of scope.services) for (const port of new Set(httpPorts(service))) if (scope.imports(service.namespace, [service.host], port)) at(port).services.push(service);
  for (const rule of scope.virtualServices.filter(({ gateways, http }) => gateways.includes('mesh') && http.length > 0)) {
    const { hosts, ports: served } = hostsWithoutService(rule, scope);
    for (const port of hosts.length === 0 ? [] : served) if (scope.imports(rule.namespace, rule.hosts, port)) at(port).further.push({ rule, hosts });
  }
  return ports;
}

/** The virtual hosts of a port, in the order of their names, and by their domains; each domain has one. */
function hostsOf(context: RouteContext, { services, further }: PortHosts): { readonly all: readonly VirtualHost[]; readonly byDomain: ReadonlyMap<string, VirtualHost>; readonly anyHost: boolean } {
  const { port, scope, node } = context;
  const routesOf = memoized((rule: MeshVirtualService) => compileRules(rule, context));
  const used = new Set<string>();
  const hosts = services.map((service) => {
    const rule = scope.httpRules.ruling(service.host);
    const routes = rule === undefined ? [] : routesOf(rule);
    return virtualHost(service.host, port, domainsOf(service, node), routes.length > 0 ? routes : [serviceRoute(service, context)], used);
  });
  for (const { rule, hosts: names } of further) for (const host of names) if (routesOf(rule).length > 0) hosts.push(virtualHost(host, port, [host], routesOf(rule), used));
  const all = hosts.filter(({ domains }) => (domains?.length ?? 0) > 0).sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  return { all, byDomain: new Map(all.flatMap((host) => (host.domains ?? []).map((domain) => [domain, host] as const))), anyHost: used.has('*') };
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

/** Hosts of a rule that no visible service has, and where they are served: on the ports of the rule's services, or on 80 when it has none. */
function hostsWithoutService(rule: MeshVirtualService, scope: Scope): { readonly hosts: readonly string[]; readonly ports: ReadonlySet<number> } {
  const wildcards = rule.hosts.filter(isWildcard);
  const matched = [
    ...rule.hosts.flatMap((host) => scope.served.get(host) ?? []),
    ...(wildcards.length === 0 ? [] : scope.services.filter(({ host }) => wildcards.some((wildcard) => hostsOverlap(host, wildcard)))),
  ];
  const ports = new Set(matched.flatMap(httpPorts));
  return {
    hosts: rule.hosts.filter((host) => (isWildcard(host) ? !matched.some((service) => hostsOverlap(service.host, host)) : !scope.byHost.has(host))),
    ports: ports.size === 0 ? new Set([defaultHttpPort]) : ports,
  };
}

function httpPorts({ ports }: MeshService): readonly number[] {
  return ports.filter(({ kind }) => kind === 'http' || kind === 'auto').map(({ number }) => number);
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

import { withOrigin, type Route, type RouteConfiguration, type VirtualHost } from '../xds/index.ts';
import { hostsOverlap, isWildcard, shortNames } from './hosts.ts';
import { compileRules, serviceRoutes, type HttpContext } from './http-routes.ts';
import type { OutboundTrafficPolicy } from './mesh-config.ts';
import type { MeshService, MeshVirtualService } from './model.ts';
import type { Recall } from './recall.ts';
import { importing, type Scope } from './scope.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** The port on which hosts get routes that no service declares. */
const defaultHttpPort = 80;

/**
 * Route tables by name: of an outbound port (`9080`), or of one service's port that was sniffed (`HOST:9080`).
 * Hosts are those of services with such an HTTP port, ruled by VirtualServices where there are some.
 */
export function sidecarRoutes(index: SnapshotIndex, node: ProxyNode, scope: Scope, { httpServices, names }: { readonly httpServices: HttpServices; readonly names: readonly string[] }): readonly RouteConfiguration[] {
  const { sidecar } = scope;
  const unserved = index.recall.of(unservedRules, scope.virtualServices, scope.byHost, scope.served, scope.services, sidecar, sidecar === undefined ? '' : node.namespace);
  const hostsAt = memoized((port: number) => hostsOf(index, node, scope, port, httpServices.get(port) ?? none, unserved.get(port) ?? []));
  return names.map((name) => {
    const port = Number(name.slice(name.lastIndexOf(':') + 1));
    return index.recall.of(routeTable, hostsAt(port), name, scope.addressedPorts.has(port), scope.policy);
  });
}

/** Hosts of a rule that no visible service has. */
interface Unserved {
  readonly rule: MeshVirtualService;
  readonly hosts: readonly string[];
}

const none: readonly MeshService[] = [];

/** Services by port of HTTP, so that a table costs no walk over all of them. */
export type HttpServices = ReadonlyMap<number, readonly MeshService[]>;

/** The services in scope that are imported for a port. */
export function httpServicesOf({ recall }: SnapshotIndex, node: ProxyNode, { services, sidecar }: Scope): HttpServices {
  return recall.of(servicesByPort, services, sidecar, sidecar === undefined ? '' : node.namespace);
}

function servicesByPort(services: readonly MeshService[], sidecar: Scope['sidecar'], namespace: string): HttpServices {
  const { imports } = importing(sidecar, namespace);
  const ports = new Map<number, MeshService[]>();
  for (const service of services) {
    for (const port of new Set(httpPorts(service))) {
      if (!imports(service.namespace, [service.host], port)) continue;
      const known = ports.get(port);
      if (known === undefined) ports.set(port, [service]);
      else known.push(service);
    }
  }
  return ports;
}

function unservedRules(
  rules: Scope['virtualServices'], byHost: Scope['byHost'], served: Scope['served'], services: Scope['services'], sidecar: Scope['sidecar'], namespace: string,
): ReadonlyMap<number, readonly Unserved[]> {
  const { imports } = importing(sidecar, namespace);
  const ports = new Map<number, Unserved[]>();
  for (const rule of rules) {
    if (rule.http.length === 0 || !rule.gateways.includes('mesh') || rule.hosts.every((host) => !isWildcard(host) && byHost.has(host))) continue;
    const { hosts, ports: listed } = hostsWithoutService(rule, { byHost, served, services });
    for (const port of hosts.length === 0 ? [] : listed) if (imports(rule.namespace, rule.hosts, port)) ports.set(port, [...(ports.get(port) ?? []), { rule, hosts }]);
  }
  return ports;
}

/** The virtual hosts of a port, in the order of their names. */
interface PortHosts {
  readonly all: readonly VirtualHost[];
  /** One of them has the domain `*`. */
  readonly anyHost: boolean;
  /** The one that has a domain; each domain has one. */
  at(domain: string): VirtualHost | undefined;
}

/** Those of before, unless something that they are made from has changed: a port costs no more than looking at what rules its hosts. */
function hostsOf({ recall, destinationRules, snapshot: { mesh }, uses }: SnapshotIndex, node: ProxyNode, scope: Scope, port: number, services: readonly MeshService[], unserved: readonly Unserved[]): PortHosts {
  const ruling = recall.of(rulingOf, services, scope.httpRules, recall);
  const read = uses.destinations || (uses.rules.size > 0 && (ruling.some((rule) => rule !== null && uses.rules.has(rule)) || unserved.some(({ rule }) => uses.rules.has(rule))));
  const further = unserved.flatMap(({ rule, hosts }) => hosts.flatMap((host) => [rule, host] as const));
  return recall.of(portHosts, services, ruling, scope.faces, destinationRules, mesh, recall, port, node.namespace, read ? node.labels : noLabels, ...further);
}

/** What rules each service; the list of before, for all namespaces, while it is the same rules. */
function rulingOf(services: readonly MeshService[], rules: Scope['httpRules'], recall: Recall): Ruling {
  // As `null`, because inputs that are no objects are compared as text.
  return recall.of(listOf, 'ruling', ...services.map(({ host }) => rules.ruling(host) ?? null));
}

type Ruling = readonly (MeshVirtualService | null)[];

function listOf(_what: string, ...rules: Ruling): Ruling {
  return rules;
}

/** For callers whose labels make no difference. */
const noLabels: ProxyNode['labels'] = {};

/** `further` has, in turn, rules and hosts of theirs that no service has. */
function portHosts(
  services: readonly MeshService[], ruling: Ruling, faces: Scope['faces'], destinationRules: SnapshotIndex['destinationRules'], mesh: SnapshotIndex['snapshot']['mesh'], recall: Recall,
  port: number, namespace: string, labels: ProxyNode['labels'], ...further: readonly (MeshVirtualService | string)[]
): PortHosts {
  const context: HttpContext = { index: { recall, destinationRules, snapshot: { mesh } }, node: { namespace, labels }, scope: { faces }, port, gateway: 'mesh', labels, namespace, tls: false };
  const routesOf = memoized((rule: MeshVirtualService) => compileRules(rule, context));
  const used = new Set<string>();
  const hosts: VirtualHost[] = [];
  const add = (host: string, domains: readonly string[], routes: readonly Route[]): void => {
    const free = domains.some((domain) => used.has(domain)) ? domains.filter((domain) => !used.has(domain)) : domains;
    for (const domain of free) used.add(domain);
    if (free.length > 0) hosts.push(recall.of(virtualHost, free, routes, host, port));
  };
  for (const [at, service] of services.entries()) {
    const rule = ruling[at];
    const routes = rule === undefined || rule === null ? [] : routesOf(rule);
    add(service.host, recall.of(domainsOf, service, shortNameSpace(service, namespace)), routes.length > 0 ? routes : serviceRoutes(service, context));
  }
  let rule: MeshVirtualService | undefined;
  for (const next of further) {
    if (typeof next === 'object') rule = next;
    else if (rule !== undefined && routesOf(rule).length > 0) add(next, [next], routesOf(rule));
  }
  hosts.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1));
  const domains = once(() => new Map(hosts.flatMap((host) => (host.domains ?? []).map((domain) => [domain, host] as const))));
  return { all: hosts, anyHost: used.has('*'), at: (domain) => domains().get(domain) };
}

/** The table of a port, or of one service's port. */
function routeTable({ all, anyHost, at }: PortHosts, name: string, addressed: boolean, policy: OutboundTrafficPolicy): RouteConfiguration {
  const colon = name.lastIndexOf(':');
  const only = colon < 0 ? undefined : at(name.slice(0, colon));
  const virtualHosts = only !== undefined && addressed ? [{ ...only, domains: ['*'] }] : [...(only === undefined ? all : [only]), ...(anyHost ? [] : [catchAllHost(policy)])];
  return { name, virtualHosts, validateClusters: false, maxDirectResponseBodySizeBytes: 1_048_576, ignorePortInHostMatching: true };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
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
function hostsWithoutService(rule: MeshVirtualService, scope: Pick<Scope, 'byHost' | 'served' | 'services'>): { readonly hosts: readonly string[]; readonly ports: ReadonlySet<number> } {
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

/** All names under which an application of a namespace asks for a service: full, short, and by its addresses. */
function domainsOf(service: MeshService, namespace: string): readonly string[] {
  const names = [service.host, ...(service.registry === 'Kubernetes' ? shortNames(service.host, namespace) : [])];
  const pods = service.headless ? names.map((name) => `*.${name}`) : [];
  const addresses = service.addresses.filter((address) => !address.includes('/')).map((address) => (address.includes(':') ? `[${address}]` : address));
  return [...names, ...pods, ...addresses];
}

/** Only for proxies of its own namespace a service has a name that others do not know. */
function shortNameSpace({ host }: MeshService, namespace: string): string {
  return host.includes(`.${namespace}.svc.`) ? namespace : '';
}

function virtualHost(domains: readonly string[], routes: readonly Route[], host: string, port: number): VirtualHost {
  return { name: `${host}:${port}`, domains: [...domains], routes: [...routes], includeRequestAttemptCount: true };
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

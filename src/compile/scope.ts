import type { Sidecar, TypedResource } from '../manifest/index.ts';
import type { OutboundTrafficPolicy } from './mesh-config.ts';
import { hostsOverlap, isWildcard } from './hosts.ts';
import { exported, selects, type MeshService, type MeshVirtualService } from './model.ts';
import type { Recall } from './recall.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** What one proxy may know: by `exportTo`, and for sidecars by the Sidecar resource that applies. */
export interface Scope {
  /** Services that get listeners and routes, one per host. */
  readonly services: readonly MeshService[];
  /** Services that only get clusters: destinations of rules that are in scope. */
  readonly destinations: readonly MeshService[];
  /** All visible services; the same list for all who see the same, and while the mesh has the same. */
  readonly visible: readonly MeshService[];
  /** All visible services by host, as far as whoever sends to them must know them: not changed by who stands behind them. */
  readonly faces: ReadonlyMap<string, ServiceFace>;
  /** All visible services, and those of `services`, by host. */
  readonly byHost: ReadonlyMap<string, MeshService>;
  readonly served: ReadonlyMap<string, MeshService>;
  readonly virtualServices: readonly MeshVirtualService[];
  /** Those for the mesh, by host: rules for HTTP, and rules for TCP or TLS. */
  readonly httpRules: RuleIndex;
  readonly connectionRules: RuleIndex;
  /** The egress listener that a Sidecar has for a port of its own. */
  readonly egress: ReadonlyMap<number, EgressListener>;
  /** Ports on which services are told apart by their address, not by the request's host: those where a route of the Gateway API rules one. */
  readonly addressedPorts: ReadonlySet<number>;
  readonly sidecar: TypedResource<'Sidecar'> | undefined;
  readonly policy: OutboundTrafficPolicy;
}

/** A port that a Sidecar resource lists for outbound traffic. Source: istio.io, Sidecar, IstioEgressListener. */
export interface EgressListener {
  /** The address that it listens on; empty for the services' own. */
  readonly bind: string;
  /** The application connects to it itself: nothing captures its traffic. */
  readonly uncaptured: boolean;
}

/** A service without who stands behind it. */
export type ServiceFace = Pick<MeshService, 'host' | 'namespace' | 'ports'>;

interface Import {
  /** 0 for every port that has no egress listener of its own. */
  readonly port: number;
  readonly namespace: string;
  readonly host: string;
}

/** Computes the scope of a proxy. */
export function scopeOf(index: SnapshotIndex, node: ProxyNode): Scope {
  const { recall } = index;
  const sidecar = node.type === 'sidecar' ? sidecarFor(index, node) : undefined;
  const visible = recall.of(visibleServices, index.services, node.namespace);
  const rules = recall.of(visibleRules, index.virtualServices, node.namespace);
  const imports = sidecar === undefined ? undefined : importsOf(sidecar.spec, node.namespace);
  const services = sidecar === undefined ? visible : recall.of(importedServices, visible, sidecar, node.namespace);
  const virtualServices = imports === undefined ? rules : rules.filter((rule) => imports.some((entry) => imported(entry, rule.namespace, rule.hosts)));
  const named = imports === undefined ? undefined : new Set(virtualServices.flatMap(destinationHosts));
  return {
    services, visible, virtualServices, sidecar,
    ...(imports === undefined ? recall.of(meshRules, virtualServices, recall) : meshRules(virtualServices, recall)),
    egress: importing(sidecar, node.namespace).egress,
    destinations: named === undefined ? nothing : visible.filter((service) => named.has(service.host) && !services.includes(service)),
    addressedPorts: recall.of(addressedPorts, virtualServices, visible, recall),
    faces: recall.of(faces, visible),
    byHost: recall.of(byHost, visible),
    served: recall.of(byHost, services),
    policy: (sidecar?.spec.outboundTrafficPolicy?.mode as OutboundTrafficPolicy | undefined) ?? index.snapshot.mesh.outboundTrafficPolicy,
  };
}

const nothing: readonly MeshService[] = [];

/** Proxies that may see everything share the list of everything. */
function visibleServices(services: readonly MeshService[], namespace: string): readonly MeshService[] {
  const visible = services.filter((service) => exported(service.exportTo, service.namespace, namespace));
  const single = onePerHost(visible, namespace);
  return single.length === services.length ? services : single;
}

function visibleRules(rules: readonly MeshVirtualService[], namespace: string): readonly MeshVirtualService[] {
  const visible = rules.filter((rule) => exported(rule.exportTo, rule.namespace, namespace));
  return nearestFirst(visible.length === rules.length ? rules : visible, namespace);
}

function importedServices(visible: readonly MeshService[], { spec }: TypedResource<'Sidecar'>, namespace: string): readonly MeshService[] {
  const imports = importsOf(spec, namespace);
  return imports === undefined ? visible : visible.filter((service) => imports.some((entry) => imported(entry, service.namespace, [service.host])));
}

/** What a proxy imports for ports, and where it listens for it. */
interface Importing extends Pick<Scope, 'egress'> {
  /** Whether hosts of a namespace are imported for a port: by the egress listener of that port, else by those without a port. */
  imports(namespace: string, hosts: readonly string[], port: number): boolean;
}

/** What a Sidecar says of ports; without one everything is imported for every port. */
export function importing(sidecar: Scope['sidecar'], namespace: string): Importing {
  const imports = sidecar === undefined ? undefined : importsOf(sidecar.spec, namespace);
  const egress = sidecar === undefined ? new Map<number, EgressListener>() : egressListeners(sidecar.spec);
  return { egress, imports: (from, hosts, port) => egress.size === 0 || imports === undefined || imports.some((entry) => entry.port === (egress.has(port) ? port : 0) && imported(entry, from, hosts)) };
}

function forMesh({ gateways }: MeshVirtualService): boolean {
  return gateways.includes('mesh');
}

function meshRules(virtualServices: readonly MeshVirtualService[], recall: Recall): Pick<Scope, 'httpRules' | 'connectionRules'> {
  const mesh = virtualServices.filter(forMesh);
  return {
    httpRules: indexRules(mesh.filter(({ http }) => http.length > 0)),
    // One object for as long as these rules are the same, whatever becomes of the others.
    connectionRules: recall.of(indexed, 'connections', ...mesh.filter(({ tls, tcp }) => tls.length > 0 || tcp.length > 0)),
  };
}

function indexed(_what: string, ...rules: readonly MeshVirtualService[]): RuleIndex {
  return indexRules(rules);
}

function addressedPorts(rules: readonly MeshVirtualService[], services: readonly MeshService[], recall: Recall): ReadonlySet<number> {
  const hosts = new Set(rules.filter((rule) => rule.byAddress === true && rule.http.length > 0 && forMesh(rule)).flatMap((rule) => rule.hosts));
  return recall.of(setOf, 'ports', ...(hosts.size === 0 ? [] : services.filter(({ host }) => hosts.has(host)).flatMap(({ ports }) => ports.map(({ number }) => number))));
}

function setOf(_what: string, ...numbers: readonly number[]): ReadonlySet<number> {
  return new Set(numbers);
}

function faces(services: readonly MeshService[]): ReadonlyMap<string, ServiceFace> {
  return new Map(services.map(({ host, namespace, ports }) => [host, { host, namespace, ports }]));
}

function byHost(services: readonly MeshService[]): ReadonlyMap<string, MeshService> {
  return new Map(services.map((service) => [service.host, service]));
}

/** The oldest Sidecar that selects the proxy, else the namespace's, else the root namespace's. */
function sidecarFor(index: SnapshotIndex, node: ProxyNode): TypedResource<'Sidecar'> | undefined {
  const own = index.sidecars.filter(({ metadata }) => metadata.namespace === node.namespace);
  const selector = ({ spec }: TypedResource<'Sidecar'>): Readonly<Record<string, string>> | undefined => spec.workloadSelector?.labels;
  return own.find((sidecar) => selector(sidecar) !== undefined && selects(selector(sidecar) ?? {}, node.labels))
    ?? own.find((sidecar) => selector(sidecar) === undefined)
    ?? index.sidecars.find((sidecar) => sidecar.metadata.namespace === index.snapshot.mesh.rootNamespace && selector(sidecar) === undefined);
}

/** The egress listeners that have a port of their own. */
function egressListeners({ egress }: Sidecar): ReadonlyMap<number, EgressListener> {
  return new Map(egress.flatMap(({ port, bind, captureMode }) => {
    if (port === undefined || port.number === 0) return [];
    const uncaptured = captureMode === 'NONE';
    return [[port.number, { bind: bind === '' && uncaptured ? '127.0.0.1' : bind, uncaptured }] as const];
  }));
}

/** The egress hosts, `namespace/host`; without egress everything is imported. */
function importsOf(sidecar: Sidecar, namespace: string): readonly Import[] | undefined {
  if (sidecar.egress.length === 0) return undefined;
  return sidecar.egress.flatMap(({ hosts, port }) => hosts.map((written) => {
    const slash = written.indexOf('/');
    const from = slash < 0 ? '*' : written.slice(0, slash);
    return { port: port?.number ?? 0, namespace: from === '.' ? namespace : from, host: written.slice(slash + 1).toLowerCase() };
  }));
}

function imported(entry: Import, namespace: string, hosts: readonly string[]): boolean {
  return (entry.namespace === '*' || entry.namespace === namespace) && hosts.some((host) => hostsOverlap(host, entry.host));
}

/** Rules that only the proxy's namespace has come before those exported to it by name, and these before those of everybody; each in their order. */
function nearestFirst(rules: readonly MeshVirtualService[], namespace: string): readonly MeshVirtualService[] {
  const rank = ({ exportTo, namespace: own }: MeshVirtualService): number => (exportTo.length === 0 || exportTo.includes('*') ? 2 : own === namespace ? 0 : 1);
  return rules.some((rule) => rank(rule) < 2) ? [...rules].sort((a, b) => rank(a) - rank(b)) : rules;
}

/** One service per host: Kubernetes' before others, then the proxy's own namespace, then the oldest. */
function onePerHost(services: readonly MeshService[], namespace: string): readonly MeshService[] {
  const byHost = new Map<string, MeshService>();
  const rank = (service: MeshService): number => (service.registry === 'Kubernetes' ? 2 : 0) + (service.namespace === namespace ? 1 : 0);
  for (const service of services) {
    const known = byHost.get(service.host);
    if (known === undefined || rank(service) > rank(known)) byHost.set(service.host, service);
  }
  return services.filter((service) => byHost.get(service.host) === service);
}

function destinationHosts({ http, tls, tcp }: MeshVirtualService): readonly string[] {
  const routes = [...http.flatMap(({ rule }) => rule.route), ...tls.flatMap(({ route }) => route), ...tcp.flatMap(({ route }) => route)];
  const mirrors = http.flatMap(({ rule }) => [rule.mirror, ...rule.mirrors.map(({ destination }) => destination)]);
  return [...routes.map(({ destination }) => destination), ...mirrors].flatMap((destination) => (destination === undefined ? [] : [destination.host]));
}

/** VirtualServices by the hosts that they name. */
export interface RuleIndex {
  readonly rules: readonly MeshVirtualService[];
  /** All that name a host, exactly or by a wildcard, oldest first. */
  all(host: string): readonly MeshVirtualService[];
  /** The one that rules a host: the oldest that names it, else the one with the narrowest wildcard. */
  ruling(host: string): MeshVirtualService | undefined;
}

/** Indexes VirtualServices, so that a host costs no walk over all of them. */
export function indexRules(rules: readonly MeshVirtualService[]): RuleIndex {
  const exact = new Map<string, MeshVirtualService[]>();
  const wild: { readonly rule: MeshVirtualService; readonly wildcard: string }[] = [];
  for (const rule of rules) {
    for (const host of rule.hosts) {
      if (isWildcard(host)) wild.push({ rule, wildcard: host });
      else exact.set(host, [...(exact.get(host) ?? []), rule]);
    }
  }
  const order = new Map(rules.map((rule, at) => [rule, at]));
  const matching = (host: string): readonly { readonly rule: MeshVirtualService; readonly wildcard: string }[] => wild.filter(({ wildcard }) => hostsOverlap(host, wildcard));
  return {
    rules,
    all: (host) => [...new Set([...(exact.get(host) ?? []), ...matching(host).map(({ rule }) => rule)])].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0)),
    ruling: (host) => exact.get(host)?.[0] ?? matching(host).reduce<{ readonly rule: MeshVirtualService; readonly wildcard: string } | undefined>((best, one) => (one.wildcard.length > (best?.wildcard.length ?? 0) ? one : best), undefined)?.rule,
  };
}

import type { Sidecar, TypedResource } from '../manifest/index.ts';
import type { OutboundTrafficPolicy } from './mesh-config.ts';
import { hostsOverlap, isWildcard } from './hosts.ts';
import { exported, selects, type MeshService, type MeshVirtualService } from './model.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** What one proxy may know: by `exportTo`, and for sidecars by the Sidecar resource that applies. */
export interface Scope {
  /** Services that get listeners and routes, one per host. */
  readonly services: readonly MeshService[];
  /** Services that only get clusters: destinations of rules that are in scope. */
  readonly destinations: readonly MeshService[];
  readonly byHost: ReadonlyMap<string, MeshService>;
  readonly virtualServices: readonly MeshVirtualService[];
  readonly sidecar: TypedResource<'Sidecar'> | undefined;
  readonly policy: OutboundTrafficPolicy;
}

interface Import {
  readonly namespace: string;
  readonly host: string;
}

/** Computes the scope of a proxy. */
export function scopeOf(index: SnapshotIndex, node: ProxyNode): Scope {
  const sidecar = node.type === 'sidecar' ? sidecarFor(index, node) : undefined;
  const visible = onePerHost(index.services.filter((service) => exported(service.exportTo, service.namespace, node.namespace)), node.namespace);
  const rules = index.virtualServices.filter((rule) => exported(rule.exportTo, rule.namespace, node.namespace));
  const imports = sidecar === undefined ? undefined : importsOf(sidecar.spec, node.namespace);
  const services = imports === undefined ? visible : visible.filter((service) => imports.some((entry) => imported(entry, service.namespace, [service.host])));
  const virtualServices = imports === undefined ? rules : rules.filter((rule) => imports.some((entry) => imported(entry, rule.namespace, rule.hosts)));
  const named = imports === undefined ? undefined : new Set(virtualServices.flatMap(destinationHosts));
  return {
    services, virtualServices, sidecar,
    destinations: named === undefined ? [] : visible.filter((service) => named.has(service.host) && !services.includes(service)),
    byHost: new Map(visible.map((service) => [service.host, service])),
    policy: (sidecar?.spec.outboundTrafficPolicy?.mode as OutboundTrafficPolicy | undefined) ?? index.snapshot.mesh.outboundTrafficPolicy,
  };
}

/** The oldest Sidecar that selects the proxy, else the namespace's, else the root namespace's. */
function sidecarFor(index: SnapshotIndex, node: ProxyNode): TypedResource<'Sidecar'> | undefined {
  const own = index.sidecars.filter(({ metadata }) => metadata.namespace === node.namespace);
  const selector = ({ spec }: TypedResource<'Sidecar'>): Readonly<Record<string, string>> | undefined => spec.workloadSelector?.labels;
  return own.find((sidecar) => selector(sidecar) !== undefined && selects(selector(sidecar) ?? {}, node.labels))
    ?? own.find((sidecar) => selector(sidecar) === undefined)
    ?? index.sidecars.find((sidecar) => sidecar.metadata.namespace === index.snapshot.mesh.rootNamespace && selector(sidecar) === undefined);
}

/** The egress hosts, `namespace/host`; without egress everything is imported. */
function importsOf(sidecar: Sidecar, namespace: string): readonly Import[] | undefined {
  if (sidecar.egress.length === 0) return undefined;
  return sidecar.egress.flatMap(({ hosts }) => hosts.map((written) => {
    const slash = written.indexOf('/');
    const from = slash < 0 ? '*' : written.slice(0, slash);
    return { namespace: from === '.' ? namespace : from, host: written.slice(slash + 1).toLowerCase() };
  }));
}

function imported(entry: Import, namespace: string, hosts: readonly string[]): boolean {
  return (entry.namespace === '*' || entry.namespace === namespace) && hosts.some((host) => hostsOverlap(host, entry.host));
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

/** The VirtualService that rules a host: the oldest that names it, else the one with the narrowest wildcard. */
export function virtualServiceFor(rules: readonly MeshVirtualService[], host: string): MeshVirtualService | undefined {
  const exact = rules.find(({ hosts }) => hosts.includes(host));
  if (exact !== undefined) return exact;
  let best: { readonly rule: MeshVirtualService; readonly length: number } | undefined;
  for (const rule of rules) {
    for (const wildcard of rule.hosts) {
      if (isWildcard(wildcard) && hostsOverlap(host, wildcard) && wildcard.length > (best?.length ?? 0)) best = { rule, length: wildcard.length };
    }
  }
  return best?.rule;
}

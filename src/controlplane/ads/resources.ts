import { createHash } from 'node:crypto';
import { typeUrl, type ProxyConfig, type ResourceType, type SecretSet } from '../../xds/index.ts';

/** One resource as it goes on a wire. The same object for all proxies that compile gave the same resource. */
export interface WireResource {
  readonly name: string;
  readonly json: string;
  /** A hash of the content. */
  readonly version: string;
}

/** All resources of one type for one proxy. The version is a hash of the content: equal content, equal version, also after a restart. */
export interface TypeSet {
  readonly version: string;
  /** By name, in the order in which compile gave them. */
  readonly resources: ReadonlyMap<string, WireResource>;
}

/** Everything that one proxy is to run on. */
export type ConfigSet = Readonly<Record<ResourceType, TypeSet>>;

/** The order of pushes: what is referred to comes before what refers to it. */
export const pushOrder: readonly ResourceType[] = ['cluster', 'endpoint', 'listener', 'route', 'secret', 'names'];

/** Istio's short names, for messages. */
export const shortName: Readonly<Record<ResourceType, string>> = { cluster: 'CDS', endpoint: 'EDS', listener: 'LDS', route: 'RDS', secret: 'SDS', names: 'NDS' };

/** The resource type of a type URL. */
export function resourceType(url: string): ResourceType | undefined {
  return pushOrder.find((type) => typeUrl[type] === url);
}

/** Serialises resources; what compile shares between proxies is serialised once, whole lists of resources included. */
export function createSerializer(): (config: ProxyConfig, secrets: SecretSet) => ConfigSet {
  const knownResources = new WeakMap<object, WireResource>();
  const knownSets = new WeakMap<object, TypeSet>();
  const resourceOf = (resource: object, name: string): WireResource => {
    let known = knownResources.get(resource);
    if (known === undefined) knownResources.set(resource, known = wireResource(name, JSON.stringify(resource)));
    return known;
  };
  const set = <T extends object>(resources: readonly T[], name: (resource: T) => string | undefined): TypeSet => {
    let known = knownSets.get(resources);
    if (known === undefined) knownSets.set(resources, known = typeSet(resources.map((resource) => resourceOf(resource, name(resource) ?? ''))));
    return known;
  };
  const names = (table: ProxyConfig['names']): TypeSet => {
    let known = knownSets.get(table);
    if (known === undefined) knownSets.set(table, known = typeSet([resourceOf(table, 'names')]));
    return known;
  };
  return (config, secrets) => ({
    cluster: set(config.clusters, (cluster) => cluster.name),
    endpoint: set(config.endpoints, (assignment) => assignment.clusterName),
    listener: set(config.listeners, (listener) => listener.name),
    route: set(config.routes, (route) => route.name),
    secret: set(secrets, (secret) => secret.name),
    names: names(config.names),
  });
}

/** Makes a resource from its JSON. */
export function wireResource(name: string, json: string): WireResource {
  return { name, json, version: createHash('sha256').update(json).digest('hex').slice(0, 16) };
}

/** Makes a set of resources. */
export function typeSet(resources: Iterable<WireResource>): TypeSet {
  const hash = createHash('sha256');
  const byName = new Map<string, WireResource>();
  for (const resource of resources) byName.set(resource.name, resource);
  let text = '';
  for (const [name, { version }] of byName) text += `${name}\n${version}\n`;
  return { version: hash.update(text).digest('hex').slice(0, 16), resources: byName };
}

/** `next` and what only `held` has: nothing that may still be in use goes away. */
export function union(next: TypeSet, held: TypeSet | undefined): TypeSet {
  if (held === undefined || held === next || held.version === next.version) return next;
  const leftover = [...held.resources.values()].filter(({ name }) => !next.resources.has(name));
  return leftover.length === 0 ? next : typeSet([...next.resources.values(), ...leftover]);
}

/** The resources of a set that somebody has asked for by name, in the order of the names. */
export function restricted(set: TypeSet, names: ReadonlySet<string>): TypeSet {
  return typeSet([...names].flatMap((name) => set.resources.get(name) ?? []));
}

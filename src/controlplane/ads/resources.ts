import { createHash } from 'node:crypto';
import { commonPart, typeUrl, type ProxyConfig, type ResourceType, type SecretSet } from '../../xds/index.ts';

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
  /** Their JSON, separated by commas, in pieces of UTF-8 that are the same for all sets that have them. */
  readonly pieces: readonly Uint8Array[];
  /** What is to be done to a former set; worked out once for all proxies that had the same one. */
  since(before: TypeSet): Changes;
  /** What many proxies have, and what one of them has besides. */
  readonly layers?: readonly [common: TypeSet, own: TypeSet];
}

/** The difference of two sets. */
export interface Changes {
  readonly changed: readonly WireResource[];
  readonly removed: readonly string[];
  /** The JSON of what changed, as in a set. */
  readonly pieces: readonly Uint8Array[];
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
  const layers = <T extends object>(all: readonly T[], common: readonly T[] | undefined, name: (resource: T) => string | undefined): TypeSet =>
    (common === undefined || !common.every((resource, at) => all[at] === resource) ? set(all, name) : layered(set(common, name), typeSet(all.slice(common.length).map((resource) => resourceOf(resource, name(resource) ?? '')))));
  return ({ clusters, endpoints, listeners, routes, names: table, [commonPart]: common }, secrets) => ({
    cluster: layers(clusters, common?.clusters, (cluster) => cluster.name),
    endpoint: set(endpoints, (assignment) => assignment.clusterName),
    listener: layers(listeners, common?.listeners, (listener) => listener.name),
    route: set(routes, (route) => route.name),
    secret: set(secrets, (secret) => secret.name),
    names: names(table),
  });
}

/** Makes a resource from its JSON. */
export function wireResource(name: string, json: string): WireResource {
  return { name, json, version: hashOf(json) };
}

/** Makes a set of resources; what is known by versions only, from a client that comes back, has a version of its own. */
export function typeSet(resources: Iterable<WireResource>, version?: string): TypeSet {
  const byName = new Map<string, WireResource>();
  for (const resource of resources) byName.set(resource.name, resource);
  let text = '';
  if (version === undefined) for (const [name, { version: content }] of byName) text += `${name}\n${content}\n`;
  let pieces: readonly Uint8Array[] | undefined;
  return { version: version ?? hashOf(text), resources: byName, get pieces() { return (pieces ??= piecesOf([...byName.values()])); }, since: comparing((before) => changes(before.resources, byName)) };
}

/** A set that many proxies have, and what one of them has besides; costs what the second costs. */
function layered(common: TypeSet, own: TypeSet): TypeSet {
  let resources: ReadonlyMap<string, WireResource> | undefined;
  const all = (): ReadonlyMap<string, WireResource> => (resources ??= new Map([...common.resources, ...own.resources]));
  return {
    version: hashOf(`${common.version}\n${own.version}`),
    get resources() { return all(); },
    get pieces() { return joined(common.pieces, own.pieces); },
    since: comparing((before) => (before.layers === undefined ? changes(before.resources, all()) : both(common.since(before.layers[0]), own.since(before.layers[1]), [common, own]))),
    layers: [common, own],
  };
}

function comparing(compare: (before: TypeSet) => Changes): TypeSet['since'] {
  const known = new WeakMap<TypeSet, Changes>();
  return (before) => {
    const found = known.get(before) ?? compare(before);
    known.set(before, found);
    return found;
  };
}

function changes(before: ReadonlyMap<string, WireResource>, after: ReadonlyMap<string, WireResource>): Changes {
  const changed = [...after.values()].filter(({ name, version }) => before.get(name)?.version !== version);
  return { changed, removed: [...before.keys()].filter((name) => !after.has(name)), pieces: piecesOf(changed) };
}

/** A resource that only went from one layer to the other is not removed. */
function both(common: Changes, own: Changes, layers: readonly TypeSet[]): Changes {
  const removed = [...common.removed, ...own.removed].filter((name) => !layers.some(({ resources }) => resources.has(name)));
  return { changed: [...common.changed, ...own.changed], removed, pieces: joined(common.pieces, own.pieces) };
}

function piecesOf(resources: readonly WireResource[]): readonly Uint8Array[] {
  return resources.length === 0 ? [] : [Buffer.from(resources.map(({ json }) => json).join(','))];
}

function joined(a: readonly Uint8Array[], b: readonly Uint8Array[]): readonly Uint8Array[] {
  return a.length === 0 || b.length === 0 ? [...a, ...b] : [...a, comma, ...b];
}

const comma = Buffer.from(',');

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** `next` and what only `held` has: nothing that may still be in use goes away. */
export function union(next: TypeSet, held: TypeSet | undefined): TypeSet {
  if (held === undefined || held === next || held.version === next.version) return next;
  const leftover = next.since(held).removed.flatMap((name) => held.resources.get(name) ?? []);
  return leftover.length === 0 ? next : typeSet([...next.resources.values(), ...leftover]);
}

/** The resources of a set that somebody has asked for by name, in the order of the names. */
export function restricted(set: TypeSet, names: ReadonlySet<string>): TypeSet {
  return typeSet([...names].flatMap((name) => set.resources.get(name) ?? []));
}

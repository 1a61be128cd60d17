import { configParts, typeUrl, type ProxyConfig, type ResourceType, type RouteConfiguration, type SecretSet } from '../../xds/index.ts';
import { hashOf } from './hash.ts';
import { createTableReader, tableJson, tablePatch, tableVersion, type WireTable } from './route-tables.ts';

/** One resource as it goes on a wire. The same object for all proxies that compile gave the same resource. */
export interface WireResource {
  readonly name: string;
  readonly json: string;
  /** A hash of the content. */
  readonly version: string;
  /** The parts of a route table. */
  readonly table?: WireTable;
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
  /** The JSON of what changed, as in a set, but for tables that are told by patches. */
  readonly pieces: readonly Uint8Array[];
  /** The JSON of patches for route tables of which only some hosts changed. */
  readonly patches: readonly string[];
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
  const tableOf = createTableReader();
  const knownSets = new WeakMap<object, TypeSet>();
  /** By the proxy's own part, then by the common one. */
  const knownLayers = new WeakMap<TypeSet, WeakMap<TypeSet, TypeSet>>();
  const resourceOf = <T extends object>(resource: T, name: string, make: (resource: T, name: string) => WireResource = plainResource): WireResource => {
    let known = knownResources.get(resource);
    if (known === undefined) knownResources.set(resource, known = make(resource, name));
    return known;
  };
  const routeTable = (table: RouteConfiguration, name: string): WireResource => {
    const parts = tableOf(table);
    return parts === undefined ? plainResource(table, name) : { name, get json() { return tableJson(parts); }, version: tableVersion(parts), table: parts };
  };
  const set = <T extends object>(resources: readonly T[], name: (resource: T) => string | undefined, make?: (resource: T, name: string) => WireResource): TypeSet => {
    let known = knownSets.get(resources);
    if (known === undefined) knownSets.set(resources, known = typeSet(resources.map((resource) => resourceOf(resource, name(resource) ?? '', make))));
    return known;
  };
  const names = (table: ProxyConfig['names']): TypeSet => {
    let known = knownSets.get(table);
    if (known === undefined) knownSets.set(table, known = typeSet([resourceOf(table, 'names')]));
    return known;
  };
  const layers = (config: ProxyConfig, type: 'clusters' | 'listeners'): TypeSet => {
    const parts = config[configParts];
    if (parts === undefined) return set<Named>(config[type], nameOf);
    const [common, own] = [set<Named>(parts.common[type], nameOf), set<Named>(parts.own[type], nameOf)];
    const known = knownLayers.get(own)?.get(common) ?? layered(common, own);
    if (!knownLayers.has(own)) knownLayers.set(own, new WeakMap());
    knownLayers.get(own)?.set(common, known);
    return known;
  };
  return (config, secrets) => ({
    cluster: layers(config, 'clusters'),
    endpoint: set(config.endpoints, (assignment) => assignment.clusterName),
    listener: layers(config, 'listeners'),
    route: set(config.routes, nameOf, routeTable),
    secret: set<Named>(secrets, nameOf),
    names: names(config.names),
  });
}

type Named = { readonly name?: string };
const nameOf = ({ name }: Named): string | undefined => name;

function plainResource(resource: object, name: string): WireResource {
  return wireResource(name, JSON.stringify(resource));
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
  const patches = new Map(changed.flatMap((resource) => {
    const patch = tablePatch(resource.name, before.get(resource.name)?.table, resource.table);
    return patch === undefined ? [] : [[resource, patch] as const];
  }));
  return { changed, removed: [...before.keys()].filter((name) => !after.has(name)), pieces: piecesOf(changed.filter((resource) => !patches.has(resource))), patches: [...patches.values()] };
}

/** A resource that only went from one layer to the other is not removed. */
function both(common: Changes, own: Changes, layers: readonly TypeSet[]): Changes {
  const removed = [...common.removed, ...own.removed].filter((name) => !layers.some(({ resources }) => resources.has(name)));
  return { changed: [...common.changed, ...own.changed], removed, pieces: joined(common.pieces, own.pieces), patches: [...common.patches, ...own.patches] };
}

function piecesOf(resources: readonly WireResource[]): readonly Uint8Array[] {
  return resources.length === 0 ? [] : [Buffer.from(resources.map(({ json }) => json).join(','))];
}

function joined(a: readonly Uint8Array[], b: readonly Uint8Array[]): readonly Uint8Array[] {
  return a.length === 0 || b.length === 0 ? [...a, ...b] : [...a, comma, ...b];
}

const comma = Buffer.from(',');

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

import type { MeshConfig } from './mesh-config.ts';
import type { ProxyNode } from './types.ts';

/** What was made for one proxy, given to every other proxy that would get the same. */
export interface Outlooks<Result> {
  /**
   * `make` must read proxies through what it is handed, and be pure but for `before`: what the former snapshot had for such a proxy,
   * whose parts it may use again where they say the same. `mesh` is what the proxy's own settings make of the mesh's.
   */
  of(node: ProxyNode, mesh: MeshConfig, make: (node: ProxyNode, before: Result | undefined) => Result): Result;
  /** For the next snapshot, which gets the results of this one as `before`. */
  next(): Outlooks<Result>;
}

/** A fact of a proxy that was read: a field, one label, or all labels. */
type Fact = `field ${string}` | `label ${string}` | `annotation ${string}` | 'labels' | 'annotations';

const factOf: { readonly [Name in 'labels' | 'annotations']: (key: string) => Fact } = { labels: (key) => `label ${key}`, annotations: (key) => `annotation ${key}` };

/**
 * Shares results between proxies. While a result is made, every fact that is read of the proxy is noted; the result then holds for all proxies of whom these facts are the same.
 * So a field that some feature reads tomorrow narrows the sharing by itself, and nothing has to be declared. Two thousand proxies of twenty namespaces are twenty results, until a rule looks at a label.
 */
export function createOutlooks<Result>(former: Known<Result> = new Map()): Outlooks<Result> {
  const known: Known<Result> = new Map();
  return {
    of: (node, mesh, make) => {
      const found = find(known, node, mesh);
      if (found !== undefined) return found;
      const facts = new Set<Fact>();
      const result = make(observed(node, facts), find(former, node, mesh));
      const read = [...facts];
      const groups = known.get(mesh) ?? new Map<string, Group<Result>>();
      const group = groups.get(read.join('\n')) ?? { facts: read, results: new Map<string, Result>() };
      group.results.set(valuesOf(node, read), result);
      known.set(mesh, groups.set(read.join('\n'), group));
      return result;
    },
    next: () => createOutlooks(known),
  };
}

/** Results by the mesh's settings, by the facts that were read, in order, and by what they were. */
type Known<Result> = Map<MeshConfig, Map<string, Group<Result>>>;

interface Group<Result> {
  readonly facts: readonly Fact[];
  readonly results: Map<string, Result>;
}

function find<Result>(known: Known<Result>, node: ProxyNode, mesh: MeshConfig): Result | undefined {
  for (const { facts, results } of known.get(mesh)?.values() ?? []) {
    const found = results.get(valuesOf(node, facts));
    if (found !== undefined) return found;
  }
  return undefined;
}

function valuesOf(node: ProxyNode, facts: readonly Fact[]): string {
  return JSON.stringify(facts.map((fact) => {
    if (fact === 'labels' || fact === 'annotations') return Object.entries(node[fact]);
    const space = fact.indexOf(' ');
    const key = fact.slice(space + 1);
    const kind = fact.slice(0, space);
    if (kind === 'field') return (node as unknown as Readonly<Record<string, unknown>>)[key] ?? null;
    return (kind === 'label' ? node.labels : node.annotations)[key] ?? null;
  }));
}

function observed(node: ProxyNode, facts: Set<Fact>): ProxyNode {
  const maps = { labels: observedMap(node.labels, 'labels', facts), annotations: observedMap(node.annotations, 'annotations', facts) };
  return new Proxy(node, {
    get: (target, key) => {
      if (key === 'labels' || key === 'annotations') return maps[key];
      if (typeof key === 'string') facts.add(`field ${key}`);
      return Reflect.get(target, key) as unknown;
    },
    // Who looks at the whole has read it all.
    ownKeys: (target) => {
      for (const key of Reflect.ownKeys(target)) if (typeof key === 'string') facts.add(key === 'labels' || key === 'annotations' ? key : `field ${key}`);
      return Reflect.ownKeys(target);
    },
  });
}

function observedMap(map: Readonly<Record<string, string>>, name: 'labels' | 'annotations', facts: Set<Fact>): Readonly<Record<string, string>> {
  return new Proxy(map, {
    get: (target, key) => {
      if (typeof key === 'string') facts.add(factOf[name](key));
      return Reflect.get(target, key) as unknown;
    },
    has: (target, key) => {
      if (typeof key === 'string') facts.add(factOf[name](key));
      return Reflect.has(target, key);
    },
    ownKeys: (target) => {
      facts.add(name);
      return Reflect.ownKeys(target);
    },
  });
}

import type { ProxyNode } from './types.ts';

/** What was made for one proxy, given to every other proxy that would get the same. */
export interface Outlooks<Result> {
  /** `make` must read proxies through what it is handed, and be pure. */
  of(node: ProxyNode, make: (node: ProxyNode) => Result): Result;
}

/** A fact of a proxy that was read: a field, one label, or all labels. */
type Fact = `field ${string}` | `label ${string}` | `annotation ${string}` | 'labels' | 'annotations';

const factOf: { readonly [Name in 'labels' | 'annotations']: (key: string) => Fact } = { labels: (key) => `label ${key}`, annotations: (key) => `annotation ${key}` };

/**
 * Shares results between proxies. While a result is made, every fact that is read of the proxy is noted; the result then holds for all proxies of whom these facts are the same.
 * So a field that some feature reads tomorrow narrows the sharing by itself, and nothing has to be declared. Two thousand proxies of twenty namespaces are twenty results, until a rule looks at a label.
 */
export function createOutlooks<Result>(): Outlooks<Result> {
  /** By the facts that were read, in order; then by what they were. */
  const known = new Map<string, { readonly facts: readonly Fact[]; readonly results: Map<string, Result> }>();
  return {
    of: (node, make) => {
      for (const { facts, results } of known.values()) {
        const found = results.get(valuesOf(node, facts));
        if (found !== undefined) return found;
      }
      const facts = new Set<Fact>();
      const result = make(observed(node, facts));
      const read = [...facts];
      const shape = read.join('\n');
      const group = known.get(shape) ?? { facts: read, results: new Map<string, Result>() };
      known.set(shape, group);
      group.results.set(valuesOf(node, read), result);
      return result;
    },
  };
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

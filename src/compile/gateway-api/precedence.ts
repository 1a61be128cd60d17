import type { Resource } from '../../manifest/index.ts';
import { byAge } from '../model.ts';
import type { SourceMatch } from './rules.ts';

/** What decides which of several matching rules takes a request: compared from left to right, the larger one wins. */
export type Precedence = readonly number[];

const paths = { exact: 3, prefix: 2, regex: 1 } as const;

/**
 * The precedence of a match: exact path, then the longest prefix, then a method, then more headers, then more query parameters.
 * Expressions, which the specification leaves open, come after prefixes as in Istio, but before the prefix of every path.
 * Source: gateway-api.sigs.k8s.io, HTTPRouteRule.matches.
 */
export function precedence({ path, headers, queryParams, method }: SourceMatch): Precedence {
  const any = path.kind === 'prefix' && path.value === '/';
  return [any ? 0 : paths[path.kind], any ? 0 : path.value.length, method === '' ? 0 : 1, headers.length, queryParams.length];
}

/** Orders by precedence; negative when `a` comes first. Equals stay in their order: the oldest route's first, and in a route as written. */
export function byPrecedence(a: { readonly precedence: Precedence }, b: { readonly precedence: Precedence }): number {
  for (const [at, value] of a.precedence.entries()) {
    const other = b.precedence[at] ?? 0;
    if (value !== other) return other - value;
  }
  return 0;
}

/** Oldest first; of those made in the same second, by `namespace/name`. Where no time is written, in the order of applying. Source: gateway-api.sigs.k8s.io, "Conflicts". */
export function oldestFirst<Kind extends Resource>(resources: readonly Kind[]): readonly Kind[] {
  return byAge(resources, ({ metadata: a }, { metadata: b }) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

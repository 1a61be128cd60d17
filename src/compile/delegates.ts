import type { VirtualService } from '../manifest/index.ts';

type Rule = VirtualService['http'][number];
type Match = Rule['match'][number];
type Text = Match['uri'];
type Texts = Match['headers'];

/** A delegate's rule with the root's conditions and, where it says nothing itself, the root's settings; `undefined` where it takes no effect. */
export function mergeRules(root: Rule, delegate: Rule): Rule | undefined {
  const match = mergeMatches(root.match, delegate.match);
  if (match === undefined) return undefined;
  const { delegate: _handedOver, ...outer } = root;
  return {
    ...outer, ...delegate, match,
    name: [root.name, delegate.name].filter((name) => name !== '').join('-'),
    ...(delegate.mirrors.length > 0 ? {} : { mirrors: root.mirrors }),
    route: delegate.route.length > 0 ? delegate.route : root.route,
  };
}

/**
 * All pairs in which the delegate's match is a part of the root's; `undefined` when one of the delegate's is a part of none.
 * Source: istio.io, VirtualService, HTTPRoute.delegate: each match of a delegate's rule has to be a subset of the root's, else the rule takes no effect.
 */
function mergeMatches(root: readonly Match[], delegate: readonly Match[]): Match[] | undefined {
  if (root.length === 0) return [...delegate];
  if (delegate.length === 0) return [...root];
  const found = delegate.map((inner) => root.flatMap((outer) => (isPart(outer, inner) ? [mergeMatch(outer, inner)] : [])));
  return found.some((pairs) => pairs.length === 0) ? undefined : found.flat();
}

/** Whether what the delegate's match says goes with the root's and only narrows it. */
function isPart(root: Match, delegate: Match): boolean {
  const same = <Value>(outer: Value, inner: Value, unset: Value): boolean => outer === unset || inner === unset || outer === inner;
  return (['method', 'scheme', 'authority'] as const).every((field) => narrows(root[field], delegate[field]))
    && pathNarrows(root, delegate)
    && (['headers', 'queryParams'] as const).every((field) => allNarrow(root[field], delegate[field]))
    // What is kept out has to be at least what the root keeps out.
    && allNarrow(delegate.withoutHeaders, root.withoutHeaders)
    && same(root.port, delegate.port, 0) && same(root.sourceNamespace, delegate.sourceNamespace, '')
    && Object.entries(delegate.sourceLabels).every(([name, value]) => (root.sourceLabels[name] ?? value) === value)
    && (root.gateways.length === 0 || delegate.gateways.every((gateway) => root.gateways.includes(gateway)));
}

/** A path that ignores case is no part of one that does not. */
function pathNarrows(root: Match, delegate: Match): boolean {
  if (!says(root.uri) || !says(delegate.uri)) return true;
  if (delegate.ignoreUriCase && !root.ignoreUriCase) return false;
  const compared = (uri: NonNullable<Text>): NonNullable<Text> => (root.ignoreUriCase && 'value' in uri ? { ...uri, value: uri.value.toLowerCase() } : uri);
  return narrows(compared(root.uri), compared(delegate.uri));
}

function allNarrow(root: Texts, delegate: Texts): boolean {
  return Object.entries(delegate).every(([name, value]) => narrows(root[name], value));
}

/** Whether nothing that the inner text matches is left out by the outer one. Of expressions nobody can say it, so they stand only where the other is silent. */
function narrows(outer: Text, inner: Text): boolean {
  if (!says(outer) || !says(inner)) return true;
  if (outer.kind === 'regex' || inner.kind === 'regex') return false;
  return outer.kind === 'prefix' ? inner.value.startsWith(outer.value) : inner.kind === 'exact' && inner.value === outer.value;
}

function says(text: Text): text is Exclude<NonNullable<Text>, { readonly kind: 'any' }> {
  return text !== undefined && text.kind !== 'any';
}

function mergeMatch(root: Match, delegate: Match): Match {
  const texts = (['uri', 'method', 'scheme', 'authority'] as const).flatMap((field) => {
    const text = says(delegate[field]) ? delegate[field] : (root[field] ?? delegate[field]);
    return text === undefined ? [] : [[field, text] as const];
  });
  return {
    ...root, ...delegate, ...Object.fromEntries(texts),
    name: [root.name, delegate.name].filter((name) => name !== '').join('-'),
    headers: { ...delegate.headers, ...root.headers, ...said(delegate.headers) },
    withoutHeaders: { ...delegate.withoutHeaders, ...root.withoutHeaders, ...said(delegate.withoutHeaders, root.withoutHeaders) },
    queryParams: { ...delegate.queryParams, ...root.queryParams, ...said(delegate.queryParams) },
    sourceLabels: { ...root.sourceLabels, ...delegate.sourceLabels },
    gateways: delegate.gateways.length > 0 ? delegate.gateways : root.gateways,
    port: delegate.port === 0 ? root.port : delegate.port,
    ignoreUriCase: says(delegate.uri) ? delegate.ignoreUriCase : root.ignoreUriCase || delegate.ignoreUriCase,
    sourceNamespace: delegate.sourceNamespace === '' ? root.sourceNamespace : delegate.sourceNamespace,
  };
}

/** The texts that say something, but those that `unless` already has for any value. */
function said(texts: Texts, unless: Texts = {}): Texts {
  return Object.fromEntries(Object.entries(texts).filter(([name, value]) => says(value) && unless[name]?.kind !== 'any'));
}

import type { GRPCRoute, KubernetesHTTPRoute } from '../../manifest/index.ts';
import type { SourceMatch, SourceRule } from './rules.ts';

const pathKinds = { Exact: 'exact', PathPrefix: 'prefix', RegularExpression: 'regex' } as const;

/** The rules of an HTTPRoute. */
export function httpRules({ rules }: KubernetesHTTPRoute): readonly SourceRule[] {
  return rules.map((rule) => ({ ...rule, matches: orAny(rule.matches, { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [], method: '' }).map(({ path, ...rest }): SourceMatch => ({ ...rest, path: { kind: pathKinds[path.type], value: path.value } })) }));
}

/** The rules of a GRPCRoute: a method is a path. Source: gateway-api.sigs.k8s.io, GRPCMethodMatch. */
export function grpcRules({ rules }: GRPCRoute): readonly SourceRule[] {
  return rules.map((rule) => ({ ...rule, matches: orAny(rule.matches, { headers: [] }).map(({ method, headers }): SourceMatch => ({ headers, queryParams: [], method: '', path: grpcPath(method) })) }));
}

/** An empty list of matches is every request, as no list is. */
function orAny<Match>(matches: readonly Match[], any: Match): readonly Match[] {
  return matches.length === 0 ? [any] : matches;
}

function grpcPath(match: GRPCRoute['rules'][number]['matches'][number]['method']): SourceMatch['path'] {
  const { type = 'Exact', service = '', method = '' } = match ?? {};
  if (service === '' && method === '') return { kind: 'prefix', value: '/' };
  if (type === 'Exact' && service !== '') return method === '' ? { kind: 'prefix', value: `/${service}/` } : { kind: 'exact', value: `/${service}/${method}` };
  const literal = (text: string): string => (type === 'Exact' ? text.replaceAll('.', '\\.') : text);
  return { kind: 'regex', value: `/${service === '' ? '[^/]+' : literal(service)}/${method === '' ? '[^/]+' : literal(method)}` };
}

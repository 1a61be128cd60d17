import type { StringMatch } from '../../util/manifest-fields.ts';
import type { HeaderMatcher, MetadataMatcher, RouteMatchConfig, StringMatcher, ValueMatcher } from '../../xds/index.ts';
import type { HTTPMatchRequest } from './manifest.ts';

/** What is known of a rule's surroundings when config is made: the static half of a match. */
export interface MatchContext {
  /** `mesh`, or the gateway (`namespace/name`) that the routes are made for. */
  readonly gateway: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly namespace: string;
}

/** Whether the static conditions of a match hold: port and gateways, or, where no gateways are named, source labels and namespace. */
export function matchApplies(match: HTTPMatchRequest, context: MatchContext): boolean {
  if (match.port !== 0 && match.port !== context.port) return false;
  if (match.gateways.length > 0) return match.gateways.includes(context.gateway);
  if (match.sourceNamespace !== '' && match.sourceNamespace !== context.namespace) return false;
  return Object.entries(match.sourceLabels).every(([name, value]) => context.labels[name] === value);
}

/** The conditions on requests as Envoy's RouteMatch; no match at all means every path. `segments`: a prefix ends at a slash, as the Gateway API has it. */
export function routeMatch(match: HTTPMatchRequest | undefined, segments = false): RouteMatchConfig {
  if (match === undefined) return { prefix: '/' };
  const headers = headerMatchers(match);
  const dynamicMetadata = claimMatchers(match);
  const queryParameters = Object.entries(match.queryParams).map(([name, value]) =>
    value.kind === 'any' || anyRegex(value) ? { name, presentMatch: true } : { name, stringMatch: stringMatcher(value) });
  return {
    ...pathMatch(match.uri, segments),
    ...(match.ignoreUriCase && match.uri?.kind !== 'regex' ? { caseSensitive: false } : { caseSensitive: true }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(queryParameters.length === 0 ? {} : { queryParameters }),
    ...(dynamicMetadata.length === 0 ? {} : { dynamicMetadata }),
  };
}

function pathMatch(uri: StringMatch | undefined, segments: boolean): RouteMatchConfig {
  switch (uri?.kind) {
    case 'exact': return { path: uri.value };
    case 'prefix': return segments && uri.value !== '/' ? { pathSeparatedPrefix: uri.value } : { prefix: uri.value };
    case 'regex': return { safeRegex: { regex: uri.value } };
    default: return { prefix: '/' };
  }
}

function headerMatchers(match: HTTPMatchRequest): HeaderMatcher[] {
  const named = Object.entries(match.headers).filter(isHeader).sort(byName).map(([name, value]) => headerMatcher(name, value));
  const without = Object.entries(match.withoutHeaders).filter(isHeader).sort(byName).map(([name, value]): HeaderMatcher => {
    const matcher = headerMatcher(name, value);
    return { ...matcher, invertMatch: true, ...(matcher.presentMatch === true ? {} : { treatMissingHeaderAsEmpty: true }) };
  });
  const pseudo = ([[':method', match.method], [':authority', match.authority], [':scheme', match.scheme]] as const)
    .flatMap(([name, value]) => (value === undefined ? [] : [headerMatcher(name, value)]));
  return [...named, ...without, ...pseudo];
}

const claims = '@request.auth.claims';

function isHeader([name]: readonly [string, unknown]): boolean {
  return !name.toLowerCase().startsWith(claims);
}

/** Headers that stand for claims of a verified token, which the JWT filter leaves before routes are chosen. Source: istio.io, JWT claim based routing. */
function claimMatchers(match: HTTPMatchRequest): MetadataMatcher[] {
  const of = (headers: HTTPMatchRequest['headers'], invert: boolean): MetadataMatcher[] => Object.entries(headers).filter((entry) => !isHeader(entry)).sort(byName)
    .map(([name, value]) => ({ filter: 'istio_authn', path: [{ key: 'request.auth.claims' }, ...claimPath(name.slice(claims.length))], value: claimValue(value), ...(invert ? { invert } : {}) }));
  return [...of(match.headers, false), ...of(match.withoutHeaders, true)];
}

/** `.a.b` or `[a][b]`. */
function claimPath(text: string): readonly { readonly key: string }[] {
  const keys = text.startsWith('[') ? [...text.matchAll(/\[([^\]]*)\]/g)].map(([, key = '']) => key) : text.split('.').slice(1);
  return keys.map((key) => ({ key }));
}

/** A claim is a string or a list of strings. */
function claimValue(value: StringMatch): ValueMatcher {
  if (value.kind === 'any' || anyRegex(value)) return { presentMatch: true };
  const stringMatch = stringMatcher(value);
  return { orMatch: { valueMatchers: [{ stringMatch }, { listMatch: { oneOf: { stringMatch } } }] } };
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}

function headerMatcher(name: string, value: StringMatch): HeaderMatcher {
  return value.kind === 'any' || anyRegex(value) ? { name, presentMatch: true } : { name, stringMatch: stringMatcher(value) };
}

/** `regex: "*"` is not a valid expression; Istio reads it as "any value". */
function anyRegex(value: StringMatch): boolean {
  return value.kind === 'regex' && value.value === '*';
}

function stringMatcher(value: Exclude<StringMatch, { kind: 'any' }>): StringMatcher {
  return value.kind === 'regex' ? { safeRegex: { regex: value.value } } : { [value.kind]: value.value };
}

/** Whether a route takes every request, so that nothing after it can match. */
export function isCatchAll({ prefix, safeRegex, headers, queryParameters, dynamicMetadata }: RouteMatchConfig): boolean {
  const anyPath = prefix === '/' || safeRegex?.regex === '.*' || safeRegex?.regex === '*';
  return anyPath && (headers?.length ?? 0) === 0 && (queryParameters?.length ?? 0) === 0 && (dynamicMetadata?.length ?? 0) === 0;
}

import type { HTTPRoute, HTTPRouteRule, ParentReference, Resource } from '../../manifest/index.ts';
import type { Origin } from '../../xds/index.ts';
import { originAt, type MeshHttpRule } from '../model.ts';
import { nowhere, resolveBackend, type Backend } from './backends.ts';
import { destination, translateFilters, type FilterFields } from './filters.ts';
import { trimPrefix } from './paths.ts';
import { precedence, type Precedence } from './precedence.ts';
import type { Problem, References } from './references.ts';

/** Where rules are made for: a listener's port, or (in the mesh) the port of a service, 0 for all of them. */
export interface RulePlace {
  readonly kind: 'gateway' | 'mesh';
  readonly port: number;
}

/** One match of one rule, with what decides which of several comes first. */
export interface RankedRule {
  readonly rule: MeshHttpRule;
  readonly precedence: Precedence;
}

/** The rules of a route, and what of them could not be resolved. */
export interface TranslatedRules {
  readonly rules: readonly RankedRule[];
  /** Backends that were not found. */
  readonly unresolved: readonly Problem[];
  /** What cannot be run at all. */
  readonly unsupported: readonly Problem[];
}

type VirtualRule = HTTPRoute;
type VirtualMatch = VirtualRule['match'][number];

/** A rule in the form of an HTTPRoute; GRPCRoutes are brought into it. */
export interface SourceRule extends Pick<HTTPRouteRule, 'name' | 'filters' | 'backendRefs'>, Partial<Pick<HTTPRouteRule, 'timeouts' | 'retry'>> {
  readonly matches: readonly SourceMatch[];
}
/** A match with the path as Envoy's expressions take it. */
export interface SourceMatch {
  readonly path: { readonly kind: 'exact' | 'prefix' | 'regex'; readonly value: string };
  readonly headers: HTTPRouteRule['matches'][number]['headers'];
  readonly queryParams: HTTPRouteRule['matches'][number]['queryParams'];
  readonly method: string;
}

/** The statuses of failures: gRPC reads UNAVAILABLE out of 503. */
const failureStatus = { HTTPRoute: 500, GRPCRoute: 503 } as const;

/** Translates the rules of a route into those of a VirtualService, one for each match. */
export function translateRules(route: Resource, rules: readonly SourceRule[], place: RulePlace, found: References): TranslatedRules {
  const unresolved: Problem[] = [];
  const unsupported: Problem[] = [];
  const ranked = rules.flatMap((rule, at) => {
    const translated = translateRule(route, rule, at, place, found);
    unresolved.push(...translated.unresolved);
    unsupported.push(...translated.unsupported);
    const origin = originAt(route, ['spec', 'rules', at]);
    return rule.matches.map((match): RankedRule => ({
      precedence: precedence(match),
      rule: meshRule(translated, { ...translated.rule, match: [virtualMatch(match, place)] }, route.kind === 'GRPCRoute' ? 503 : 500, origin),
    }));
  });
  return { rules: ranked, unresolved, unsupported };
}

function meshRule({ redirectPath }: Translated, rule: VirtualRule, missingStatus: 500 | 503, origin: Origin): MeshHttpRule {
  return { rule, origin, gatewayApi: { missingStatus, ...(redirectPath === undefined ? {} : { redirectPath }) } };
}

interface Translated {
  readonly rule: Omit<VirtualRule, 'match'>;
  readonly redirectPath?: FilterFields['redirectPath'];
  readonly unresolved: readonly Problem[];
  readonly unsupported: readonly Problem[];
}

function translateRule(route: Resource, rule: SourceRule, at: number, place: RulePlace, found: References): Translated {
  const grants = place.kind === 'gateway';
  const [only] = rule.matches;
  const context = {
    route, port: grants ? place.port : undefined,
    prefix: rule.matches.length === 1 && only?.path.kind === 'prefix' ? only.path.value : '/',
    backend: (reference: Parameters<typeof resolveBackend>[1]): Backend => resolveBackend(route, reference, found, grants),
  };
  const own = translateFilters(rule.filters, context);
  const backends = rule.backendRefs.map((reference) => ({ reference, backend: context.backend(reference), filters: translateFilters(reference.filters, context) }));
  const unresolved = [...own.missing, ...backends.flatMap(({ backend, filters }) => [...(backend.kind === 'missing' ? [backend.problem] : []), ...filters.missing])];
  const used = backends.filter(({ reference }) => reference.weight > 0);
  const whole = used.filter(({ filters }) => filters.wholeRule);
  const unsupported = [own.failed, ...backends.map(({ filters }) => filters.failed), used.length > 1 && whole.length > 0 ? mixed : undefined].filter((problem) => problem !== undefined);
  const name = `${route.metadata.namespace}.${route.metadata.name}.${rule.name === '' ? at : rule.name}`;
  const base = { name, mirrors: [], route: [] };
  const status = failureStatus[route.kind as keyof typeof failureStatus] ?? 500;
  const fails: Translated = { rule: { ...base, directResponse: { status } }, unresolved, unsupported };
  if (unsupported.length > 0) return fails;
  if (own.fields.redirect !== undefined) return { rule: { ...base, ...own.fields }, unresolved, unsupported, ...(own.redirectPath === undefined ? {} : { redirectPath: own.redirectPath }) };
  const single = used.length === 1 ? used[0] : undefined;
  if (used.every(({ backend }) => backend.kind === 'missing')) return fails;
  const fields = single === undefined ? own.fields : merged(own.fields, single.filters.fields);
  return {
    rule: { ...base, ...fields, ...timing(rule), ...(fields.redirect === undefined ? { route: destinations(used, single !== undefined) } : {}) },
    unresolved, unsupported, ...(single?.filters.redirectPath === undefined ? {} : { redirectPath: single.filters.redirectPath }),
  };
}

const mixed: Problem = { reason: 'UnsupportedValue', message: 'Filters of a backend that change the path, redirect, mirror or allow origins work only where the rule has one backend.' };

/** The filters of a rule's only backend belong to the rule; header changes stay with the backend. */
function merged(rule: Partial<VirtualRule>, { headers: _own, ...backend }: Partial<VirtualRule>): Partial<VirtualRule> {
  const rewrite = rule.rewrite === undefined || backend.rewrite === undefined ? (backend.rewrite ?? rule.rewrite) : { ...rule.rewrite, ...backend.rewrite, authority: backend.rewrite.authority || rule.rewrite.authority };
  return { ...rule, ...backend, ...(rewrite === undefined ? {} : { rewrite }), mirrors: [...(rule.mirrors ?? []), ...(backend.mirrors ?? [])] };
}

interface UsedBackend {
  readonly reference: { readonly weight: number };
  readonly backend: Backend;
  readonly filters: FilterFields;
}

function destinations(used: readonly UsedBackend[], single: boolean): VirtualRule['route'] {
  return used.map(({ reference, backend, filters: { fields } }) => {
    const authority = single ? '' : (fields.rewrite?.authority ?? '');
    const headers = authority === '' ? fields.headers : { ...fields.headers, request: { add: {}, remove: [], ...fields.headers?.request, set: { ...fields.headers?.request?.set, host: authority } } };
    return { destination: { ...destination(backend.kind === 'found' ? backend : nowhere) }, weight: reference.weight, ...(headers === undefined ? {} : { headers }) };
  });
}

/** Without a retry stanza an attempt is the request, so the shorter of both timeouts counts. */
function timing({ timeouts, retry }: SourceRule): Partial<VirtualRule> {
  const set = (milliseconds: number | undefined): number | undefined => (milliseconds === undefined || milliseconds <= 0 ? undefined : milliseconds);
  const request = set(timeouts?.request);
  const attempt = set(timeouts?.backendRequest);
  const timeout = retry !== undefined ? request : attempt === undefined ? request : Math.min(attempt, request ?? attempt);
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(retry === undefined ? {} : { retries: {
      attempts: retry.attempts ?? 1, retryOn: ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'reset', ...retry.codes.map(String)].join(','),
      ...(attempt === undefined ? {} : { perTryTimeout: attempt }), ...(retry.backoff === undefined ? {} : { backoff: retry.backoff }),
    } }),
  };
}

function virtualMatch({ path, headers, queryParams, method }: SourceMatch, place: RulePlace): VirtualMatch {
  return {
    name: '', uri: path.kind === 'prefix' ? { kind: 'prefix', value: trimPrefix(path.value) } : path, headers: comparisons(headers, true), queryParams: comparisons(queryParams, false),
    withoutHeaders: {}, sourceLabels: {}, gateways: [], port: place.kind === 'mesh' ? place.port : 0, ignoreUriCase: false, sourceNamespace: '', statPrefix: '',
    ...(method === '' ? {} : { method: { kind: 'exact', value: method } }),
  };
}

/** Of several conditions on one name the first counts. */
function comparisons(written: SourceMatch['headers'], ignoreCase: boolean): VirtualMatch['headers'] {
  const found = new Map<string, VirtualMatch['headers'][string]>();
  for (const { name, type, value } of written) {
    const key = ignoreCase ? name.toLowerCase() : name;
    if (!found.has(key)) found.set(key, { kind: type === 'Exact' ? 'exact' : 'regex', value });
  }
  return Object.fromEntries(found);
}

/** Whether a parent reference names a service: then the route is for callers in the mesh. */
export function isServiceParent({ group, kind }: ParentReference): boolean {
  return (group === '' && kind === 'Service') || (group === 'networking.istio.io' && kind === 'ServiceEntry');
}

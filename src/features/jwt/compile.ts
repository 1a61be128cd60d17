import { any, typeUrl, type HttpFilterConfig, type JwtAuthentication, type JwtProvider, type JwtRequirement, type Origin, type RuleOrigins } from '../../xds/index.ts';
import type { JWTRule, RequestAuthentication } from './manifest.ts';

/** A RequestAuthentication that applies to a workload. */
export interface AppliedAuthentication {
  readonly spec: RequestAuthentication;
  /** Where each rule is written. */
  origin(rule: number): Origin;
}

/** Where the keys of an issuer are fetched: a key set by its address, or the issuer's own description of itself. Source: OpenID Connect Discovery. */
export interface KeySource {
  readonly kind: 'jwks' | 'discovery';
  readonly url: string;
}

/** Where a rule's keys come from; `undefined` when they are written in the rule, or cannot be found. */
export function keySource(rule: JWTRule): KeySource | undefined {
  const url = rule.jwksUri || rule.jwks_uri;
  if (url !== '') return { kind: 'jwks', url };
  if (rule.jwks !== '' || !/^https?:\/\//i.test(rule.issuer)) return undefined;
  return { kind: 'discovery', url: `${rule.issuer.replace(/\/$/, '')}/.well-known/openid-configuration` };
}

/** No key: every token is refused. */
const noKeys = '{"keys":[]}';

/** Name of the filter, as Envoy's. */
export const jwtFilterName = 'envoy.filters.http.jwt_authn';

/**
 * The HTTP filter that verifies tokens, and where its rules are written. All policies that apply count together. A request without a token passes
 * unless a rule says otherwise; one with a bad token never does. `keys` are the fetched key sets, by URL.
 * Source: istio.io, RequestAuthentication.
 */
export function tokenFilter(policies: readonly AppliedAuthentication[], keys: ReadonlyMap<string, string>): { readonly filters: readonly HttpFilterConfig[]; readonly origins: RuleOrigins } {
  const rules = policies.flatMap(({ spec, origin }) => spec.jwtRules.map((rule, at) => ({ rule, origin: origin(at) })));
  if (rules.length === 0) return { filters: [], origins: {} };
  const named = rules.map((entry, at) => ({ ...entry, name: `origins-${at}` }));
  const config: JwtAuthentication = {
    providers: Object.fromEntries(named.map(({ name, rule }) => [name, jwtProvider(rule, keys)])),
    rules: [{ match: { prefix: '/' }, requires: requirement(named) }],
    bypassCorsPreflight: true,
  };
  return { filters: [{ name: jwtFilterName, typedConfig: any(typeUrl.jwt, config) }], origins: Object.fromEntries(named.map(({ name, origin }) => [name, origin])) };
}

interface Named {
  readonly name: string;
  readonly rule: JWTRule;
}

/** Any issuer's good token; or else, of each issuer, no token at all. */
function requirement(rules: readonly Named[]): JwtRequirement {
  const each = rules.map((one): JwtRequirement => (one.rule.presence === 'REQUIRED' ? { providerName: one.name } : { requiresAny: { requirements: [{ providerName: one.name }, { allowMissing: {} }] } }));
  const [only] = each;
  if (only !== undefined && each.length === 1) return only;
  const required = each.filter(({ providerName }) => providerName !== undefined);
  if (required.length > 0) return { requiresAll: { requirements: required } };
  return { requiresAny: { requirements: [...rules.map(({ name }) => ({ providerName: name })), { requiresAll: { requirements: each } }] } };
}

/** What a rule says of its issuer, for the filter. */
export function jwtProvider(rule: JWTRule, keys: ReadonlyMap<string, string>): JwtProvider {
  const source = keySource(rule);
  return {
    issuer: rule.issuer,
    ...(rule.audiences.length === 0 ? {} : { audiences: rule.audiences }),
    localJwks: { inlineString: source === undefined ? rule.jwks || noKeys : (keys.get(source.url) ?? noKeys) },
    ...(rule.forwardOriginalToken ? { forward: true } : {}),
    ...(rule.fromHeaders.length === 0 ? {} : { fromHeaders: rule.fromHeaders.map(({ name, prefix }) => ({ name, ...(prefix === '' ? {} : { valuePrefix: prefix }) })) }),
    ...(rule.fromParams.length === 0 ? {} : { fromParams: rule.fromParams }),
    ...(rule.fromCookies.length === 0 ? {} : { fromCookies: rule.fromCookies }),
    ...(rule.outputPayloadToHeader === '' ? {} : { forwardPayloadHeader: rule.outputPayloadToHeader }),
    ...(rule.outputClaimToHeaders.length === 0 ? {} : { claimToHeaders: rule.outputClaimToHeaders.map(({ header, claim }) => ({ headerName: header, claimName: claim })) }),
    payloadInMetadata: 'payload',
    normalizePayloadInMetadata: { spaceDelimitedClaims: [...new Set(['scope', 'permission', ...rule.spaceDelimitedClaims])] },
  };
}

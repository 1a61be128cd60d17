import type { HttpRequest, ManagerFilterFactory } from '../../sidecar/hooks.ts';
import type { JwtAuthentication, JwtProvider, JwtRequirement } from '../../xds/index.ts';
import { findTokens, type FoundToken } from './filter-locations.ts';
import { leaveClaims } from './filter-output.ts';
import { prepareVerifier, statusOf, unknownIssuer, type TokenRefusal, type TokenVerifier } from './filter-verify.ts';

const name = 'envoy.filters.http.jwt_authn';
const missing: TokenRefusal = { message: 'Jwt is missing', why: 'the request has no token' };

/** A provider made ready. */
interface Issuer {
  readonly name: string;
  readonly provider: JwtProvider;
  readonly verify: TokenVerifier;
}

/** A provider's verdict on a request. */
interface Judged {
  readonly refusal: TokenRefusal | undefined;
  /** What to do with the request when it goes on. */
  readonly apply?: () => void;
}

/**
 * Verifies the tokens of requests, and leaves what they say to the filters and routes that come after. A request without a token passes, unless the
 * config requires one; a bad token is answered 401. Source: Envoy, JWT Authentication; istio.io, RequestAuthentication.
 */
export const jwtFilter: ManagerFilterFactory<JwtAuthentication> = (config, { clock, reply, rules }) => {
  const issuers = new Map(Object.entries(config.providers ?? {}).map(([key, provider]) => [key, issuerOf(key, provider)]));
  const requirements = (config.rules ?? []).map(({ match, requires }) => ({ prefix: match?.prefix ?? '/', requires: checked(requires, issuers) }));
  return (next) => async (request) => {
    const { stream, headers } = request;
    for (const { provider } of issuers.values()) for (const header of written(provider)) headers.delete(header);
    const preflight = config.bypassCorsPreflight === true && request.method === 'OPTIONS' && headers.has('origin') && headers.has('access-control-request-method');
    const requires = preflight ? undefined : requirements.find(({ prefix }) => request.path.startsWith(prefix))?.requires;
    if (requires === undefined) return next(request);
    const judge = judgeOnce(request, issuers, clock.now());
    const refusal = await judged(requires, judge.of);
    const accepted = judge.accepted();
    if (refusal !== undefined) {
      const said = judge.said() ?? refusal;
      stream.step({ stage: 'filter', what: `${name}: refused`, why: said.why, ...at(rules[judge.blamed()]) });
      stream.details = `jwt_authn_access_denied{${said.message.replaceAll(' ', '_')}}`;
      const realm = `${request.scheme}://${request.authority}${request.path}`.slice(0, 256).replace(/["\\]/g, '');
      return reply(statusOf(refusal), refusal.message, [['www-authenticate', `Bearer realm="${realm}"${refusal === missing ? '' : ', error="invalid_token"'}`]]);
    }
    if (accepted.length === 0) stream.step({ stage: 'filter', what: `${name}: no token`, why: 'a request without a token passes, without an identity' });
    for (const { issuer, apply } of accepted) {
      apply();
      stream.step({ stage: 'filter', what: `${name}: verified`, why: `the token of ${issuer.provider.issuer ?? ''} is good`, ...at(rules[issuer.name]) });
    }
    return next(request);
  };
};

function at<From>(origin: From | undefined): { readonly origin?: From } {
  return origin === undefined ? {} : { origin };
}

function issuerOf(key: string, provider: JwtProvider): Issuer {
  if (provider.localJwks?.inlineString === undefined) throw new Error(`the keys of the JWT provider ${key} are not in the config`);
  return { name: key, provider, verify: prepareVerifier(provider) };
}

/** Headers that only this filter may write: what a caller sends under their names does not come through. */
function written({ forwardPayloadHeader, claimToHeaders = [] }: JwtProvider): readonly string[] {
  return [...(forwardPayloadHeader === undefined ? [] : [forwardPayloadHeader]), ...claimToHeaders.map(({ headerName = '' }) => headerName)].map((header) => header.toLowerCase());
}

/** Throws on a requirement that cannot be judged. */
function checked(requirement: JwtRequirement | undefined, issuers: ReadonlyMap<string, Issuer>): JwtRequirement | undefined {
  if (requirement === undefined) return undefined;
  const { providerName, requiresAny, requiresAll, allowMissing, allowMissingOrFailed } = requirement;
  if (providerName !== undefined && !issuers.has(providerName)) throw new Error(`the JWT provider ${providerName} is not known`);
  if (providerName === undefined && requiresAny === undefined && requiresAll === undefined && allowMissing === undefined && allowMissingOrFailed === undefined) throw new Error('the JWT requirement is not supported');
  for (const part of [...(requiresAny?.requirements ?? []), ...(requiresAll?.requirements ?? [])]) checked(part, issuers);
  return requirement;
}

interface Judge {
  of(provider: string): Promise<TokenRefusal | undefined>;
  accepted(): readonly { readonly issuer: Issuer; readonly apply: () => void }[];
  /** The refusal by the provider that knows the token's issuer, when there is one. */
  said(): TokenRefusal | undefined;
  /** The provider that refused. */
  blamed(): string;
}

/** Each provider judges a request once. */
function judgeOnce(request: HttpRequest, issuers: ReadonlyMap<string, Issuer>, now: number): Judge {
  const known = new Map<string, Judged>();
  const telling = (): readonly [string, Judged] | undefined => [...known].find(([, { refusal }]) => refusal !== undefined && weight(refusal) === 2) ?? [...known].find(([, { refusal }]) => refusal !== undefined && refusal !== missing);
  return {
    async of(provider) {
      const issuer = issuers.get(provider);
      if (issuer === undefined) return missing;
      const result = known.get(provider) ?? await judgeTokens(issuer, request, now);
      known.set(provider, result);
      return result.refusal;
    },
    accepted: () => [...known].flatMap(([provider, { apply }]) => {
      const issuer = issuers.get(provider);
      return apply === undefined || issuer === undefined ? [] : [{ issuer, apply }];
    }),
    said: () => telling()?.[1].refusal,
    blamed: () => telling()?.[0] ?? [...known.keys()][0] ?? '',
  };
}

/** Tokens of this issuer must all be good; those of others are for others to judge. */
async function judgeTokens({ provider, verify }: Issuer, request: HttpRequest, now: number): Promise<Judged> {
  const tokens = findTokens(provider, request);
  const good: { readonly found: FoundToken; readonly leave: () => void }[] = [];
  for (const found of tokens) {
    const verdict = await verify(found.token, now);
    if ('message' in verdict) return { refusal: { ...verdict, why: `the token in ${found.where} is refused: ${verdict.why}` } };
    good.push({ found, leave: () => leaveClaims(provider, request, verdict) });
  }
  if (good.length === 0) return { refusal: missing };
  const apply = (): void => {
    if (provider.forward !== true) for (const { found } of good) found.remove();
    for (const { leave } of good) leave();
  };
  return { refusal: undefined, apply };
}

type Verdicts = (provider: string) => Promise<TokenRefusal | undefined>;

/** Why a request does not meet a requirement; `undefined` when it does. */
async function judged({ providerName, requiresAny, requiresAll, allowMissing }: JwtRequirement, of: Verdicts): Promise<TokenRefusal | undefined> {
  if (providerName !== undefined) return of(providerName);
  if (requiresAny !== undefined) return anyOf(requiresAny.requirements ?? [], of);
  for (const part of requiresAll?.requirements ?? []) {
    const refusal = await judged(part, of);
    if (refusal !== undefined) return refusal;
  }
  return allowMissing === undefined ? undefined : missing;
}

/** Nothing at all may be allowed beside the others: that holds only when none of them saw a token. */
async function anyOf(parts: readonly JwtRequirement[], of: Verdicts): Promise<TokenRefusal | undefined> {
  let worst: TokenRefusal = missing;
  for (const part of parts) {
    if (part.allowMissingOrFailed !== undefined) return undefined;
    const refusal = part.allowMissing === undefined ? await judged(part, of) : missing;
    if (refusal === undefined) return undefined;
    if (weight(refusal) >= weight(worst)) worst = refusal;
  }
  return weight(worst) === 0 && parts.some(({ allowMissing }) => allowMissing !== undefined) ? undefined : worst;
}

/** How much a refusal tells: the issuer's own verdict more than that of strangers. */
function weight({ message }: TokenRefusal): 0 | 1 | 2 {
  return message === missing.message ? 0 : message === unknownIssuer ? 1 : 2;
}

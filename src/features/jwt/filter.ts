import { findTokens, judgeTokens, missing, prepareVerifier, providerVerdict, requirementFor, statusOf, type ProviderVerdict, type TokenVerifier } from '../../routing/index.ts';
import type { HttpRequest, ManagerFilterFactory } from '../../sidecar/hooks.ts';
import type { JwtAuthentication, JwtProvider, JwtRequirement } from '../../xds/index.ts';
import { carrier, removeToken } from './filter-locations.ts';
import { leaveClaims } from './filter-output.ts';

const name = 'envoy.filters.http.jwt_authn';

/** A provider made ready. */
interface Issuer {
  readonly provider: JwtProvider;
  readonly verify: TokenVerifier;
}

/**
 * Verifies the tokens of requests, and leaves what they say to the filters and routes that come after. A request without a token passes, unless the
 * config requires one; a bad token is answered 401. Source: Envoy, JWT Authentication; istio.io, RequestAuthentication.
 */
export const jwtFilter: ManagerFilterFactory<JwtAuthentication> = (config, { clock, reply, rules }) => {
  const issuers = new Map(Object.entries(config.providers ?? {}).map(([key, provider]) => [key, issuerOf(key, provider)]));
  for (const { requires } of config.rules ?? []) check(requires, issuers);
  return (next) => async (request) => {
    const { stream, headers } = request;
    for (const { provider } of issuers.values()) for (const header of written(provider)) headers.delete(header);
    const requires = requirementFor(config, { method: request.method, path: request.path, header: (header) => headers.joined(header) });
    if (requires === undefined) return next(request);
    const verdicts = await verdictsOf(issuers, request, clock.now());
    const { refusal, said, blamed, accepted } = judgeTokens(requires, verdicts);
    if (refusal !== undefined && said !== undefined) {
      stream.step({ stage: 'filter', what: `${name}: refused`, why: said.why, ...at(rules[blamed]) });
      stream.details = `jwt_authn_access_denied{${said.message.replaceAll(' ', '_')}}`;
      const realm = `${request.scheme}://${request.authority}${request.path}`.slice(0, 256).replace(/["\\]/g, '');
      return reply(statusOf(refusal), refusal.message, [['www-authenticate', `Bearer realm="${realm}"${refusal === missing ? '' : ', error="invalid_token"'}`]]);
    }
    if (accepted.length === 0) stream.step({ stage: 'filter', what: `${name}: no token`, why: 'a request without a token passes, without an identity' });
    for (const key of accepted) {
      const provider = issuers.get(key)?.provider ?? {};
      const good = verdicts.get(key)?.good ?? [];
      if (provider.forward !== true) for (const { found } of good) removeToken(request, found.place);
      for (const { verified } of good) leaveClaims(provider, request, verified);
      stream.step({ stage: 'filter', what: `${name}: verified`, why: `the token of ${provider.issuer ?? ''} is good`, ...at(rules[key]) });
    }
    return next(request);
  };
};

function at<From>(origin: From | undefined): { readonly origin?: From } {
  return origin === undefined ? {} : { origin };
}

function issuerOf(key: string, provider: JwtProvider): Issuer {
  if (provider.localJwks?.inlineString === undefined) throw new Error(`the keys of the JWT provider ${key} are not in the config`);
  return { provider, verify: prepareVerifier(provider) };
}

/** Headers that only this filter may write: what a caller sends under their names does not come through. */
function written({ forwardPayloadHeader, claimToHeaders = [] }: JwtProvider): readonly string[] {
  return [...(forwardPayloadHeader === undefined ? [] : [forwardPayloadHeader]), ...claimToHeaders.map(({ headerName = '' }) => headerName)].map((header) => header.toLowerCase());
}

/** Throws on a requirement that cannot be judged. */
function check(requirement: JwtRequirement | undefined, issuers: ReadonlyMap<string, Issuer>): void {
  if (requirement === undefined) return;
  const { providerName, requiresAny, requiresAll, allowMissing, allowMissingOrFailed } = requirement;
  if (providerName !== undefined && !issuers.has(providerName)) throw new Error(`the JWT provider ${providerName} is not known`);
  if (providerName === undefined && requiresAny === undefined && requiresAll === undefined && allowMissing === undefined && allowMissingOrFailed === undefined) throw new Error('the JWT requirement is not supported');
  for (const part of [...(requiresAny?.requirements ?? []), ...(requiresAll?.requirements ?? [])]) check(part, issuers);
}

/** What each provider says of a request; a token of another issuer is told apart without its keys. */
async function verdictsOf(issuers: ReadonlyMap<string, Issuer>, request: HttpRequest, now: number): Promise<ReadonlyMap<string, ProviderVerdict>> {
  const tokens = carrier(request);
  const verdicts = new Map<string, ProviderVerdict>();
  for (const [key, { provider, verify }] of issuers) {
    const judged = await Promise.all(findTokens(provider, tokens).map(async (found) => ({ found, verdict: await verify(found.token, now) })));
    verdicts.set(key, providerVerdict(judged));
  }
  return verdicts;
}

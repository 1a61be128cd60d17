import { jwtProvider, keySource } from '../features/jwt/compile.ts';
import { ofKind } from '../manifest/index.ts';
import {
  claimMetadata, findTokens, judgeTokens, keysUnknown, prepareVerifier, providerKey, providerVerdict, requirementFor, statusOf, unverifiedClaims, withoutToken,
  type AccessStep, type RequestFacts, type TokenCarrier, type TokenVerdict,
} from '../routing/index.ts';
import type { JwtAuthentication, JwtProvider, RuleOrigins } from '../xds/index.ts';
import { parseCallUrl } from './call-url.ts';
import type { MeshSnapshot } from './types.ts';

/** What is known of a token by one provider. */
interface Known {
  readonly verdict: TokenVerdict;
  /** Where the keys are fetched that nobody has here: whether its signature is good is not known. */
  readonly unseen?: string;
}

/** The tokens of one call, verified before the call is followed: verifying takes time, following does not. */
export type KnownTokens = (provider: JwtProvider, token: string) => Known | undefined;

/** A call's headers, with lower-case names. */
interface Asked {
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

/**
 * Verifies the tokens that a call carries by each RequestAuthentication of a mesh. `now` is in milliseconds since the epoch. A token whose issuer's keys
 * are fetched and not here is judged by what it says of itself alone.
 */
export async function verifyTokens(snapshot: MeshSnapshot, { url, headers }: Asked, now: number): Promise<KnownTokens> {
  const keys = snapshot.keySets ?? new Map<string, string>();
  const values = (name: string): readonly string[] => headers.filter(([header]) => header.toLowerCase() === name).map(([, value]) => value);
  const request = carrier({ path: parseCallUrl(url).path, header: (name) => (values(name).length === 0 ? undefined : values(name).join(',')) });
  const known = new Map<string, Known>();
  for (const rule of ofKind(snapshot.resources, 'RequestAuthentication').flatMap(({ spec }) => spec.jwtRules)) {
    const provider = jwtProvider(rule, keys);
    const verify = prepareVerifier(provider);
    const source = keySource(rule)?.url;
    for (const { token } of findTokens(provider, request)) {
      const verdict = await verify(token, now);
      const unseen = 'message' in verdict && verdict.message === keysUnknown && source !== undefined && !keys.has(source) ? source : undefined;
      known.set(keyOf(provider, token), unseen === undefined ? { verdict } : { verdict: unverifiedClaims(token), unseen });
    }
  }
  return (provider, token) => known.get(keyOf(provider, token));
}

const keyOf = (provider: JwtProvider, token: string): string => `${providerKey(provider)}\n${token}`;

function carrier({ path, header }: Pick<RequestFacts, 'path' | 'header'>): TokenCarrier {
  return { path, header, cookies: () => (header('cookie') ?? '').split(';').map((cookie) => cookie.trim()) };
}

/** What the filter for tokens does with a request. */
export interface SimulatedTokens {
  readonly steps: readonly AccessStep[];
  /** The status of its answer, and Envoy's details; absent when the request goes on. */
  readonly refused?: { readonly status: number; readonly details: string };
  /** What the tokens say, for the filters and routes after it. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Issuers whose keys are not here. */
  readonly asked: readonly string[];
  /** The request as it goes on: without the tokens that are not forwarded. */
  readonly request: RequestFacts;
}

const name = 'envoy.filters.http.jwt_authn';

/** Runs the filter for tokens on a request, over what is known of its tokens. */
export function simulateTokens(config: JwtAuthentication, request: RequestFacts, known: KnownTokens, origins: RuleOrigins): SimulatedTokens {
  const nothing = { steps: [], metadata: {}, asked: [], request };
  const requires = requirementFor(config, request);
  if (requires === undefined) return nothing;
  const providers = new Map(Object.entries(config.providers ?? {}));
  const found = carrier({ path: request.path, header: (header) => request.header(header) });
  const tokens = new Map([...providers].map(([key, provider]) => [key, findTokens(provider, found).flatMap((one) => {
    const judged = known(provider, one.token);
    return judged === undefined ? [] : [{ found: one, ...judged }];
  })]));
  const { refusal, said, blamed, accepted } = judgeTokens(requires, new Map([...tokens].map(([key, list]) => [key, providerVerdict(list)])));
  const at = (key: string): Pick<AccessStep, 'origin'> => (origins[key] === undefined ? {} : { origin: origins[key] });
  if (refusal !== undefined && said !== undefined) {
    return { ...nothing, steps: [{ stage: 'filter', what: `${name}: refused`, why: said.why, ...at(blamed) }], refused: { status: statusOf(refusal), details: `jwt_authn_access_denied{${said.message.replaceAll(' ', '_')}}` } };
  }
  if (accepted.length === 0) return { ...nothing, steps: [{ stage: 'filter', what: `${name}: no token`, why: 'a request without a token passes, without an identity' }] };
  const good = accepted.flatMap((key) => (tokens.get(key) ?? []).map((token) => ({ key, provider: providers.get(key) ?? {}, ...token })));
  const steps = good.map(({ key, provider: { issuer = '' }, unseen }): AccessStep => (unseen === undefined
    ? { stage: 'filter', what: `${name}: verified`, why: `the token of ${issuer} is good`, ...at(key) }
    : { stage: 'filter', what: `${name}: taken as good`, why: `the keys of ${issuer} are fetched from ${unseen} and not known here, so whether its signature is good is known only live`, ...at(key) }));
  return {
    steps,
    metadata: Object.assign({}, ...good.map(({ provider, verdict }) => ('message' in verdict ? {} : claimMetadata(provider, verdict.claims)))) as Readonly<Record<string, unknown>>,
    asked: good.flatMap(({ provider: { issuer = '' }, unseen }) => (unseen === undefined ? [] : [`the key of ${issuer}`])),
    request: good.filter(({ provider }) => provider.forward !== true).reduce((rest, { found: { place } }) => withoutToken(rest, place), request),
  };
}

import type { JwtAuthentication, JwtProvider, JwtRequirement } from '../../xds/index.ts';
import type { FoundToken } from './find.ts';
import { unknownIssuer, type TokenRefusal, type TokenVerdict } from './verify.ts';

/** The request has no token where the provider looks. */
export const missing: TokenRefusal = { message: 'Jwt is missing', why: 'the request has no token' };

/** A provider's verdict on a request: a refusal, or its good tokens with what they say. */
export interface ProviderVerdict {
  readonly refusal?: TokenRefusal;
  readonly good: readonly { readonly found: FoundToken; readonly verified: Exclude<TokenVerdict, TokenRefusal> }[];
}

/** What all providers together say of a request. */
export interface TokensJudged {
  /** Why the request is refused; absent when it goes on. */
  readonly refusal?: TokenRefusal;
  /** What is said to people: the refusal by the provider that knows the token's issuer, when there is one. */
  readonly said?: TokenRefusal;
  /** The provider that refused, by its name in the config. */
  readonly blamed: string;
  /** Providers whose tokens count. */
  readonly accepted: readonly string[];
}

/** Tokens of this issuer must all be good; those of others are for others to judge. */
export function providerVerdict(tokens: readonly { readonly found: FoundToken; readonly verdict: TokenVerdict }[]): ProviderVerdict {
  const good: { readonly found: FoundToken; readonly verified: Exclude<TokenVerdict, TokenRefusal> }[] = [];
  for (const { found, verdict } of tokens) {
    if ('message' in verdict) return { refusal: { ...verdict, why: `the token in ${found.place.kind} ${found.place.name} is refused: ${verdict.why}` }, good: [] };
    good.push({ found, verified: verdict });
  }
  return good.length === 0 ? { refusal: missing, good } : { good };
}

/** The requirement for a request; `undefined` when nothing is asked of it. */
export function requirementFor(config: JwtAuthentication, request: { readonly method: string; readonly path: string; header(name: string): string | undefined }): JwtRequirement | undefined {
  const preflight = config.bypassCorsPreflight === true && request.method === 'OPTIONS' && request.header('origin') !== undefined && request.header('access-control-request-method') !== undefined;
  return preflight ? undefined : config.rules?.find(({ match }) => request.path.startsWith(match?.prefix ?? '/'))?.requires;
}

/** Judges a request by a requirement, over the providers' verdicts. Only providers that the requirement comes to count. */
export function judgeTokens(requirement: JwtRequirement, verdicts: ReadonlyMap<string, ProviderVerdict>): TokensJudged {
  const known = new Map<string, ProviderVerdict>();
  const refusal = judged(requirement, (provider) => {
    const verdict = verdicts.get(provider);
    if (verdict === undefined) return missing;
    known.set(provider, verdict);
    return verdict.refusal;
  });
  const refused = [...known].filter(([, verdict]) => verdict.refusal !== undefined);
  const telling = refused.find(([, verdict]) => weight(verdict.refusal ?? missing) === 2) ?? refused.find(([, verdict]) => verdict.refusal !== missing);
  return {
    ...(refusal === undefined ? {} : { refusal, said: telling?.[1].refusal ?? refusal }),
    blamed: telling?.[0] ?? [...known.keys()][0] ?? '',
    accepted: [...known].filter(([, { refusal: no }]) => no === undefined).map(([provider]) => provider),
  };
}

/** The same provider has the same text, wherever it was compiled. */
export function providerKey(provider: JwtProvider): string {
  return JSON.stringify(provider);
}

type Verdicts = (provider: string) => TokenRefusal | undefined;

/** Why a request does not meet a requirement; `undefined` when it does. */
function judged({ providerName, requiresAny, requiresAll, allowMissing }: JwtRequirement, of: Verdicts): TokenRefusal | undefined {
  if (providerName !== undefined) return of(providerName);
  if (requiresAny !== undefined) return anyOf(requiresAny.requirements ?? [], of);
  for (const part of requiresAll?.requirements ?? []) {
    const refusal = judged(part, of);
    if (refusal !== undefined) return refusal;
  }
  return allowMissing === undefined ? undefined : missing;
}

/** Nothing at all may be allowed beside the others: that holds only when none of them saw a token. */
function anyOf(parts: readonly JwtRequirement[], of: Verdicts): TokenRefusal | undefined {
  let worst: TokenRefusal = missing;
  for (const part of parts) {
    if (part.allowMissingOrFailed !== undefined) return undefined;
    const refusal = part.allowMissing === undefined ? judged(part, of) : missing;
    if (refusal === undefined) return undefined;
    if (weight(refusal) >= weight(worst)) worst = refusal;
  }
  return weight(worst) === 0 && parts.some(({ allowMissing }) => allowMissing !== undefined) ? undefined : worst;
}

/** How much a refusal tells: the issuer's own verdict more than that of strangers. */
function weight({ message }: TokenRefusal): 0 | 1 | 2 {
  return message === missing.message ? 0 : message === unknownIssuer ? 1 : 2;
}

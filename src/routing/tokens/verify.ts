import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JSONWebKeySet, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { JwtProvider } from '../../xds/index.ts';

/** Why a token is refused, in Envoy's words, and in plain ones for people. */
export interface TokenRefusal {
  readonly message: string;
  readonly why: string;
}

export type TokenVerdict = { readonly claims: JWTPayload; readonly payload: string } | TokenRefusal;

/** Judges tokens by one provider. `now` is in milliseconds since the epoch. */
export type TokenVerifier = (token: string, now: number) => Promise<TokenVerdict>;

/** Signatures that nobody can make who only knows the public keys. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

/** Longer tokens are not looked at; characters. */
const longest = 64 * 1024;
const defaultSkew = 60;

const badForm = 'Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections';
/** The issuer is not this provider's: another one may know it. */
export const unknownIssuer = 'Jwt issuer is not configured';
/** There is no key to verify with. */
export const keysUnknown = 'Jwks doesn\'t have any valid public key';
const wrongAudience = 'Audiences in Jwt are not allowed';

/** Envoy answers 403 to a good token that is meant for somebody else, 401 to all that are bad. */
export function statusOf({ message }: TokenRefusal): 401 | 403 {
  return message === wrongAudience ? 403 : 401;
}

/**
 * Makes the verifier of a provider. Keys come from its key set alone: what a token says of keys (`jku`, `x5u`, `jwk`) is never followed. A key set
 * that does not read has no keys, so that every token is refused.
 */
export function prepareVerifier(provider: JwtProvider): TokenVerifier {
  const keys = keySet(provider.localJwks?.inlineString ?? '');
  const skew = provider.clockSkewSeconds ?? defaultSkew;
  return async (token, now) => {
    const early = judgeText(token) ?? judgeClaims(token, provider, now / 1000, skew);
    if (early !== undefined) return early;
    if (keys === undefined) return { message: keysUnknown, why: 'the issuer’s keys are not known here' };
    try {
      const { payload: claims } = await verified(token, keys, { algorithms, issuer: provider.issuer ?? '', clockTolerance: skew, currentDate: new Date(now) });
      return { claims, payload: token.split('.')[1] ?? '' };
    } catch (error) {
      return refusal(error);
    }
  };
}

/** What a token says, believed without its signature; the text must have been judged before. */
export function unverifiedClaims(token: string): Exclude<TokenVerdict, TokenRefusal> {
  return { claims: decodeJwt(token), payload: token.split('.')[1] ?? '' };
}

function keySet(text: string): JWTVerifyGetKey | undefined {
  try {
    const set = JSON.parse(text) as JSONWebKeySet;
    return set.keys.length === 0 ? undefined : createLocalJWKSet(set);
  } catch {
    // Not a key set: there are no keys, and the caller refuses every token.
    return undefined;
  }
}

/** Without a key id, each key that fits is tried. */
async function verified(token: string, keys: JWTVerifyGetKey, options: NonNullable<Parameters<typeof jwtVerify>[2]>): Promise<{ readonly payload: JWTPayload }> {
  try {
    return await jwtVerify(token, keys, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options);
      } catch (failed) {
        if (!(failed instanceof errors.JWSSignatureVerificationFailed)) throw failed;
      }
    }
    throw new errors.JWSSignatureVerificationFailed('none of the keys made the signature', { cause: error });
  }
}

/** What can be said of a token before anybody believes what is in it. */
function judgeText(token: string): TokenRefusal | undefined {
  if (token.length > longest) return { message: badForm, why: `it is ${token.length} characters long` };
  if (token.split('.').length !== 3) return { message: badForm, why: 'it does not have three parts' };
  try {
    const { alg } = decodeProtectedHeader(token);
    if (typeof alg !== 'string') return { message: 'Jwt header [alg] field is required and must be a string', why: 'its header names no algorithm' };
    if (!algorithms.includes(alg)) return { message: 'Jwt header [alg] is not supported', why: `its algorithm is ${alg.slice(0, 40)}, and only public-key signatures are accepted` };
  } catch {
    return { message: 'Jwt header is an invalid JSON', why: 'its header does not read' };
  }
  return undefined;
}

function judgeClaims(token: string, { issuer = '', audiences = [] }: JwtProvider, now: number, skew: number): TokenRefusal | undefined {
  let claims: JWTPayload;
  try {
    claims = decodeJwt(token);
  } catch {
    return { message: 'Jwt payload is an invalid JSON', why: 'its payload does not read' };
  }
  if (Object.hasOwn(claims, '__proto__')) return { message: 'Jwt payload is an invalid JSON', why: 'it has a claim __proto__' };
  const { iss, exp, nbf } = claims;
  if (iss !== issuer) return { message: unknownIssuer, why: `its issuer is ${shown(iss)}, not "${issuer}"` };
  if ((exp !== undefined && typeof exp !== 'number') || (nbf !== undefined && typeof nbf !== 'number')) return { message: 'Jwt payload is an invalid JSON', why: 'its times are not numbers' };
  if (nbf !== undefined && nbf > now + skew) return { message: 'Jwt not yet valid', why: `it is valid from ${when(nbf)}, and now it is ${when(now)}` };
  if (exp !== undefined && exp <= now - skew) return { message: 'Jwt is expired', why: `it expired at ${when(exp)}, and now it is ${when(now)}` };
  return audiences.length === 0 || audiencesOf(claims).some((one) => audiences.some((wanted) => bare(wanted) === bare(one))) ? undefined : { message: wrongAudience, why: `it is meant for ${shown(claims.aud)}, not ${audiences.join(' or ')}` };
}

/** The audiences of a token: one or several. */
export function audiencesOf({ aud }: JWTPayload): readonly string[] {
  return typeof aud === 'string' ? [aud] : Array.isArray(aud) ? aud.filter((one) => typeof one === 'string') : [];
}

/** Scheme and final slash do not count. Source: Envoy, JwtProvider, "audiences". */
function bare(audience: string): string {
  return audience.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value).slice(0, 200);
}

function when(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}

function refusal(error: unknown): TokenRefusal {
  if (!(error instanceof errors.JOSEError)) return { message: 'Jwt verification fails', why: 'a key of its issuer cannot be used' };
  if (error instanceof errors.JWKSNoMatchingKey) return { message: 'Jwks doesn\'t have key to match kid or alg from Jwt', why: 'its issuer has no key of the kind that it names' };
  if (error instanceof errors.JWTExpired) return { message: 'Jwt is expired', why: 'it has expired' };
  return { message: 'Jwt verification fails', why: error instanceof errors.JWSSignatureVerificationFailed ? 'none of the issuer’s keys made its signature' : error.message };
}

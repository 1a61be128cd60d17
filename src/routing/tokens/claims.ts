import type { JWTPayload } from 'jose';
import type { JwtProvider } from '../../xds/index.ts';
import { audiencesOf } from './verify.ts';

/** What a verified token leaves for policies and routes: by filter, as Istio's sidecars have it. Source: istio.io, Authorization Policy Conditions. */
export function claimMetadata(provider: JwtProvider, claims: JWTPayload): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  if (provider.payloadInMetadata === undefined) return {};
  const normal = normalized(claims, provider.normalizePayloadInMetadata?.spaceDelimitedClaims ?? []);
  return { 'envoy.filters.http.jwt_authn': { [provider.payloadInMetadata]: normal }, istio_authn: identity(claims, normal) };
}

function identity(claims: JWTPayload, normal: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { iss, sub } = claims;
  const presenter = claims['azp'];
  const audiences = audiencesOf(claims);
  return {
    ...(typeof iss === 'string' && typeof sub === 'string' ? { 'request.auth.principal': `${iss}/${sub}` } : {}),
    ...(audiences.length === 0 ? {} : { 'request.auth.audiences': audiences }),
    ...(typeof presenter === 'string' ? { 'request.auth.presenter': presenter } : {}),
    'request.auth.claims': normal,
  };
}

/** Claims that are lists in one string become lists. */
function normalized(claims: JWTPayload, listed: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).map(([key, value]) => [key, typeof value === 'string' && listed.includes(key) ? value.split(' ').filter((part) => part !== '') : value]));
}

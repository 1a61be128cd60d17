import type { JWTPayload } from 'jose';
import type { HttpRequest } from '../../sidecar/hooks.ts';
import type { JwtProvider } from '../../xds/index.ts';
import { audiencesOf } from './filter-verify.ts';

/** Leaves what a verified token says: for policies and routes as metadata, for the upstream as headers. `payload` is the token's own, in base64url. */
export function leaveClaims(provider: JwtProvider, { headers, stream }: HttpRequest, { claims, payload }: { readonly claims: JWTPayload; readonly payload: string }): void {
  if (provider.forwardPayloadHeader !== undefined) headers.set(provider.forwardPayloadHeader.toLowerCase(), payload);
  for (const { headerName = '', claimName = '' } of provider.claimToHeaders ?? []) {
    const value = headerValue(claimAt(claims, claimName));
    if (value !== undefined) headers.set(headerName.toLowerCase(), value);
  }
  if (provider.payloadInMetadata === undefined) return;
  const normal = normalized(claims, provider.normalizePayloadInMetadata?.spaceDelimitedClaims ?? []);
  stream.metadata.set('envoy.filters.http.jwt_authn', { [provider.payloadInMetadata]: normal });
  stream.metadata.set('istio_authn', identity(claims, normal));
}

/** What `request.auth.*` of policies looks at. Source: istio.io, Authorization Policy Conditions. */
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

/** A claim by its name, or by the names on the way to it, joined by dots. Own fields only. */
function claimAt(claims: unknown, name: string): unknown {
  const own = (value: unknown, key: string): unknown => (typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined);
  return own(claims, name) ?? name.split('.').reduce(own, claims);
}

/** Text, numbers and booleans as they are, the rest as base64url of JSON; what cannot stand in a header is left out. */
function headerValue(claim: unknown): string | undefined {
  if (claim === undefined || claim === null) return undefined;
  const text = typeof claim === 'object' ? Buffer.from(JSON.stringify(claim), 'utf8').toString('base64url') : String(claim as string | number | boolean);
  return /^[\x20-\x7e]*$/.test(text) ? text : undefined;
}

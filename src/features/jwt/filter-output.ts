import type { JWTPayload } from 'jose';
import { claimMetadata } from '../../routing/index.ts';
import type { HttpRequest } from '../../sidecar/hooks.ts';
import type { JwtProvider } from '../../xds/index.ts';

/** Leaves what a verified token says: for policies and routes as metadata, for the upstream as headers. `payload` is the token's own, in base64url. */
export function leaveClaims(provider: JwtProvider, { headers, stream }: HttpRequest, { claims, payload }: { readonly claims: JWTPayload; readonly payload: string }): void {
  if (provider.forwardPayloadHeader !== undefined) headers.set(provider.forwardPayloadHeader.toLowerCase(), payload);
  for (const { headerName = '', claimName = '' } of provider.claimToHeaders ?? []) {
    const value = headerValue(claimAt(claims, claimName));
    if (value !== undefined) headers.set(headerName.toLowerCase(), value);
  }
  for (const [filter, metadata] of Object.entries(claimMetadata(provider, claims))) stream.metadata.set(filter, metadata);
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

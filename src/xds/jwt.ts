/** Config of Envoy's filter for tokens, whose proto the generator does not have. Source: envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication. */
export interface JwtAuthentication {
  readonly providers?: Readonly<Record<string, JwtProvider>>;
  /** The first whose match fits says what a request needs. */
  readonly rules?: readonly { readonly match?: { readonly prefix?: string }; readonly requires?: JwtRequirement }[];
  readonly bypassCorsPreflight?: boolean;
}

/** An issuer of tokens, its keys, and where its tokens are found. */
export interface JwtProvider {
  readonly issuer?: string;
  readonly audiences?: readonly string[];
  readonly localJwks?: { readonly inlineString?: string };
  readonly remoteJwks?: unknown;
  /** The token goes on to the upstream. */
  readonly forward?: boolean;
  readonly fromHeaders?: readonly { readonly name?: string; readonly valuePrefix?: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  readonly forwardPayloadHeader?: string;
  readonly payloadInMetadata?: string;
  readonly normalizePayloadInMetadata?: { readonly spaceDelimitedClaims?: readonly string[] };
  readonly clockSkewSeconds?: number;
  readonly claimToHeaders?: readonly { readonly headerName?: string; readonly claimName?: string }[];
}

/** What a request needs; nothing written: nothing. */
export interface JwtRequirement {
  readonly providerName?: string;
  readonly requiresAny?: { readonly requirements?: readonly JwtRequirement[] };
  readonly requiresAll?: { readonly requirements?: readonly JwtRequirement[] };
  /** A request without a token passes. */
  readonly allowMissing?: Readonly<Record<string, never>>;
  readonly allowMissingOrFailed?: Readonly<Record<string, never>>;
}

import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** An issuer of tokens with a key of its own. */
export interface Issuer {
  /** Its key set, JSON. */
  readonly keys: string;
  /** A good token with these claims, for an hour. */
  token(claims?: Readonly<Record<string, unknown>>, by?: string): Promise<string>;
}

/** Makes an issuer; its tokens are signed with RS256, and its subject is itself. */
export async function makeIssuer(issuer: string): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  return {
    keys: JSON.stringify({ keys: [{ ...await exportJWK(publicKey), kid: 'one', alg: 'RS256' }] }),
    token: (claims = {}, by = issuer) => new SignJWT({ ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'one' }).setIssuer(by).setSubject(issuer).setExpirationTime('1h').sign(privateKey),
  };
}

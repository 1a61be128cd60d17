import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether a token is the one of a SHA-256 (hex). Compares in constant time; hashes have one length. */
export function sameToken(token: string, hash: string): boolean {
  const given = createHash('sha256').update(token).digest();
  const expected = Buffer.from(hash, 'hex');
  return expected.length === given.length && timingSafeEqual(given, expected);
}

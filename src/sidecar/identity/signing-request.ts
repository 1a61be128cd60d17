import { generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { tag, writeDer } from './der.ts';

/** A fresh key and a request to certify it. The key never leaves the process. */
export interface SigningRequest {
  /** PKCS#8, PEM. */
  readonly key: string;
  /** PKCS#10, PEM. */
  readonly pem: string;
}

const ecdsaWithSha256 = Buffer.from('2a8648ce3d040302', 'hex');

/** Makes an EC P-256 key and a PKCS#10 request with an empty subject: whose it is, the control plane knows from the token (RFC 2986). */
export async function makeSigningRequest(): Promise<SigningRequest> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), pem: encode(privateKey, publicKey) };
}

function encode(privateKey: KeyObject, publicKey: KeyObject): string {
  const version = writeDer(tag.integer, Buffer.from([0]));
  const info = writeDer(tag.sequence, version, writeDer(tag.sequence), publicKey.export({ type: 'spki', format: 'der' }), writeDer(tag.context0));
  const signature = writeDer(tag.bitString, Buffer.from([0]), sign('sha256', info, privateKey));
  const request = writeDer(tag.sequence, info, writeDer(tag.sequence, writeDer(tag.oid, ecdsaWithSha256)), signature);
  const lines = request.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`;
}

import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

/** A certificate authority's own certificate and key, PEM (PKCS#8). */
export interface Root {
  readonly certificate: string;
  readonly key: string;
}

const year = 365 * 24 * 3600 * 1000;

/** Makes a mesh root: EC P-256, self-signed, ten years, named `O=TRUST_DOMAIN` as Istio's own. The key is in the returned value only. */
export async function createRoot(trustDomain: string, now: number = Date.now()): Promise<Root> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ O: [trustDomain] }],
    serialNumber: randomSerial(),
    notBefore: new Date(now - 120_000),
    notAfter: new Date(now + 10 * year),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  }, crypto);
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
  return { certificate: `${certificate.toString('pem')}\n`, key: `${key}\n` };
}

/** 16 random bytes, positive and without a leading zero. */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

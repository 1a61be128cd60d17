import 'reflect-metadata';
import { createPrivateKey, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** Files that plug an authority in, as `make` of Istio's tools writes them, by their names. */
export type PlugInFiles = Readonly<Record<'root-cert.pem' | 'ca-cert.pem' | 'ca-key.pem' | 'cert-chain.pem', string>>;

const day = 86_400_000;
const algorithms = {
  rsa: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 },
  ec: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
} as const;

/** A root, and below it an issuer for one cluster. RSA with a PKCS#1 key, as `openssl genrsa` has it, or EC with a SEC1 key. */
export async function makePlugIn(name: string, kind: keyof typeof algorithms = 'rsa'): Promise<PlugInFiles> {
  x509.cryptoProvider.set(webcrypto as never);
  const algorithm = algorithms[kind];
  const [rootKeys, keys] = await Promise.all([generate(algorithm), generate(algorithm)]);
  const times = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 10 * day) };
  const usage = new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `O=${name}, CN=Root CA`, keys: rootKeys as never, signingAlgorithm: algorithm, ...times,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true), usage, await x509.SubjectKeyIdentifierExtension.create(rootKeys.publicKey as never)],
  });
  const issuer = await x509.X509CertificateGenerator.create({
    subject: `O=${name}, CN=Intermediate CA, L=cluster1`, issuer: root.subject, publicKey: keys.publicKey as never, signingKey: rootKeys.privateKey as never, signingAlgorithm: algorithm, ...times,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true), usage, await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never), await x509.AuthorityKeyIdentifierExtension.create(rootKeys.publicKey as never)],
  });
  const pkcs8 = createPrivateKey({ key: Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey as never)), format: 'der', type: 'pkcs8' });
  const [rootText, issuerText] = [root, issuer].map((certificate) => `${certificate.toString('pem')}\n`) as [string, string];
  return { 'root-cert.pem': rootText, 'ca-cert.pem': issuerText, 'ca-key.pem': String(pkcs8.export({ format: 'pem', type: kind === 'rsa' ? 'pkcs1' : 'sec1' })), 'cert-chain.pem': issuerText + rootText };
}

/** The Secret that `kubectl create secret generic cacerts -n istio-system --from-file=…` makes. */
export function cacerts(files: Readonly<Record<string, string>>): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'cacerts', namespace: 'istio-system' }, data: Object.fromEntries(Object.entries(files).map(([file, text]) => [file, Buffer.from(text).toString('base64')])) });
}

async function generate(algorithm: (typeof algorithms)[keyof typeof algorithms]): Promise<CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as CryptoKeyPair;
}

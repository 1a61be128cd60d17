import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** What a test's leaf certificate says; the defaults are those of a proper workload certificate. */
export interface LeafShape {
  readonly uris?: readonly string[];
  readonly dns?: readonly string[];
  readonly ca?: boolean;
  readonly keyUsage?: { readonly flags: number; readonly critical: boolean } | 'none';
  readonly extendedKeyUsage?: readonly ('serverAuth' | 'clientAuth' | 'codeSigning')[] | 'none';
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly publicKey?: CryptoKey;
}

/** A certificate and its key, PEM. */
export interface Leaf {
  readonly certificate: string;
  readonly key: string;
  readonly der: Buffer;
}

/** A certificate authority for tests: real certificates over P-256. */
export interface FakeCa {
  /** PEM. */
  readonly root: string;
  readonly key: string;
  issue(shape: LeafShape): Promise<Leaf>;
  /** A workload certificate. */
  workload(namespace: string, serviceAccount: string, trustDomain?: string): Promise<Leaf>;
  /** Signs a PKCS#10 request for an identity, ignoring what the request says of itself; returns PEM. */
  sign(request: string, uri: string, notAfter?: Date): Promise<string>;
  /** A list of revoked certificates, PEM. */
  revoke(leaves: readonly Leaf[]): Promise<string>;
}

/** Makes an authority with a root of its own. */
export async function makeCa(name = 'test root'): Promise<FakeCa> {
  x509.cryptoProvider.set(webcrypto as never);
  const keys = await generate();
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`, keys: keys as never, signingAlgorithm: algorithm, notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000),
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)],
  });
  const issue = async (shape: LeafShape): Promise<Leaf> => {
    const own = shape.publicKey === undefined ? await generate() : undefined;
    const certificate = await x509.X509CertificateGenerator.create({
      subject: '', issuer: root.subject, publicKey: (shape.publicKey ?? own?.publicKey) as never, signingKey: keys.privateKey as never, signingAlgorithm: algorithm,
      notBefore: shape.notBefore ?? new Date(Date.now() - 60_000), notAfter: shape.notAfter ?? new Date(Date.now() + 3_600_000), extensions: extensions(shape),
    });
    return { certificate: certificate.toString('pem'), key: own === undefined ? '' : await pem(own.privateKey), der: Buffer.from(certificate.rawData) };
  };
  return {
    root: root.toString('pem'), key: await pem(keys.privateKey), issue,
    workload: (namespace, serviceAccount, trustDomain = 'cluster.local') => issue({ uris: [`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`] }),
    revoke: async (leaves) => {
      const entries = leaves.map(({ der }) => ({ serialNumber: new x509.X509Certificate(new Uint8Array(der)).serialNumber, revocationDate: new Date(Date.now() - 1000) }));
      const list = await x509.X509CrlGenerator.create({ issuer: root.subject, thisUpdate: new Date(Date.now() - 60_000), nextUpdate: new Date(Date.now() + 3_600_000), signingAlgorithm: algorithm, signingKey: keys.privateKey as never, entries });
      return list.toString('pem').replaceAll(' CRL-', ' X509 CRL-');
    },
    sign: async (request, uri, notAfter) => {
      const csr = new x509.Pkcs10CertificateRequest(request);
      if (!await csr.verify()) throw new Error('The request is not signed by its key.');
      const publicKey = await csr.publicKey.export();
      return (await issue({ uris: [uri], publicKey: publicKey as never, ...(notAfter === undefined ? {} : { notAfter }) })).certificate;
    },
  };
}

function extensions(shape: LeafShape): x509.Extension[] {
  const names = [...(shape.uris ?? []).map((value) => ({ type: 'url' as const, value })), ...(shape.dns ?? []).map((value) => ({ type: 'dns' as const, value }))];
  const usage = shape.keyUsage ?? { flags: x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, critical: true };
  const purposes = shape.extendedKeyUsage ?? ['serverAuth', 'clientAuth'];
  return [
    new x509.BasicConstraintsExtension(shape.ca ?? false, undefined, true),
    ...(usage === 'none' ? [] : [new x509.KeyUsagesExtension(usage.flags, usage.critical)]),
    ...(purposes === 'none' ? [] : [new x509.ExtendedKeyUsageExtension(purposes.map((purpose) => x509.ExtendedKeyUsage[purpose]))]),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names, true)]),
  ];
}

async function generate(): Promise<CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as CryptoKeyPair;
}

async function pem(key: CryptoKey): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key as never));
  return `-----BEGIN PRIVATE KEY-----\n${(bytes.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END PRIVATE KEY-----\n`;
}

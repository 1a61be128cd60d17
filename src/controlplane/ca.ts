import 'reflect-metadata';
import { createPrivateKey } from 'node:crypto';
import * as x509 from '@peculiar/x509';

/** A certificate that the mesh CA has issued, PEM, leaf first. */
export interface Issued {
  readonly chain: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  /** The {@link CertificateAuthority.signer} that has signed it. */
  readonly signer: string;
}

/** A certificate with its key, for the control plane's own server. */
export interface ServerCertificate extends Issued {
  readonly key: string;
}

/** The mesh's certificate authority. It signs what the caller of {@link CertificateAuthority.sign} has authenticated and nothing else. */
export interface CertificateAuthority {
  /** The trust bundle, PEM. */
  readonly roots: string;
  /** SHA-256 of the root that signs now. */
  readonly signer: string;
  /** Signs a PKCS#10 request for one SPIFFE identity; names inside of the request are ignored. Rejects with CsrRefused. */
  sign(csr: string, identity: string): Promise<Issued>;
  /** Makes a key and a certificate for a DNS name. */
  serve(name: string): Promise<ServerCertificate>;
  /** Makes a key and a certificate for one SPIFFE identity, for proxies that have their secrets made. */
  workload(identity: string): Promise<ServerCertificate>;
}

/** A root and what signs, PEM. */
export interface SigningRoot {
  /** What is trusted. */
  readonly certificate: string;
  /** The key of what signs: RSA, or EC P-256 or P-384. */
  readonly key: string;
  /** What signs, when it is not the root itself. */
  readonly issuer?: string;
  /** Certificates that go with everything that is signed, up to the root. */
  readonly chain?: string;
}

/** A request that cannot be signed, and why. */
export class CsrRefused extends Error {
  override readonly name = 'CsrRefused';
}

/** How long workload certificates live, as in Istio. */
export const leafLifetime = 24 * 3600 * 1000;
const backdate = 120_000;
const maxCsr = 16 * 1024;
const ecP256 = { name: 'ECDSA', namedCurve: 'P-256' };

/** Loads the CA from its PEM; rejects when certificate and key do not read. */
export async function loadAuthority(root: SigningRoot, now: () => number): Promise<CertificateAuthority> {
  const issuer = new x509.X509Certificate(root.issuer ?? root.certificate);
  const signing = await signerOf(root);
  const signer = Buffer.from(await issuer.getThumbprint('SHA-256', crypto)).toString('hex');
  const along = root.chain === undefined ? '' : `${root.chain.trim()}\n`;

  async function issue(publicKey: x509.PublicKey, name: x509.GeneralNameType, value: string): Promise<Issued> {
    const notAfter = Math.min(now() + leafLifetime, issuer.notAfter.getTime());
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: randomSerial(),
      subject: '',
      issuer: issuer.subjectName,
      notBefore: new Date(now() - backdate),
      notAfter: new Date(notAfter),
      ...signing,
      publicKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth], false),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, crypto),
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, crypto),
        // Critical because the subject is empty. Source: RFC 5280, 4.2.1.6.
        new x509.SubjectAlternativeNameExtension([{ type: name, value }], true),
      ],
    }, crypto);
    return { chain: `${certificate.toString('pem')}\n${along}`, expires: notAfter, signer };
  }

  async function withKey(name: x509.GeneralNameType, value: string): Promise<ServerCertificate> {
    const keys = await crypto.subtle.generateKey({ ...ecP256 }, true, ['sign', 'verify']);
    const issued = await issue(new x509.PublicKey(await crypto.subtle.exportKey('spki', keys.publicKey)), name, value);
    return { ...issued, key: `${x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')}\n` };
  }

  return {
    roots: root.certificate.trimEnd() + '\n',
    signer,
    sign: async (csr, identity) => issue(await checkedKey(csr), 'url', identity),
    serve: (name) => withKey('dns', name),
    workload: (identity) => withKey('url', identity),
  };
}

/** How a key signs. */
export interface Signing {
  readonly signingKey: CryptoKey;
  readonly signingAlgorithm: { readonly name: string; readonly hash: string };
}

/** What signs with a root's key; rejects when there is none that reads, or of another kind. */
export async function signerOf(root: Pick<SigningRoot, 'key'>): Promise<Signing> {
  const key = createPrivateKey(root.key);
  const { algorithm, signingAlgorithm } = algorithmOf(key.asymmetricKeyType ?? '', key.asymmetricKeyDetails?.namedCurve ?? '');
  return { signingKey: await crypto.subtle.importKey('pkcs8', new Uint8Array(key.export({ format: 'der', type: 'pkcs8' })), algorithm, false, ['sign']), signingAlgorithm };
}

function algorithmOf(kind: string, curve: string): { readonly algorithm: { readonly name: string; readonly hash?: string; readonly namedCurve?: string }; readonly signingAlgorithm: Signing['signingAlgorithm'] } {
  const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  if (kind === 'rsa') return { algorithm: rsa, signingAlgorithm: rsa };
  if (kind === 'ec' && curve === 'prime256v1') return { algorithm: ecP256, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' } };
  if (kind === 'ec' && curve === 'secp384r1') return { algorithm: { name: 'ECDSA', namedCurve: 'P-384' }, signingAlgorithm: { name: 'ECDSA', hash: 'SHA-384' } };
  throw new Error(`A key of the kind ${[kind, curve].filter((word) => word !== '').join(' ')} cannot sign.`);
}

/** The key of a request whose signature proves that its sender has the private half. */
async function checkedKey(pem: string): Promise<x509.PublicKey> {
  if (pem.length > maxCsr) throw new CsrRefused('The certificate request is too big.');
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
  } catch (error) {
    throw new CsrRefused('The certificate request does not read as PKCS#10.', { cause: error });
  }
  const algorithm: { readonly name: string; readonly namedCurve?: string } = request.publicKey.algorithm;
  if (algorithm.name !== 'ECDSA' || algorithm.namedCurve !== 'P-256') throw new CsrRefused('The key must be EC P-256.');
  if (!(await request.verify(crypto).catch(() => false))) throw new CsrRefused('The signature of the certificate request is wrong.');
  return request.publicKey;
}

/** 16 random bytes, positive and without a leading zero. */
function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Resource } from '../manifest/index.ts';
import type { SigningRoot } from './ca.ts';
import { dataOf } from './stored-data.ts';

const secret = 'cacerts';
const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The authority that manifests plug in: the Secret `cacerts` of the root namespace, in Istio's own keys or in those of a TLS Secret. `undefined` without one,
 * and why when it cannot sign. Source: istio.io, "Plug in CA Certificates".
 */
export function pluggedRoot(resources: readonly Resource[], rootNamespace: string, now: number): SigningRoot | { readonly problem: string } | undefined {
  const data = dataOf('Secret', secret, rootNamespace, resources);
  if (data === undefined) return undefined;
  const [certificate, issuer, key] = [data['root-cert.pem'] ?? data['ca.crt'], data['ca-cert.pem'] ?? data['tls.crt'], data['ca-key.pem'] ?? data['tls.key']];
  if (certificate === undefined || issuer === undefined || key === undefined) return { problem: 'it needs root-cert.pem, ca-cert.pem and ca-key.pem' };
  const root: SigningRoot = { certificate, key, issuer, chain: data['cert-chain.pem'] ?? issuer };
  try {
    const problem = problemOf(root, now);
    return problem === undefined ? root : { problem };
  } catch (error) {
    return { problem: `its certificates or its key do not read (${error instanceof Error ? error.message : String(error)})` };
  }
}

/** True when both sign the same way below the same root. */
export function sameRoot(one: SigningRoot, other: SigningRoot): boolean {
  return one.certificate === other.certificate && one.key === other.key && one.issuer === other.issuer && one.chain === other.chain;
}

function problemOf({ certificate, key, issuer = certificate, chain = '' }: SigningRoot, now: number): string | undefined {
  const own = new X509Certificate(issuer);
  if (!own.ca) return 'ca-cert.pem is no certificate of an authority';
  if (!own.checkPrivateKey(createPrivateKey(key))) return 'ca-key.pem is not the key of ca-cert.pem';
  const [roots, between] = [certificatesIn(certificate), certificatesIn(chain)];
  const expired = [own, ...roots].find(({ validTo }) => Date.parse(validTo) <= now);
  if (expired !== undefined) return `the certificate of ${nameOf(expired)} has expired`;
  return leadsTo(own, roots, between) ? undefined : `ca-cert.pem does not lead to root-cert.pem: ${nameOf(own)} is signed by ${own.issuer.replaceAll('\n', ', ')}`;
}

/** True when a certificate is one of the roots, or is signed by one that leads to them. */
function leadsTo(certificate: X509Certificate, roots: readonly X509Certificate[], between: readonly X509Certificate[], steps = 0): boolean {
  if (roots.some((root) => root.fingerprint256 === certificate.fingerprint256 || signed(root, certificate))) return true;
  return steps < between.length && between.some((one) => one.fingerprint256 !== certificate.fingerprint256 && signed(one, certificate) && leadsTo(one, roots, between, steps + 1));
}

function signed(by: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(by) && certificate.verify(by.publicKey);
}

function certificatesIn(text: string): readonly X509Certificate[] {
  return (text.match(pemCertificate) ?? []).map((pem) => new X509Certificate(pem));
}

function nameOf({ subject }: X509Certificate): string {
  return subject.replaceAll('\n', ', ');
}

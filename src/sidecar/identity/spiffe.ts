import { inner, readDer, tag } from './der.ts';
import { extension, readExtensions, type Extension } from './extensions.ts';

/** An identity of the mesh: `spiffe://cluster.local/ns/default/sa/bookinfo-reviews`. */
export interface SpiffeId {
  readonly id: string;
  readonly trustDomain: string;
  readonly path: string;
}

/** Who a certificate speaks for, or why it speaks for nobody. */
export type Verified = { readonly ok: true; readonly spiffe: SpiffeId } | { readonly ok: false; readonly reason: string };

const purposes = { serverAuth: '2b06010505070301', clientAuth: '2b06010505070302' } as const;
const bit = { digitalSignature: 0x80, keyCertSign: 0x04, cRLSign: 0x02 } as const;

/** Parses a SPIFFE ID strictly. Source: SPIFFE-ID, sections 2.1 to 2.3. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (Buffer.byteLength(text) > 2048) return undefined;
  const match = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/.exec(text);
  const [id, trustDomain, path] = match ?? [];
  if (id === undefined || trustDomain === undefined || path === undefined) return undefined;
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) return undefined;
  return { id, trustDomain, path };
}

/**
 * Checks a leaf certificate (DER) as an X.509-SVID of one of these trust domains. The path to a root must have been validated already.
 * Source: X509-SVID, sections 2, 4 and 5.2.
 */
export function verifySvid(certificate: Buffer, trustDomains: readonly string[]): Verified {
  try {
    return verifyExtensions(readExtensions(certificate), trustDomains);
  } catch (error) {
    if (error instanceof RangeError) return refused(`the certificate is not readable: ${error.message}`);
    throw error;
  }
}

function verifyExtensions(extensions: ReadonlyMap<string, Extension>, trustDomains: readonly string[]): Verified {
  const problem = basicConstraintsProblem(extensions.get(extension.basicConstraints)) ?? keyUsageProblem(extensions.get(extension.keyUsage))
    ?? extendedKeyUsageProblem(extensions.get(extension.extendedKeyUsage));
  if (problem !== undefined) return refused(problem);
  const names = extensions.get(extension.subjectAltName);
  const uris = names === undefined ? [] : inner(names.value).filter((name) => name.tag === tag.uri);
  const [uri] = uris;
  if (uri === undefined || uris.length > 1) return refused(`the certificate has ${uris.length} URI names instead of one`);
  const spiffe = parseSpiffeId(uri.content.toString('latin1'));
  if (spiffe === undefined) return refused('the URI name is not a SPIFFE ID of a workload');
  if (!trustDomains.includes(spiffe.trustDomain)) return refused(`the trust domain is ${spiffe.trustDomain} instead of ${trustDomains.join(' or ')}`);
  return { ok: true, spiffe };
}

function basicConstraintsProblem(found: Extension | undefined): string | undefined {
  const [ca] = found === undefined ? [] : inner(found.value);
  return ca?.tag === tag.boolean && ca.content.some((byte) => byte !== 0) ? 'the certificate is of an authority' : undefined;
}

function keyUsageProblem(found: Extension | undefined): string | undefined {
  if (found === undefined) return 'the certificate has no key usage';
  if (!found.critical) return 'the key usage is not critical';
  const [bits] = readDer(found.value);
  const usage = bits?.tag === tag.bitString ? bits.content[1] ?? 0 : 0;
  if ((usage & bit.digitalSignature) === 0) return 'the key usage lacks digitalSignature';
  if ((usage & (bit.keyCertSign | bit.cRLSign)) !== 0) return 'the key usage has keyCertSign or cRLSign';
  return undefined;
}

function extendedKeyUsageProblem(found: Extension | undefined): string | undefined {
  if (found === undefined) return undefined;
  const has = new Set(inner(found.value).map((purpose) => purpose.content.toString('hex')));
  return has.has(purposes.serverAuth) && has.has(purposes.clientAuth) ? undefined : 'the extended key usage lacks serverAuth or clientAuth';
}

function refused(reason: string): Verified {
  return { ok: false, reason };
}

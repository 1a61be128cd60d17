import { inner, readDer, tag, type Der } from './der.ts';

/** OIDs (hex) of the extensions that decide about an identity. */
export const extension = { keyUsage: '551d0f', subjectAltName: '551d11', basicConstraints: '551d13', extendedKeyUsage: '551d25' } as const;

export interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

/** A subject alternative name of the kinds that Envoy can match. */
export interface AltName {
  readonly type: 'EMAIL' | 'DNS' | 'URI' | 'IP_ADDRESS';
  readonly value: string;
}

const nameTypes: Readonly<Record<number, AltName['type']>> = { 0x81: 'EMAIL', 0x82: 'DNS', 0x86: 'URI', 0x87: 'IP_ADDRESS' };

/**
 * The extensions of a certificate (DER) by OID (hex). Throws a RangeError on a certificate of another shape.
 * Certificate → TBSCertificate → [3] → SEQUENCE OF Extension (RFC 5280, section 4.1).
 */
export function readExtensions(certificate: Buffer): ReadonlyMap<string, Extension> {
  const [whole] = readDer(certificate);
  const [tbs] = readDer(whole?.content ?? Buffer.alloc(0));
  const tagged = readDer(tbs?.content ?? Buffer.alloc(0)).find((field) => field.tag === tag.context3);
  const extensions = new Map<string, Extension>();
  for (const item of tagged === undefined ? [] : inner(tagged.content)) {
    const [oid, ...rest] = readDer(item.content);
    const value = rest.at(-1);
    if (oid?.tag !== tag.oid || value?.tag !== tag.octetString) throw new RangeError('An extension has another shape.');
    const id = oid.content.toString('hex');
    if (extensions.has(id)) throw new RangeError('An extension stands there twice.');
    extensions.set(id, { critical: isTrue(rest[0]), value: value.content });
  }
  return extensions;
}

/** The subject alternative names of a certificate (DER). */
export function subjectAltNames(certificate: Buffer): readonly AltName[] {
  const found = readExtensions(certificate).get(extension.subjectAltName);
  return (found === undefined ? [] : inner(found.value)).flatMap((name) => {
    const type = nameTypes[name.tag];
    if (type === undefined) return [];
    return [{ type, value: type === 'IP_ADDRESS' && name.content.length === 4 ? name.content.join('.') : name.content.toString('latin1') }];
  });
}

function isTrue(element: Der | undefined): boolean {
  return element?.tag === tag.boolean && element.content[0] === 0xff;
}

import { KeyUsageFlags } from '@peculiar/x509';
import type { LeafShape } from './ca.ts';

const sign = KeyUsageFlags.digitalSignature;
const hour = 3_600_000;

/** Certificates that break one rule of SPIFFE's each, by what they break; but for that they are those of `id`, `spiffe://cluster.local/…`. Source: SPIFFE, "X509-SVID". */
export function forbiddenCertificates(id: string): readonly (readonly [broken: string, shape: LeafShape])[] {
  const path = id.slice('spiffe://cluster.local'.length);
  const usage = (flags: number, critical = true): LeafShape => ({ uris: [id], keyUsage: { flags, critical } });
  return [
    ['no names', {}],
    ['only a DNS name', { dns: ['reviews'] }],
    ['two SPIFFE IDs', { uris: [id, `${id}-2`] }],
    ['a second URI of another scheme', { uris: [id, 'https://example.com/'] }],
    ['another scheme', { uris: [`https://cluster.local${path}`] }],
    ['an upper-case scheme', { uris: [`SPIFFE://cluster.local${path}`] }],
    ['an upper-case trust domain', { uris: [`spiffe://CLUSTER.local${path}`] }],
    ['another trust domain', { uris: [`spiffe://evil.local${path}`] }],
    ['the ID of a trust domain', { uris: ['spiffe://cluster.local'] }],
    ['a trailing slash', { uris: [`${id}/`] }],
    ['an empty segment', { uris: [`spiffe://cluster.local/${path}`] }],
    ['a dot segment', { uris: [`spiffe://cluster.local/.${path}`] }],
    ['a double-dot segment', { uris: [`spiffe://cluster.local/a/..${path}`] }],
    ['a query', { uris: [`${id}?a=b`] }],
    ['a fragment', { uris: [`${id}#a`] }],
    ['a port', { uris: [`spiffe://cluster.local:443${path}`] }],
    ['user information', { uris: [`spiffe://me@cluster.local${path}`] }],
    ['percent encoding', { uris: [`${id.slice(0, -1)}%${id.charCodeAt(id.length - 1).toString(16)}`] }],
    ['more than 2,048 bytes', { uris: [`${id}${'x'.repeat(2048)}`] }],
    ['cA=true', { uris: [id], ca: true }],
    ['no key usage', { uris: [id], keyUsage: 'none' }],
    ['a key usage that is not critical', usage(sign, false)],
    ['no digitalSignature', usage(KeyUsageFlags.keyEncipherment)],
    ['keyCertSign', usage(sign | KeyUsageFlags.keyCertSign)],
    ['cRLSign', usage(sign | KeyUsageFlags.cRLSign)],
    ['only serverAuth', { uris: [id], extendedKeyUsage: ['serverAuth'] }],
    ['only clientAuth', { uris: [id], extendedKeyUsage: ['clientAuth'] }],
    ['another purpose', { uris: [id], extendedKeyUsage: ['codeSigning'] }],
  ];
}

/** One that was good once: only validation of its path, with a clock, refuses it. */
export function expiredCertificate(id: string): LeafShape {
  return { uris: [id], notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) };
}

import 'reflect-metadata';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readDer, writeDer } from '../../../src/sidecar/identity/der.ts';
import { makeSigningRequest } from '../../../src/sidecar/identity/signing-request.ts';
import { parseSpiffeId, verifySvid } from '../../../src/sidecar/identity/spiffe.ts';
import { makeCa, type FakeCa } from '../../fakes/ca.ts';
import { forbiddenCertificates } from '../../fakes/forbidden-certificates.ts';

const good = 'spiffe://cluster.local/ns/default/sa/reviews';
let ca: FakeCa;
beforeAll(async () => { ca = await makeCa(); });

describe('a SPIFFE ID', () => {
  test.each([good, 'spiffe://cluster.local/a', 'spiffe://a_b-c.d/..a/b..', `spiffe://d/${'x'.repeat(2037)}`])('%s is one', (text) => {
    expect(parseSpiffeId(text)?.id).toBe(text);
  });
  test.each([
    '', 'spiffe://', 'spiffe:///a', 'spiffe://cluster.local', 'spiffe://cluster.local/', `${good}/`, 'spiffe://cluster.local//a', 'SPIFFE://cluster.local/a', 'spiffe://Cluster.local/a',
    'spiffe://cluster.local/.', 'spiffe://cluster.local/a/../b', 'spiffe://cluster.local/a/./b', `${good}?x=1`, `${good}#x`, 'spiffe://cluster.local/a%2fb', 'spiffe://cluster.local:8080/a',
    'spiffe://user@cluster.local/a', 'spiffe://cluster.local/ü', 'spiffe://cluster.local/a b', 'http://cluster.local/a', 'spiffe:/cluster.local/a', `spiffe://d/${'x'.repeat(2038)}`, `${good}\n`, `${good}\0`,
  ])('%j is none', (text) => { expect(parseSpiffeId(text)).toBeUndefined(); });
});

describe('a workload certificate', () => {
  test('with one SPIFFE ID is taken, with or without extended key usage and other names', async () => {
    for (const shape of [{}, { extendedKeyUsage: 'none' as const }, { dns: ['reviews'] }]) {
      const { der } = await ca.issue({ uris: [good], ...shape });
      expect(verifySvid(der, ['cluster.local'])).toEqual({ ok: true, spiffe: { id: good, trustDomain: 'cluster.local', path: '/ns/default/sa/reviews' } });
    }
  });

  test.each(forbiddenCertificates(good))('with %s is refused', async (_, shape) => {
    const { der } = await ca.issue(shape);
    expect(verifySvid(der, ['cluster.local'])).toMatchObject({ ok: false });
  });

  test('that is damaged is refused, whatever the damage', async () => {
    const { der } = await ca.issue({ uris: [good] });
    fc.assert(fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(der);
      damaged[at] = (damaged[at] ?? 0) ^ flip;
      const result = verifySvid(damaged, ['cluster.local']);
      return !result.ok || parseSpiffeId(result.spiffe.id) !== undefined;
    }));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !verifySvid(Buffer.from(bytes), ['cluster.local']).ok));
  });
});

test('DER that is written is read back', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70_000 }), (bytes) => {
    if (bytes.length > 65_535) return true;
    const [element, ...rest] = readDer(writeDer(0x04, Buffer.from(bytes)));
    return rest.length === 0 && element?.tag === 4 && element.content.equals(Buffer.from(bytes));
  }), { numRuns: 50 });
});

test('a signing request is signed by its key and can be certified', async () => {
  const request = await makeSigningRequest();
  const certificate = await ca.sign(request.pem, good);
  expect(certificate).toContain('BEGIN CERTIFICATE');
  expect(request.key).toContain('BEGIN PRIVATE KEY');
});

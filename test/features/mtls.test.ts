import { describe, expect, test } from 'vitest';
import { autoMtls, composeMtls, inboundMatches, originatedTls, spiffeId, type MtlsMode, type PeerPolicy } from '../../src/features/mtls/compile.ts';
import { ClientTLSSettings, PeerAuthentication } from '../../src/features/mtls/manifest.ts';

const policy = (namespace: string, spec: unknown): PeerPolicy => ({ namespace, spec: PeerAuthentication.parse(spec) });
const reviews = { namespace: 'default', labels: { app: 'reviews' } };
const modeOf = (...policies: readonly PeerPolicy[]): MtlsMode => composeMtls(policies, 'istio-system', reviews).mode;
const mode = (value: string): unknown => ({ mtls: { mode: value } });

describe('the mode of a workload', () => {
  test('is permissive when nobody says anything', () => { expect(modeOf()).toBe('PERMISSIVE'); });
  test('comes from the mesh', () => { expect(modeOf(policy('istio-system', mode('STRICT')))).toBe('STRICT'); });
  test('or from the namespace, which goes before', () => { expect(modeOf(policy('istio-system', mode('STRICT')), policy('default', mode('DISABLE')))).toBe('DISABLE'); });
  test('or from the workload’s own policy', () => {
    expect(modeOf(policy('default', mode('STRICT')), policy('default', { selector: { matchLabels: { app: 'reviews' } }, mtls: { mode: 'PERMISSIVE' } }))).toBe('PERMISSIVE');
    expect(modeOf(policy('default', mode('STRICT')), policy('default', { selector: { matchLabels: { app: 'other' } }, mtls: { mode: 'PERMISSIVE' } }))).toBe('STRICT');
  });
  test('UNSET inherits', () => { expect(modeOf(policy('istio-system', mode('STRICT')), policy('default', mode('UNSET')))).toBe('STRICT'); });
  test('of two the older one counts', () => { expect(modeOf(policy('default', mode('STRICT')), policy('default', mode('DISABLE')))).toBe('STRICT'); });
  test('another namespace’s policy does not', () => { expect(modeOf(policy('other', mode('STRICT')))).toBe('PERMISSIVE'); });
  test('ports differ only by a policy with a selector', () => {
    const ports = { portLevelMtls: { 9080: { mode: 'DISABLE' }, 9090: { mode: 'UNSET' } } };
    expect(composeMtls([policy('default', ports)], 'istio-system', reviews).ports.size).toBe(0);
    const own = policy('default', { selector: { matchLabels: { app: 'reviews' } }, mtls: { mode: 'STRICT' }, ...ports });
    expect([...composeMtls([own], 'istio-system', reviews).ports]).toEqual([[9080, 'DISABLE'], [9090, 'STRICT']]);
  });
});

test('STRICT has no chain for plaintext, DISABLE none that terminates TLS', () => {
  for (const protocol of ['http', 'tcp', 'auto'] as const) {
    expect(inboundMatches('STRICT', protocol).every(({ tls, match }) => tls && match.transportProtocol === 'tls')).toBe(true);
    expect(inboundMatches('DISABLE', protocol).some(({ tls }) => tls)).toBe(false);
    expect(new Set(inboundMatches('PERMISSIVE', protocol).map(({ match }) => JSON.stringify(match))).size).toBe(inboundMatches('PERMISSIVE', protocol).length);
  }
});

test('auto mTLS asks for the identity of the callee and falls back to plaintext by endpoint', () => {
  const matches = autoMtls({ sni: 'outbound_.80_._.a', sans: [spiffeId('cluster.local', 'default', 'a')], http2: false }).transportSocketMatches;
  expect(matches?.map(({ name, match }) => [name, match])).toEqual([['tlsMode-istio', { tlsMode: 'istio' }], ['tlsMode-disabled', {}]]);
  expect(JSON.stringify(matches)).toContain('"exact":"spiffe://cluster.local/ns/default/sa/a"');
});

test('TLS origination verifies the host unless told not to', () => {
  const plain = originatedTls(ClientTLSSettings.parse({ mode: 'SIMPLE' }), { host: 'api.example.com', protocol: 'http' });
  expect(plain.typedConfig).toMatchObject({ sni: 'api.example.com', commonTlsContext: { combinedValidationContext: { validationContextSdsSecretConfig: { name: 'file-root:system' } } } });
  const loose = originatedTls(ClientTLSSettings.parse({ mode: 'SIMPLE', insecureSkipVerify: true, sni: 'x' }), { host: 'api.example.com', protocol: 'http2' });
  expect(loose.typedConfig).toMatchObject({ sni: 'x', commonTlsContext: { alpnProtocols: ['h2'], validationContext: { trustChainVerification: 'ACCEPT_UNTRUSTED' } } });
});

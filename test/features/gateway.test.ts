import { expect, test } from 'vitest';
import { serverKind, serverTransport } from '../../src/features/gateway/compile.ts';
import { Server, ServerTLSSettings } from '../../src/features/gateway/manifest.ts';

test.each<[string, unknown, string]>([
  ['HTTP', undefined, 'http'], ['GRPC', undefined, 'http'], ['HTTPS', { mode: 'SIMPLE', credentialName: 'c' }, 'https'], ['HTTPS', { mode: 'PASSTHROUGH' }, 'tls-passthrough'],
  ['TLS', { mode: 'PASSTHROUGH' }, 'tls-passthrough'], ['TLS', { mode: 'MUTUAL', credentialName: 'c' }, 'tls-terminated'], ['TCP', undefined, 'tcp'], ['HTTP', { httpsRedirect: true }, 'http'],
])('%s with %j is %s', (protocol, tls, kind) => {
  expect(serverKind(Server.parse({ port: { number: 1, protocol, name: 'p' }, hosts: ['*'], ...(tls === undefined ? {} : { tls }) }))).toBe(kind);
});

test('a credential is a secret of Kubernetes, and callers need a certificate only for mutual TLS', () => {
  const simple = serverTransport(ServerTLSSettings.parse({ mode: 'SIMPLE', credentialName: 'web' }), true);
  expect(simple.typedConfig).toMatchObject({ requireClientCertificate: false, commonTlsContext: { alpnProtocols: ['h2', 'http/1.1'], tlsCertificateSdsSecretConfigs: [{ name: 'kubernetes://web' }] } });
  const mutual = serverTransport(ServerTLSSettings.parse({ mode: 'MUTUAL', credentialName: 'web', minProtocolVersion: 'TLSV1_3' }), false);
  expect(mutual.typedConfig).toMatchObject({ requireClientCertificate: true, commonTlsContext: { tlsParams: { tlsMinimumProtocolVersion: 'TLSv1_3' }, combinedValidationContext: { validationContextSdsSecretConfig: { name: 'kubernetes://web-cacert' } } } });
});

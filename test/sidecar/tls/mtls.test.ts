import { once } from 'node:events';
import { connect as connectTcp, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { makeCa, type FakeCa, type Leaf, type LeafShape } from '../../fakes/ca.ts';
import { acceptTls } from '../../../src/sidecar/tls/accept.ts';
import { createConnector } from '../../../src/sidecar/tls/connector.ts';
import { TlsContexts } from '../../../src/sidecar/tls/context.ts';
import { createSecretStore, parseSecrets, type SecretStore } from '../../../src/sidecar/tls/secrets.ts';
import type { UpstreamCluster, UpstreamHost } from '../../../src/sidecar/runtime.ts';
import { any, typeUrl, type Cluster, type CommonTlsContext, type DownstreamTlsContext } from '../../../src/xds/index.ts';

const id = (name: string): string => `spiffe://cluster.local/ns/default/sa/${name}`;
const open: { close(): void }[] = [];
let ca: FakeCa;
let other: FakeCa;
beforeAll(async () => { [ca, other] = await Promise.all([makeCa(), makeCa('another root')]); });
afterEach(() => { for (const one of open.splice(0)) one.close(); });

function store(leaf: Leaf, roots = ca.root): SecretStore {
  const secrets = createSecretStore();
  secrets.setOwn('default', { chain: leaf.certificate, key: leaf.key });
  secrets.setOwn('ROOTCA', { roots });
  return secrets;
}

const mesh = (expected: readonly string[] = []): CommonTlsContext => ({
  tlsCertificateSdsSecretConfigs: [{ name: 'default' }],
  combinedValidationContext: { defaultValidationContext: { matchSubjectAltNames: expected.map((exact) => ({ exact })) }, validationContextSdsSecretConfig: { name: 'ROOTCA' } },
  alpnProtocols: ['istio-peer-exchange', 'h2', 'http/1.1'],
});

interface Serving { readonly port: number; readonly accepted: Promise<string> }

async function serve(secrets: SecretStore, config: DownstreamTlsContext = { commonTlsContext: mesh(), requireClientCertificate: true }): Promise<Serving> {
  let settle: (outcome: string) => void = () => undefined;
  const accepted = new Promise<string>((resolve) => { settle = resolve; });
  const contexts = new TlsContexts(secrets);
  const server: Server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket: Socket) => {
    acceptTls(socket, { config, contexts, trustDomain: 'cluster.local', offered: ['istio-http/1.1', 'istio', 'http/1.1'], timeoutMs: 2000 }).then(
      ({ socket: secured, principal }) => {
        settle(`${principal} ${String(secured.alpnProtocol)} ${String(secured.getProtocol())}`);
        secured.on('error', () => undefined);
        secured.end('hello');
      },
      (error: Error) => { settle(`refused: ${error.message}`); },
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(server);
  return { port: (server.address() as AddressInfo).port, accepted };
}

function clusterTo(port: number, common: CommonTlsContext | undefined, more: Partial<Cluster> = {}): { cluster: UpstreamCluster; host: UpstreamHost } {
  const config: Cluster = {
    name: 'test', connectTimeout: '1s',
    transportSocketMatches: common === undefined ? [] : [{ name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: { name: 'envoy.transport_sockets.tls', typedConfig: any(typeUrl.upstreamTls, { commonTlsContext: common, sni: 'outbound_.80_._.test' }) as never } }],
    ...more,
  };
  const endpoint = { metadata: { filterMetadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' } } } };
  return { cluster: { name: 'test', config } as UpstreamCluster, host: { ip: '127.0.0.1', port, endpoint, address: `127.0.0.1:${port}` } as unknown as UpstreamHost };
}

async function call(secrets: SecretStore, port: number, common: CommonTlsContext | undefined = mesh(), more: Partial<Cluster> = {}): Promise<string> {
  const connector = createConnector({ contexts: new TlsContexts(secrets), trustDomain: 'cluster.local', speaks: 'http' });
  const { cluster, host } = clusterTo(port, common, more);
  try {
    const connection = await connector.connect(cluster, host, new AbortController().signal);
    const said = await new Promise<string>((resolve) => {
      let text = '';
      connection.link.read({ data: (chunk) => { text += chunk.toString(); }, end: () => { resolve(text); }, drain: () => undefined, close: (code) => { resolve(code ?? text); } });
    });
    connection.link.destroy();
    return `${connection.principal} ${said}`;
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
}

test('two workloads verify each other', async () => {
  const server = await serve(store(await ca.workload('default', 'reviews')));
  expect(await call(store(await ca.workload('default', 'productpage')), server.port, mesh([id('reviews')]))).toBe(`${id('reviews')} hello`);
  expect(await server.accepted).toBe(`${id('productpage')} http/1.1 TLSv1.3`);
});

test('a server that is another workload than expected is not spoken to', async () => {
  const server = await serve(store(await ca.workload('default', 'ratings')));
  expect(await call(store(await ca.workload('default', 'productpage')), server.port, mesh([id('reviews')]))).toMatch(/^EPEER: .*ratings/);
});

test('a server of another root is not spoken to, and a client of another root is refused', async () => {
  const server = await serve(store(await other.workload('default', 'reviews'), ca.root));
  expect(await call(store(await ca.workload('default', 'productpage')), server.port)).toMatch(/^EPEER: the certificate is not valid/);
  const second = await serve(store(await ca.workload('default', 'reviews')));
  await call(store(await other.workload('default', 'productpage'), ca.root), second.port);
  expect(await second.accepted).toMatch(/^refused: the certificate is not valid/);
});

describe('a certificate of our root that SPIFFE forbids is refused on both sides', () => {
  test.each<[string, LeafShape]>([
    ['two identities', { uris: [id('a'), id('b')] }], ['no identity', { dns: ['reviews'] }], ['another trust domain', { uris: ['spiffe://evil/ns/default/sa/a'] }],
    ['an authority', { uris: [id('a')], ca: true }], ['no key usage', { uris: [id('a')], keyUsage: 'none' }], ['a path with dots', { uris: ['spiffe://cluster.local/../a'] }],
    ['expired', { uris: [id('a')], notBefore: new Date(Date.now() - 7200_000), notAfter: new Date(Date.now() - 3600_000) }],
    ['not yet valid', { uris: [id('a')], notBefore: new Date(Date.now() + 3600_000), notAfter: new Date(Date.now() + 7200_000) }],
  ])('%s', async (_, shape) => {
    const bad = store(await ca.issue(shape));
    const good = store(await ca.workload('default', 'good'));
    const server = await serve(good);
    await call(bad, server.port);
    expect(await server.accepted).toMatch(/^refused: /);
    expect(await call(good, (await serve(bad)).port)).toMatch(/^EPEER: /);
  });
});

test('a client without a certificate is refused', async () => {
  const server = await serve(store(await ca.workload('default', 'reviews')));
  const socket = connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false });
  socket.on('error', () => undefined);
  expect(await server.accepted).toBe('refused: the peer has no certificate');
});

test('old versions, ciphers without AEAD, garbage and silence do not get through', async () => {
  const secrets = store(await ca.workload('default', 'reviews'));
  for (const options of [{ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }] as const) {
    const server = await serve(secrets);
    connectTls({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false, ...options }).on('error', () => undefined);
    expect(await server.accepted).toMatch(/^refused: /);
  }
  const server = await serve(secrets);
  connectTcp(server.port, '127.0.0.1').on('error', () => undefined).end('GET / HTTP/1.1\r\n\r\n');
  expect(await server.accepted).toMatch(/^refused: /);
});

test('a renewed certificate is used by the next connection', async () => {
  const secrets = store(await ca.workload('default', 'before'));
  const port = (await serve(secrets)).port;
  const client = store(await ca.workload('default', 'client'));
  expect(await call(client, port)).toBe(`${id('before')} hello`);
  const renewed = await ca.workload('default', 'after');
  secrets.setOwn('default', { chain: renewed.certificate, key: renewed.key });
  expect(await call(client, port)).toBe(`${id('after')} hello`);
});

test('two roots are trusted while one is replaced', async () => {
  const server = await serve(store(await ca.workload('default', 'old'), `${ca.root}\n${other.root}`));
  expect(await call(store(await other.workload('default', 'new'), `${other.root}\n${ca.root}`), server.port)).toBe(`${id('old')} hello`);
});

test('a host that does not answer, or refuses, is a failure with a code', async () => {
  const secrets = store(await ca.workload('default', 'client'));
  const held: Socket[] = [];
  const silent = createServer({ pauseOnConnect: true }, (socket) => { held.push(socket); }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  expect(await call(secrets, port, mesh(), { connectTimeout: '0.1s' })).toMatch(/^ETIMEDOUT/);
  for (const socket of held) socket.destroy();
  silent.close();
  await once(silent, 'close');
  expect(await call(secrets, port, mesh())).toMatch(/^(ECONNREFUSED|ECONNRESET)/);
  expect(await call(createSecretStore(), (await serve(secrets)).port)).toMatch(/^ESECRET: the secret default is not here/);
});

test('simple TLS to the outside checks the names that the config asks for', async () => {
  const leaf = await ca.issue({ dns: ['example.com'], extendedKeyUsage: ['serverAuth'] });
  const secrets = createSecretStore();
  secrets.setPushed(parseSecrets([{ name: 'kubernetes://edge', tlsCertificate: { certificateChain: { inlineBytes: Buffer.from(leaf.certificate).toString('base64') }, privateKey: { inlineString: leaf.key } } }]));
  const edge: DownstreamTlsContext = { commonTlsContext: { tlsCertificateSdsSecretConfigs: [{ name: 'kubernetes://edge' }], alpnProtocols: ['h2', 'http/1.1'] } };
  const origination = (exact: string): CommonTlsContext => ({ validationContext: { trustedCa: { inlineString: ca.root }, matchTypedSubjectAltNames: [{ sanType: 'DNS', matcher: { exact } }] } });
  expect(await call(secrets, (await serve(secrets, edge)).port, origination('example.com'))).toBe(' hello');
  expect(await call(secrets, (await serve(secrets, edge)).port, origination('example.org'))).toMatch(/^EPEER: the certificate has none/);
});

test('a workload of an alias of the trust domain is a peer where the config expects that domain, and nowhere else', async () => {
  const server = await serve(store(await ca.workload('default', 'reviews', 'old.local')));
  const expecting = (...domains: readonly string[]): CommonTlsContext => ({
    ...mesh(), combinedValidationContext: { defaultValidationContext: { matchTypedSubjectAltNames: domains.map((domain) => ({ sanType: 'URI', matcher: { exact: `spiffe://${domain}/ns/default/sa/reviews` } })) }, validationContextSdsSecretConfig: { name: 'ROOTCA' } },
  });
  const caller = store(await ca.workload('default', 'productpage'));
  expect(await call(caller, server.port, expecting('cluster.local', 'old.local'))).toContain('spiffe://old.local/ns/default/sa/reviews');
  const again = await serve(store(await ca.workload('default', 'reviews', 'old.local')));
  expect(await call(caller, again.port, expecting('cluster.local'))).toMatch(/^EPEER: .*trust domain/);
});

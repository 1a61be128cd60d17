import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { socketLink } from '../../../src/sidecar/link/index.ts';
import { normalizePath } from '../../../src/routing/index.ts';
import { exchange, oneResponse, startEcho, startProxy, type TestProxyOptions } from './proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const caller = 'spiffe://cluster.local/ns/shop/sa/web';

async function seen(headers: string, options: TestProxyOptions) {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\nx-envoy-peer-metadata: eA==\r\ncontent-length: 2\r\n\r\nok');
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, ...options });
  closing.push(() => proxy.close(), () => upstream.close());
  const { answer } = await exchange(proxy.port, [`GET / HTTP/1.1\r\nHost: a\r\n${headers}\r\n`], oneResponse);
  return { request: upstream.received[0] as string, answer, record: await proxy.record() };
}

const spoofed = 'X-Envoy-Retry-On: 5xx\r\nx-envoy-internal: true\r\nX-Forwarded-Client-Cert: By=evil\r\nx_forwarded_client_cert: evil\r\nContent_Length: 9\r\nX-Envoy-Peer-Metadata: evil\r\nX-Weft-Any: evil\r\n';

describe('headers of a caller who is not trusted', () => {
  it('are removed at the edge, and the caller is added to x-forwarded-for', async () => {
    const { request } = await seen(`${spoofed}X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-App_Own: stays\r\n`, { context: { edge: true, sourceIp: '192.0.2.7' }, manager: { useRemoteAddress: true } });
    expect(request).not.toMatch(/evil|x-envoy-(retry|internal|peer)|content_length/i);
    expect(request).toMatch(/x-app_own: stays\r\n/i);
    expect(request).toMatch(/x-forwarded-for: 9\.9\.9\.9,192\.0\.2\.7\r\n/i);
    expect(request).toMatch(/x-forwarded-proto: http\r\n/i);
  });

  it('lose the client certificate header on plain text in every mode but one', async () => {
    const { request } = await seen('X-Forwarded-Client-Cert: By=evil\r\n', { manager: { forwardClientCertDetails: 'APPEND_FORWARD' } });
    expect(request).not.toMatch(/evil/);
  });
});

describe('the client certificate header at a gateway', () => {
  const shown = { clientCertificate: { element: () => 'Hash=ab' } };
  it.each([
    ['SANITIZE', shown, undefined], ['FORWARD_ONLY', shown, 'By=front'], ['APPEND_FORWARD', shown, 'By=front,Hash=ab'], ['SANITIZE_SET', shown, 'Hash=ab'], ['ALWAYS_FORWARD_ONLY', shown, 'By=front'],
    ['SANITIZE', {}, undefined], ['FORWARD_ONLY', {}, undefined], ['APPEND_FORWARD', {}, undefined], ['SANITIZE_SET', {}, undefined], ['ALWAYS_FORWARD_ONLY', {}, 'By=front'],
  ] as const)('%s with %o', async (forwardClientCertDetails, context, expected) => {
    const { request } = await seen('X-Forwarded-Client-Cert: By=front\r\nx_forwarded_client_cert: evil\r\n', { context: { edge: true, ...context }, manager: { forwardClientCertDetails } });
    expect(/x-forwarded-client-cert: ([^\r]*)\r\n/i.exec(request)?.[1]).toBe(expected);
    expect(request).not.toMatch(/evil/);
  });
});

describe('mTLS', () => {
  const clientCertificate = { element: ({ uri, dns }: { readonly uri: boolean; readonly dns: boolean }) => `Hash=ab${uri ? `;URI=${caller}` : ''}${dns ? ';DNS=web' : ''}` };
  const mtls: TestProxyOptions['context'] = { direction: 'inbound', sourcePrincipal: caller, clientCertificate };
  const told = (peer: object): string => `x-envoy-peer-metadata: ${Buffer.from(JSON.stringify(peer)).toString('base64')}\r\nx-envoy-peer-metadata-id: x\r\n`;

  it('adds the caller’s identity to the client certificate header', async () => {
    const { request } = await seen('X-Forwarded-Client-Cert: By=before\r\n', { context: mtls, manager: { forwardClientCertDetails: 'APPEND_FORWARD', setCurrentClientCertDetails: { uri: true } } });
    expect(request).toMatch(new RegExp(`x-forwarded-client-cert: By=before,By=spiffe://cluster.local/ns/default/sa/test;Hash=ab;URI=${caller}\r\n`, 'i'));
  });

  it('believes what the caller says of itself, and passes none of it on', async () => {
    const peer = { pod: 'shop/web-1', workload: 'web-v2', namespace: 'shop', app: 'web', version: 'v2' };
    const { request, record, answer } = await seen(told(peer), { context: mtls });
    expect(record).toMatchObject({ reporter: 'destination', mtls: true, source: { ...peer, principal: caller }, destination: { workload: 'test' } });
    expect(request + answer).not.toMatch(/peer-metadata/i);
  });

  it('does not believe a namespace that the certificate does not name', async () => {
    const { record } = await seen(told({ workload: 'admin', namespace: 'kube-system', app: 'admin', version: 'v1', pod: 'x' }), { context: mtls });
    expect(record.source).toMatchObject({ namespace: 'shop', workload: 'web', pod: '', principal: caller });
  });

  it('tells the other side who calls, only there', async () => {
    const options = (secure: boolean): TestProxyOptions => ({
      connector: { connect: (_cluster, host) => new Promise((resolve) => { const socket = connect(host.port, host.ip, () => resolve({ link: socketLink(socket), mtls: secure, principal: secure ? 'spiffe://cluster.local/ns/x/sa/y' : '' })); }) },
    });
    const secure = await seen('', options(true));
    expect(secure.record).toMatchObject({ mtls: true, destination: { principal: 'spiffe://cluster.local/ns/x/sa/y' } });
    const sent = /x-envoy-peer-metadata: (\S+)\r\n/.exec(secure.request)?.[1] ?? '';
    expect(JSON.parse(Buffer.from(sent, 'base64').toString())).toEqual({ pod: 'default/test', workload: 'test', namespace: 'default', app: 'test', version: 'v1' });
    expect((await seen(told({ workload: 'spoof' }), options(false))).request).not.toMatch(/peer-metadata/i);
  });
});

describe('traces', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const span = '00f067aa0ba902b7';
  it.each([
    ['traceparent', `traceparent: 00-${trace}-${span}-01\r\n`], ['b3', `b3: ${trace}-${span}-1\r\n`], ['several b3 headers', `x-b3-traceid: ${trace}\r\nx-b3-spanid: ${span}\r\nx-b3-sampled: 1\r\n`],
  ])('continues %s', async (_name, headers) => {
    const { request, record } = await seen(`${headers}x-request-id: mine\r\n`, {});
    expect(record).toMatchObject({ traceId: trace, parentSpanId: span, requestId: 'mine' });
    expect(request).toContain(`traceparent: 00-${trace}-${record.spanId}-01\r\n`);
    expect(request).toContain(`x-b3-spanid: ${record.spanId}\r\n`);
    expect(request).toContain(`x-b3-parentspanid: ${span}\r\n`);
    if (headers.startsWith('b3')) expect(request).toContain(`b3: ${trace}-${record.spanId}-1-${span}\r\n`);
  });

  it('starts one where there is none, or a broken one', async () => {
    const { request, record } = await seen(`traceparent: 00-${'0'.repeat(32)}-${span}-01\r\n`, {});
    expect(record.parentSpanId).toBe('');
    expect(record.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(request.match(/traceparent/g)).toHaveLength(1);
    expect(request).toContain(`x-b3-traceid: ${record.traceId}\r\n`);
  });
});

it.each([
  ['/a/../b', '/b'], ['/./admin', '/admin'], ['/%61dmin', '/admin'], ['/%2e%2e/admin', '/admin'], ['/%2561dmin', '/%2561dmin'], ['/public%2f..%2fadmin', '/admin'], ['/%5cadmin', '/admin'], ['\\admin', '/admin'], ['//admin', '/admin'],
  ['/%2fadmin', '/admin'], ['/a/b/..', '/a/'], ['/..', '/'], ['/a?x=/../%2f', '/a?x=/../%2f'], ['/a/.../b', '/a/.../b'], ['/%e4', '/%e4'],
])('normalises %s to %s', (path, wanted) => {
  expect(normalizePath(path, { normalize: true, mergeSlashes: true, escapedSlashes: 'unescape' })?.path).toBe(wanted);
});

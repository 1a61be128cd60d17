import { createServer, type Http2Server, type ServerHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Cluster } from '../../../src/xds/index.ts';
import { exchange, oneResponse, startProxy, type TestProxyOptions } from '../http/proxy.ts';
import { until } from '../../fakes/wait.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

interface Upstream {
  readonly server: Http2Server;
  readonly port: number;
  connections: number;
}

async function upstreamOf(serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): Promise<Upstream> {
  const server = createServer({ settings: { maxConcurrentStreams: 10 } });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    serve(stream, headers);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const sessions = new Set<{ destroy(): void }>();
  const upstream = { server, port: (server.address() as AddressInfo).port, connections: 0 };
  server.on('session', (session) => { upstream.connections++; sessions.add(session); });
  closing.push(() => { for (const session of sessions) session.destroy(); server.close(); });
  return upstream;
}

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

function http2Cluster(port: number): Cluster {
  return {
    name: 'up', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'up', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
    typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, explicitHttpConfig: { http2ProtocolOptions: {} } } as { '@type': string } },
  };
}

async function proxyTo(port: number, more: TestProxyOptions = {}) {
  const proxy = await startProxy({ clusters: { up: http2Cluster(port) }, ...more });
  closing.push(() => proxy.close());
  return proxy;
}

const get = (port: number, path: string) => exchange(port, [`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`], oneResponse);

it('sends HTTP/1.1 requests on to an HTTP/2 upstream, many on one connection', async () => {
  const waiting: ServerHttp2Stream[] = [];
  const upstream = await upstreamOf((stream, headers) => {
    waiting.push(stream);
    if (waiting.length === 8) for (const one of waiting) { one.respond({ ':status': 200, 'content-length': 2, 'x-seen': String(headers[':authority']) }); one.end('ok'); }
  });
  const proxy = await proxyTo(upstream.port);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => get(proxy.port, `/${index}`)));
  for (const { answer } of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*content-length: 2\r\n\r\nok$/);
  expect(upstream.connections).toBe(1);
  expect(proxy.clusters.get('up')?.use).toMatchObject({ connections: 1, requests: 0, pending: 0 });
});

it('opens another connection when the streams that the upstream allows are taken', async () => {
  const waiting: ServerHttp2Stream[] = [];
  const answer = (stream: ServerHttp2Stream): void => { stream.respond({ ':status': 200, 'content-length': 0 }); stream.end(); };
  const upstream = await upstreamOf((stream, headers) => {
    if (headers[':path'] === '/first') { answer(stream); return; }
    waiting.push(stream);
    if (waiting.length === 25) for (const one of waiting) answer(one);
  });
  const proxy = await proxyTo(upstream.port);
  await get(proxy.port, '/first');
  const answers = await Promise.all(Array.from({ length: 25 }, () => get(proxy.port, '/')));
  for (const { answer: text } of answers) expect(text).toMatch(/^HTTP\/1\.1 200/);
  expect(upstream.connections).toBe(3);
});

it('says what became of a request whose stream is refused, reset or broken off', async () => {
  const upstream = await upstreamOf((stream, headers) => {
    if (headers[':path'] === '/refused') stream.close(7);
    else if (headers[':path'] === '/reset') stream.close(2);
    else {
      stream.respond({ ':status': 200 });
      stream.write('part', () => { setTimeout(() => stream.session?.destroy(), 20); });
    }
  });
  const proxy = await proxyTo(upstream.port);
  expect((await get(proxy.port, '/refused')).answer).toContain('reset reason: remote refused stream reset');
  const broken = await exchange(proxy.port, ['GET /broken HTTP/1.1\r\nHost: a\r\n\r\n']);
  expect(broken).toMatchObject({ closed: true });
  expect(broken.answer).toContain('part');
  expect(broken.answer).not.toMatch(/0\r\n\r\n$/);
  expect((await proxy.record(({ path }) => path === '/broken')).flags).toEqual(['UC']);
});

it('resets the upstream’s stream when the caller goes away, and keeps the connection', async () => {
  const codes: number[] = [];
  const upstream = await upstreamOf((stream, headers) => {
    if (headers[':path'] === '/slow') stream.on('close', () => { codes.push(stream.rstCode); });
    else { stream.respond({ ':status': 200, 'content-length': 0 }); stream.end(); }
  });
  const proxy = await proxyTo(upstream.port);
  void exchange(proxy.port, ['GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'], () => false);
  await until('the request to be there', () => proxy.clusters.get('up')?.use.requests === 1);
  const gone = exchange(proxy.port, ['GET /gone HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse);
  await gone;
  await proxy.close();
  await until('the reset', () => codes.length > 0);
  expect(codes).toEqual([8]);
  expect(upstream.connections).toBe(1);
});

it('sends what a GOAWAY refused to another connection when the policy says so', async () => {
  let calls = 0;
  const upstream = await upstreamOf((stream) => {
    if (++calls === 1) {
      stream.session?.goaway(0, 0);
      stream.session?.close();
      stream.close(7);
      return;
    }
    stream.respond({ ':status': 200, 'content-length': 0 });
    stream.end();
  });
  const proxy = await proxyTo(upstream.port, { routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', retryPolicy: { retryOn: 'refused-stream', numRetries: 2 } } }] });
  expect((await get(proxy.port, '/')).answer).toMatch(/^HTTP\/1\.1 200/);
  expect(upstream.connections).toBe(2);
});

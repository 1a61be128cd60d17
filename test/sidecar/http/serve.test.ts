import { connect, Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { exchange, oneResponse, startEcho, startProxy, startUpstream } from './proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

async function proxyTo(respond: (request: string, count: number) => string, options: Parameters<typeof startProxy>[0] = {}) {
  const upstream = await startEcho(respond);
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, ...options });
  closing.push(() => proxy.close(), () => upstream.close());
  return { upstream, proxy };
}

const ok = (body: string, extra = ''): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${extra}\r\n${body}`;

it('forwards a request and its answer, with framing of its own', async () => {
  const { upstream, proxy } = await proxyTo(() => ok('hello', 'Content-Type: text/plain\r\nConnection: keep-alive\r\n'));
  const { answer } = await exchange(proxy.port, ['GET /a?b=1 HTTP/1.1\r\nHost: reviews:9080\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Keep: 2\r\n\r\n'], oneResponse);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('server: istio-envoy\r\n');
  expect(answer).toContain('x-envoy-upstream-service-time: ');
  expect(answer.endsWith('\r\n\r\nhello')).toBe(true);
  const seen = upstream.received[0] as string;
  expect(seen).toMatch(/^GET \/a\?b=1 HTTP\/1\.1\r\nhost: reviews:9080\r\n/);
  expect(seen).toMatch(/\r\nx-keep: 2\r\n/i);
  expect(seen).not.toMatch(/x-hop|connection|keep-alive/i);
  expect(seen).toMatch(/x-request-id: [0-9a-f-]{36}\r\n/);
  expect(seen).toMatch(/traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-01\r\n/);
  expect(seen).toContain('x-forwarded-proto: http\r\n');
  const record = await proxy.record();
  expect(record).toMatchObject({ status: 200, details: 'via_upstream', flags: [], cluster: 'up', path: '/a?b=1', bytesSent: 5, reporter: 'source', protocol: 'http' });
  expect(record.decision.map(({ stage }) => stage)).toEqual(['listener', 'filter-chain', 'virtual-host', 'route', 'cluster', 'endpoint', 'response']);
});

it('answers pipelined requests in order on one connection', async () => {
  const { upstream, proxy } = await proxyTo((request) => ok(/GET (\S+)/.exec(request)?.[1] ?? ''));
  const { answer } = await exchange(proxy.port, ['GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n'], (text) => text.endsWith('/3'));
  expect([...answer.matchAll(/\r\n\r\n(\/\d)/g)].map(([, path]) => path)).toEqual(['/1', '/2', '/3']);
  expect(upstream.received.length).toBe(1);
});

it('passes chunked bodies with trailers both ways', async () => {
  const { upstream, proxy } = await proxyTo(() => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n');
  const { answer } = await exchange(proxy.port, ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe', 'llo\r\n', '0\r\n\r\n'], (text) => text.endsWith('\r\n\r\n') && text.includes('0\r\n'));
  expect(answer).toContain('transfer-encoding: chunked\r\n');
  expect(answer).toMatch(/\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n$/i);
  expect(upstream.received[0]).toMatch(/transfer-encoding: chunked\r\n\r\n(2\r\nhe\r\n3\r\nllo|5\r\nhello)\r\n0\r\n\r\n$/);
});

it('answers HEAD, 204 and 304 without a body and keeps the connection', async () => {
  const { proxy } = await proxyTo((request) => (request.startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n' : request.includes('/204') ? 'HTTP/1.1 204 No Content\r\n\r\n' : request.includes('/304') ? 'HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n' : ok('end')));
  const { answer } = await exchange(proxy.port, ['HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n'], (text) => text.endsWith('end'));
  expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 204', 'HTTP/1.1 304', 'HTTP/1.1 200']);
  expect(answer).toContain('content-length: 7\r\n');
  expect(answer).toContain('content-length: 9\r\n');
});

it('reads a body up to the end of the upstream connection, and closes for HTTP/1.0', async () => {
  const upstream = await startUpstream((received, socket) => { if (received.endsWith('\r\n\r\n')) { socket.write('HTTP/1.0 200 OK\r\n\r\nfirst '); setImmediate(() => socket.end('second')); } });
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, manager: { httpProtocolOptions: { acceptHttp10: true } } });
  closing.push(() => proxy.close(), () => upstream.close());
  const modern = await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], (text) => text.endsWith('0\r\n\r\n'));
  expect(modern.answer).toMatch(/transfer-encoding: chunked/);
  const old = await exchange(proxy.port, ['GET / HTTP/1.0\r\nHost: a\r\n\r\n']);
  expect(old.closed).toBe(true);
  expect(old.answer).not.toMatch(/transfer-encoding/);
  expect(old.answer).toMatch(/\r\n\r\nfirst second$/);
});

it('answers HTTP/1.0 with 426 where it is not allowed', async () => {
  const { upstream, proxy } = await proxyTo(() => ok('hello'));
  const { answer } = await exchange(proxy.port, ['GET /old HTTP/1.0\r\nHost: a\r\n\r\n']);
  expect(answer).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
  expect(upstream.received).toEqual([]);
  expect(await proxy.record()).toMatchObject({ status: 426, details: 'low_version', flags: [] });
});

it('sends 100 Continue when the body is wanted', async () => {
  const { upstream, proxy } = await proxyTo(() => ok('done'));
  const socket = connect(proxy.port, '127.0.0.1');
  let answer = '';
  await new Promise<void>((resolve) => {
    socket.on('data', (chunk) => {
      if (answer === '') socket.write('abc');
      answer += chunk.toString('latin1');
      if (answer.endsWith('done')) resolve();
    });
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');
  });
  socket.destroy();
  expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  expect(upstream.received[0]).not.toMatch(/expect/i);
});

it('splices a WebSocket after 101', async () => {
  const upstream = await startUpstream((received, socket) => {
    if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nhi');
    else if (received.endsWith('ping')) socket.end('pong');
  });
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, manager: { upgradeConfigs: [{ upgradeType: 'websocket' }] } });
  closing.push(() => proxy.close(), () => upstream.close());
  const { answer } = await exchange(proxy.port, ['GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n', 'ping']);
  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  expect(answer).toMatch(/\r\n\r\nhipong$/);
  expect((await proxy.record()).status).toBe(101);
});

it('says why nothing came: NR, NC, UH, UF, UC', async () => {
  const broken = await startUpstream((_received, socket) => socket.destroy());
  const gone = await startEcho(() => '');
  await gone.close();
  const proxy = await startProxy({
    clusters: { none: [], down: [gone.port], broken: [broken.port] },
    routes: ['none', 'down', 'broken', 'unknown'].map((cluster) => ({ match: { path: `/${cluster}` }, route: { cluster, timeout: '0s' } })),
  });
  closing.push(() => proxy.close(), () => broken.close());
  const call = async (path: string): Promise<string> => (await exchange(proxy.port, [`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`], oneResponse)).answer;
  expect(await call('/none')).toMatch(/^HTTP\/1\.1 503 [^]*no healthy upstream$/);
  expect(await call('/down')).toMatch(/^HTTP\/1\.1 503 [^]*upstream connect error or disconnect\/reset before headers\. reset reason: connection failure$/);
  expect(await call('/broken')).toMatch(/^HTTP\/1\.1 503 [^]*reset reason: connection termination$/);
  expect(await call('/unknown')).toMatch(/^HTTP\/1\.1 503 /);
  expect(await call('/elsewhere')).toMatch(/^HTTP\/1\.1 404 /);
  expect(proxy.records.map(({ flags }) => flags.join())).toEqual(['UH', 'UF', 'UC', 'NC', 'NR']);
});

it('notes a caller that goes away and stops the upstream request', async () => {
  let closed: () => void = () => undefined;
  const upstreamClosed = new Promise<void>((resolve) => { closed = resolve; });
  const caller = new Socket();
  const upstream = await startUpstream((_received, socket) => { socket.on('close', closed); caller.destroy(); });
  const proxy = await startProxy({ clusters: { up: [upstream.port] } });
  closing.push(() => proxy.close(), () => upstream.close());
  caller.connect(proxy.port, '127.0.0.1', () => caller.write('GET /leaves HTTP/1.1\r\nHost: a\r\n\r\n'));
  await upstreamClosed;
  expect(await proxy.record(({ path }) => path === '/leaves')).toMatchObject({ status: 0, flags: ['DC'], details: 'downstream_remote_disconnect' });
});

it('serves by the routes that it had when they are taken away', async () => {
  const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
  closing.push(() => upstream.close());
  let gone = true;
  const proxy = await startProxy({ clusters: { up: [upstream.port] }, routesGone: () => gone });
  closing.push(() => proxy.close());
  const ask = async (): Promise<string> => (await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse)).answer;
  expect(await ask()).toMatch(/^HTTP\/1\.1 404 /);
  gone = false;
  expect(await ask()).toMatch(/^HTTP\/1\.1 200 /);
  gone = true;
  expect(await ask()).toMatch(/^HTTP\/1\.1 200 /);
});

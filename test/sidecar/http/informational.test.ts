import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2, type IncomingHttpHeaders } from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Cluster } from '../../../src/xds/index.ts';
import { exchange, startProxy, startUpstream, type TestProxyOptions } from './proxy.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** A cluster of one host that is spoken to in HTTP/2. */
const http2To = (port: number): Cluster => ({
  name: 'up', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'up', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
  typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, explicitHttpConfig: { http2ProtocolOptions: {} } } as { '@type': string } },
});

async function proxyTo(up: Cluster | readonly number[], manager: TestProxyOptions['manager'] = { proxy100Continue: true }) {
  const proxy = await startProxy({ clusters: { up: up as Cluster }, ...(manager === undefined ? {} : { manager }) });
  closing.unshift(() => proxy.close());
  return proxy;
}

/** An application that speaks HTTP/1.1: hints first, and says by itself whether it wants a body. */
async function application(): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === '/hints') response.writeEarlyHints({ link: '</a.css>; rel=preload' }, () => { response.end('hinted'); });
    else request.resume().on('end', () => { response.end(`expects ${request.headers.expect ?? 'nothing'}`); });
  });
  server.on('checkContinue', (request: IncomingMessage, response) => {
    if (request.headers['x-refuse'] !== undefined) response.writeHead(413, { connection: 'close' }).end('too much');
    else { response.writeContinue(); server.emit('request', request, response); }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => { server.closeAllConnections(); server.close(); });
  return (server.address() as AddressInfo).port;
}

interface Heard { readonly informational: readonly string[]; readonly status: number; readonly body: string }

/** Sends a body only when it is told to continue. */
function post(port: number, headers: Readonly<Record<string, string>> = {}): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const informational: string[] = [];
    const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', agent: false, headers: { host: 'a', 'content-length': '4', expect: '100-continue', ...headers } }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); }).on('end', () => { resolve({ informational, status: response.statusCode ?? 0, body }); });
    });
    request.on('continue', () => { informational.push('100'); request.end('body'); });
    request.on('error', reject);
    request.flushHeaders();
  });
}

it('passes early hints on, but not to HTTP/1.0', async () => {
  const proxy = await proxyTo([await application()], { httpProtocolOptions: { acceptHttp10: true } });
  const ask = async (version: string): Promise<string> => (await exchange(proxy.port, [`GET /hints HTTP/${version}\r\nHost: a\r\nConnection: close\r\n\r\n`])).answer;
  expect(await ask('1.1')).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 OK\r\n[^]*hinted/i);
  expect(await ask('1.0')).toMatch(/^HTTP\/1\.[01] 200 OK\r\n/);
});

it('asks the upstream whether to continue, and passes its word on', async () => {
  const proxy = await proxyTo([await application()]);
  expect(await post(proxy.port)).toEqual({ informational: ['100'], status: 200, body: 'expects 100-continue' });
  expect(await post(proxy.port, { 'x-refuse': '1' })).toEqual({ informational: [], status: 413, body: 'too much' });
});

it('says so itself where the listener says that', async () => {
  const proxy = await proxyTo([await application()], {});
  expect(await post(proxy.port)).toEqual({ informational: ['100'], status: 200, body: 'expects nothing' });
});

it('keeps a 100 to itself that nobody waits for', async () => {
  const upstream = await startUpstream((received, socket) => { if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'); });
  closing.push(() => upstream.close());
  const proxy = await proxyTo([upstream.port]);
  expect((await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'])).answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

it('does the same over HTTP/2 on both sides', async () => {
  const server = createHttp2();
  server.on('checkContinue', (request, response) => { response.writeContinue(); request.resume(); request.on('end', () => { response.end(`expects ${request.headers.expect ?? 'nothing'}`); }); });
  server.on('request', (_request, response) => { response.stream.additionalHeaders({ ':status': 103, link: '</a.css>' }); response.end('hinted'); });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => { server.close(); });
  const proxy = await proxyTo(http2To((server.address() as AddressInfo).port));
  const session = connectHttp2(`http://127.0.0.1:${proxy.port}`);
  closing.unshift(() => { session.destroy(); });
  const call = (headers: Readonly<Record<string, string>>, continues: boolean): Promise<{ readonly hints: readonly unknown[]; readonly continued: boolean; readonly body: string }> => new Promise((resolve, reject) => {
    const hints: unknown[] = [];
    let continued = false;
    let body = '';
    const stream = session.request({ ':path': '/', ...headers }, { endStream: !continues });
    stream.on('headers', (head: IncomingHttpHeaders & { readonly ':status'?: number }) => { hints.push([head[':status'], head['link']]); });
    stream.on('continue', () => { continued = true; stream.end('body'); });
    stream.on('data', (chunk: Buffer) => { body += chunk.toString(); }).on('end', () => { resolve({ hints, continued, body }); }).on('error', reject);
  });
  expect(await call({}, false)).toEqual({ hints: [[103, '</a.css>']], continued: false, body: 'hinted' });
  expect(await call({ ':method': 'POST', expect: '100-continue' }, true)).toMatchObject({ continued: true, body: 'expects 100-continue' });
});

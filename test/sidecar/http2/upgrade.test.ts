import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Cluster } from '../../../src/xds/index.ts';
import { exchange, startProxy, type TestProxyOptions } from '../http/proxy.ts';
import { frame, headers as requestHeaders, preface, say, types } from './raw.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

/** An upstream that upgrades to WebSocket and echoes. */
async function startEchoSocket(): Promise<{ readonly port: number; readonly upgrades: string[]; open(): number; terminate(): void }> {
  const server = createServer((_request, response) => { response.end('plain'); });
  const sockets = new WebSocketServer({ server });
  const upgrades: string[] = [];
  sockets.on('connection', (socket, request) => {
    upgrades.push(request.url ?? '');
    socket.on('message', (data, binary) => { socket.send(data, { binary }); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  closing.push(() => { for (const socket of sockets.clients) socket.terminate(); server.closeAllConnections(); server.close(); });
  return { port: (server.address() as AddressInfo).port, upgrades, open: () => sockets.clients.size, terminate: () => { for (const socket of sockets.clients) socket.terminate(); } };
}

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

async function proxyTo(port: number, more: TestProxyOptions = {}) {
  const up: Cluster = {
    name: 'up', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'up', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
    typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} } } as { '@type': string } },
  };
  const proxy = await startProxy({ clusters: { up }, manager: { upgradeConfigs: [{ upgradeType: 'websocket' }] }, ...more });
  closing.unshift(() => proxy.close());
  return proxy;
}

function talk(url: string, messages: readonly Buffer[]): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const heard: Buffer[] = [];
    socket.on('error', reject);
    socket.on('open', () => { for (const message of messages) socket.send(message); });
    socket.on('message', (data: Buffer) => {
      heard.push(data);
      if (heard.length === messages.length) socket.close();
    });
    socket.on('close', () => { resolve(heard); });
  });
}

it('joins both sides after the 101, whatever is said and however long', async () => {
  const upstream = await startEchoSocket();
  const proxy = await proxyTo(upstream.port);
  const messages = [Buffer.from('hello'), Buffer.alloc(0), Buffer.alloc(500_000, 'x'), Buffer.from([0, 255])];
  const heard = await talk(`ws://127.0.0.1:${proxy.port}/chat`, messages);
  expect(heard.map(({ length }) => length)).toEqual(messages.map(({ length }) => length));
  expect(heard[3]).toEqual(messages[3]);
  expect(upstream.upgrades).toEqual(['/chat']);
  expect(await proxy.record()).toMatchObject({ status: 101, path: '/chat', flags: [] });
});

it('judges before it switches: a refused upgrade never reaches the upstream', async () => {
  const upstream = await startEchoSocket();
  const proxy = await proxyTo(upstream.port, { routes: [{ match: { prefix: '/admin' }, directResponse: { status: 403 } }, { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }] });
  await expect(talk(`ws://127.0.0.1:${proxy.port}/admin`, [Buffer.from('x')])).rejects.toThrow('403');
  expect(upstream.upgrades).toEqual([]);
});

it.each([
  ['allows what the listener does not', [], [{ upgradeType: 'WebSocket' }], 101],
  ['refuses what the listener allows', [{ upgradeType: 'websocket' }], [{ upgradeType: 'websocket', enabled: false }], 403],
  ['says nothing of this protocol', [{ upgradeType: 'websocket' }], [{ upgradeType: 'other' }], 101],
] as const)('a route %s', async (_, upgradeConfigs, own, status) => {
  const upstream = await startEchoSocket();
  const proxy = await proxyTo(upstream.port, { manager: { upgradeConfigs: [...upgradeConfigs] }, routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', upgradeConfigs: [...own] } }] });
  const { answer } = await exchange(proxy.port, ['GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'], (text) => text.includes('\r\n\r\n'));
  expect(answer.slice(9, 12)).toBe(String(status));
  expect(upstream.upgrades).toEqual(status === 101 ? ['/chat'] : []);
});

it('refuses an upgrade that the listener does not allow', async () => {
  const upstream = await startEchoSocket();
  const proxy = await proxyTo(upstream.port, { manager: { upgradeConfigs: [] } });
  await expect(talk(`ws://127.0.0.1:${proxy.port}/`, [Buffer.from('x')])).rejects.toThrow('403');
  expect(upstream.upgrades).toEqual([]);
  expect(await proxy.record()).toMatchObject({ status: 403, details: 'upgrade_failed' });
});

it.each([['foo', 403], ['TLS/1.0', 403], ['websocket, foo', 403], ['h2c', 200]])('answers a wish for %s, where WebSocket is allowed, with %d', async (protocol, status) => {
  const upstream = await startEchoSocket();
  const proxy = await proxyTo(upstream.port);
  const { answer } = await exchange(proxy.port, [`GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`], (text) => text.includes('\r\n\r\n'));
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

describe('extended CONNECT', () => {
  const allowed: TestProxyOptions = { manager: { upgradeConfigs: [{ upgradeType: 'websocket' }], http2ProtocolOptions: { allowConnect: true } } };
  const opened = async (port: number): Promise<ClientHttp2Session> => {
    const session = connect(`http://127.0.0.1:${port}`);
    closing.unshift(() => { session.destroy(); });
    await once(session, 'remoteSettings');
    return session;
  };
  const ask = (session: ClientHttp2Session, path: string, protocol = 'websocket'): ClientHttp2Stream =>
    session.request({ ':method': 'CONNECT', ':protocol': protocol, ':scheme': 'http', ':path': path, ':authority': 'a', 'sec-websocket-version': '13' });
  const answered = async (stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & IncomingHttpStatusHeader> => (await once(stream, 'response'))[0] as IncomingHttpHeaders & IncomingHttpStatusHeader;
  /** A masked message of up to 65,535 bytes; the mask changes nothing. */
  const message = (content: Buffer): Buffer => {
    const head = content.length < 126 ? [0x82, 0x80 | content.length] : [0x82, 0xfe, content.length >> 8, content.length & 255];
    return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), content]);
  };

  it('carries a WebSocket over HTTP/2 to an upstream of HTTP/1.1, beside other requests', async () => {
    const upstream = await startEchoSocket();
    const proxy = await proxyTo(upstream.port, { ...allowed, clusters: { up: [upstream.port] } });
    const session = await opened(proxy.port);
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    const stream = ask(session, '/chat');
    const headers = await answered(stream);
    expect(headers[':status']).toBe(200);
    expect(headers['sec-websocket-accept']).toBeUndefined();
    let heard = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => { heard = Buffer.concat([heard, chunk]); });
    const contents = [Buffer.from('hello'), ...Array.from({ length: 20 }, (_, index) => Buffer.alloc(60_000, index))];
    for (const content of contents) stream.write(message(content));
    const other = session.request({ ':path': '/other' });
    expect((await answered(other))[':status']).toBe(200);
    other.resume();
    const size = contents.reduce((sum, { length }) => sum + length + (length < 126 ? 2 : 4), 0);
    await vi.waitFor(() => { expect(heard.length).toBe(size); }, 10_000);
    expect(heard.subarray(2, 7).toString()).toBe('hello');
    expect(heard.subarray(-60_000).equals(contents.at(-1) as Buffer)).toBe(true);
    expect(upstream.upgrades).toEqual(['/chat']);
    stream.end(Buffer.from([0x88, 0x80, 0, 0, 0, 0]));
    await once(stream, 'close');
    expect(await proxy.record(({ path }) => path === '/chat')).toMatchObject({ status: 101, method: 'GET', flags: [] });
  });

  it('ends both sides when either goes', async () => {
    const upstream = await startEchoSocket();
    const proxy = await proxyTo(upstream.port, allowed);
    const session = await opened(proxy.port);
    const first = ask(session, '/1');
    await answered(first);
    first.close(8);
    await vi.waitFor(() => { expect(upstream.open()).toBe(0); });
    const second = ask(session, '/2');
    second.on('error', () => undefined);
    await answered(second);
    upstream.terminate();
    await once(second, 'close');
  });

  it('is judged before it switches, and another protocol is refused', async () => {
    const upstream = await startEchoSocket();
    const proxy = await proxyTo(upstream.port, { ...allowed, routes: [{ match: { prefix: '/admin' }, directResponse: { status: 401 } }, { match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s' } }] });
    const session = await opened(proxy.port);
    expect((await answered(ask(session, '/admin')))[':status']).toBe(401);
    expect((await answered(ask(session, '/', 'foo')))[':status']).toBe(403);
    expect(upstream.upgrades).toEqual([]);
  });

  it('is not announced where it is not allowed, and ends its stream', async () => {
    const upstream = await startEchoSocket();
    const proxy = await proxyTo(upstream.port);
    const session = await opened(proxy.port);
    expect(session.remoteSettings.enableConnectProtocol).toBe(false);
    const { frames } = await say(proxy.port, [preface, frame(types.settings, 0, 0), requestHeaders(1, [[':method', 'CONNECT'], [':protocol', 'websocket'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']], false)], (seen) => seen.some(({ type }) => type === types.reset));
    expect(frames.find(({ type }) => type === types.reset)).toMatchObject({ id: 1 });
  });

  it('asks for a CONNECT', async () => {
    const upstream = await startEchoSocket();
    const proxy = await proxyTo(upstream.port, allowed);
    const { frames } = await say(proxy.port, [preface, frame(types.settings, 0, 0), requestHeaders(1, [[':method', 'GET'], [':protocol', 'websocket'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']], false)], (seen) => seen.some(({ type }) => type === types.reset));
    expect(frames.find(({ type }) => type === types.reset)).toMatchObject({ id: 1 });
  });
});

it('refuses CONNECT in both versions', async () => {
  const upstream = await startEchoSocket();
  const proxy = await proxyTo(upstream.port);
  const { answer } = await exchange(proxy.port, ['CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n']);
  expect(answer).toMatch(/^HTTP\/1\.1 405 /);
  const session = connect(`http://127.0.0.1:${proxy.port}`);
  const status = await new Promise((resolve) => { session.request({ ':method': 'CONNECT', ':authority': 'a:443' }).on('response', (headers) => { resolve(headers[':status']); }).on('error', resolve); });
  expect(status).toBe(405);
  session.destroy();
});

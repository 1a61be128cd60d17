import { createServer } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { Cluster } from '../../../src/xds/index.ts';
import { exchange, startProxy, type TestProxyOptions } from '../http/proxy.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

/** An upstream that upgrades to WebSocket and echoes. */
async function startEchoSocket(): Promise<{ readonly port: number; readonly upgrades: string[] }> {
  const server = createServer((_request, response) => { response.end('plain'); });
  const sockets = new WebSocketServer({ server });
  const upgrades: string[] = [];
  sockets.on('connection', (socket, request) => {
    upgrades.push(request.url ?? '');
    socket.on('message', (data, binary) => { socket.send(data, { binary }); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  closing.push(() => { for (const socket of sockets.clients) socket.terminate(); server.closeAllConnections(); server.close(); });
  return { port: (server.address() as AddressInfo).port, upgrades };
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

it('takes an upgrade that the listener does not allow for a plain request', async () => {
  const upstream = await startEchoSocket();
  const proxy = await proxyTo(upstream.port, { manager: { upgradeConfigs: [] } });
  await expect(talk(`ws://127.0.0.1:${proxy.port}/`, [Buffer.from('x')])).rejects.toThrow('200');
  expect(upstream.upgrades).toEqual([]);
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

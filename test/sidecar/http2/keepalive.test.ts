import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../../src/xds/index.ts';
import { exchange, oneResponse, startEcho, startProxy } from '../http/proxy.ts';
import { frame, headers, preface, say, types } from './raw.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const options = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
const keepalive = { interval: '0.05s', timeout: '0.15s' };
const http2 = (port: number): Cluster => ({
  name: 'up', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'up', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
  typedExtensionProtocolOptions: { [options]: { '@type': `type.googleapis.com/${options}`, explicitHttpConfig: { http2ProtocolOptions: { connectionKeepalive: keepalive } } } as { '@type': string } },
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return (server.address() as AddressInfo).port;
}

describe('an upstream', () => {
  it('that answers no PING loses its connection, and the next request finds another', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => undefined);
      sockets.push(socket);
      socket.write(frame(types.settings, 0, 0));
    });
    const port = await listening(server);
    const proxy = await startProxy({ clusters: { up: http2(port) } });
    closing.push(() => proxy.close(), () => { for (const socket of sockets) socket.destroy(); server.close(); });
    for (const connection of [1, 2]) {
      const { answer } = await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], oneResponse);
      expect(answer).toMatch(/^HTTP\/1\.1 503 /);
      expect(sockets).toHaveLength(connection);
    }
    expect(proxy.records.map(({ flags }) => flags)).toEqual([['UC'], ['UC']]);
    expect(proxy.clusters.get('up')?.use.connections).toBe(0);
  });

  it('that answers them may take its time', async () => {
    const server = createHttp2Server((_request, response) => { setTimeout(() => response.end('late'), 600); });
    const port = await listening(server);
    const proxy = await startProxy({ clusters: { up: http2(port) } });
    closing.push(() => proxy.close(), () => { server.close(); });
    const { answer } = await exchange(proxy.port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'], (text) => text.endsWith('0\r\n\r\n'));
    expect(answer).toContain('late');
  });
});

describe('a caller', () => {
  const start = async (alive: boolean) => {
    const upstream = await startEcho(() => 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    const proxy = await startProxy({ clusters: { up: [upstream.port] }, manager: { http2ProtocolOptions: alive ? { connectionKeepalive: keepalive } : {} } });
    closing.push(() => proxy.close(), () => upstream.close());
    return proxy;
  };

  it('that answers no PING is left', async () => {
    const proxy = await start(true);
    const { frames, closed } = await say(proxy.port, [preface, frame(types.settings, 0, 0), headers(1, [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']])], () => false, 2000);
    expect(closed).toBe(true);
    expect(frames.filter(({ type }) => type === types.ping)).toHaveLength(1);
  });

  it('is not asked where nothing says so', async () => {
    const proxy = await start(false);
    const { frames, closed } = await say(proxy.port, [preface, frame(types.settings, 0, 0)], () => false, 500);
    expect(closed).toBe(false);
    expect(frames.filter(({ type }) => type === types.ping)).toHaveLength(0);
  });
});

import 'reflect-metadata';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';
import type { DrainSettings } from '../../src/contract/index.ts';
import { createSystemClock } from '../../src/sidecar/config/system-clock.ts';
import { startSidecar, type Sidecar } from '../../src/sidecar/main.ts';
import { any, typeUrl, type Listener } from '../../src/xds/index.ts';
import { makeCa, type FakeCa } from '../fakes/ca.ts';
import { startFakeControlPlane } from '../fakes/control-plane.ts';
import { calleeConfig } from '../fakes/mesh.ts';
import { until } from '../fakes/wait.ts';

const open: (() => Promise<unknown> | void)[] = [];
let ca: FakeCa;
beforeAll(async () => { ca = await makeCa(); });
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

interface Callee {
  readonly sidecar: Sidecar;
  readonly port: number;
  /** Puts another inbound config in force. */
  change(protocol: 'http' | 'tcp', mode: 'STRICT' | 'PERMISSIVE' | 'DISABLE', edit?: (listener: Listener) => Listener): Promise<void>;
}

/** A sidecar in front of a server, whose inbound listener takes plaintext. */
async function callee(server: Server, protocol: 'http' | 'tcp', drain?: DrainSettings): Promise<Callee> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => { server.close(); });
  const { port } = server.address() as AddressInfo;
  const plane = await startFakeControlPlane(ca, { 'default/server': 'spiffe://cluster.local/ns/default/sa/server' });
  open.push(() => plane.stop());
  const sidecar = await startSidecar({
    node: 'sidecar~127.0.0.1~server.default~default.svc.cluster.local', proxy: 'default/server', type: 'sidecar', ip: '127.0.0.1', namespace: 'default', serviceAccount: 'server', workload: 'server', labels: {},
    trustDomain: 'cluster.local', domainSuffix: 'cluster.local', controlPlane: { host: '127.0.0.1', port: plane.port }, token: 't', roots: ca.root, probes: [], recordsPerSecond: 1000, ...(drain === undefined ? {} : { drain }),
  }, {
    clock: createSystemClock(), random: Math.random, originalDestination: () => ({ ip: '127.0.0.1', port }), resolve: () => Promise.resolve([]), dns: { ip: '127.0.0.1', port: 9 },
    bind: () => ({ host: '127.0.0.1', port: 0 }), probeSource: undefined, output: () => undefined,
  });
  open.push(() => sidecar.stop(0));
  let version = 0;
  const change: Callee['change'] = async (next, mode, edit = (listener) => listener) => {
    const config = calleeConfig(port, next, mode);
    plane.push('default/server', { ...config, listener: (config.listener ?? []).map((listener) => edit(listener as Listener)), secret: [] });
    version += 1;
    await until('the config to be acknowledged', async () => (await page(sidecar, '/config_dump')).includes(`"v${version}"`), 10_000);
  };
  await change(protocol, 'DISABLE');
  return { sidecar, port: sidecar.port(15006) ?? 0, change };
}

async function page(sidecar: Sidecar, path: string, method = 'GET'): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${sidecar.port(15000)}${path}`, { method })).text();
}

/** A TCP connection that says something and hears it back. */
async function echoing(port: number): Promise<{ readonly socket: Socket; say(text: string): Promise<string>; readonly closed: () => boolean }> {
  const socket = connect({ port, host: '127.0.0.1' });
  open.push(() => { socket.destroy(); });
  let closed = false;
  socket.on('error', () => undefined).on('close', () => { closed = true; });
  const say = async (text: string): Promise<string> => { socket.write(text); return String((await once(socket, 'data') as [Buffer])[0]); };
  expect(await say('hello')).toBe('hello');
  return { socket, say, closed: () => closed };
}

const echo = (): Server => createServer((socket) => { socket.on('error', () => undefined); socket.pipe(socket); });
const deny = (listener: Listener): Listener => ({
  ...listener, filterChains: (listener.filterChains ?? []).map((chain) => ({
    ...chain, filters: [{ name: 'envoy.filters.network.rbac', typedConfig: any(typeUrl.networkRbac, { statPrefix: 'x', rules: { action: 'DENY', policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } } }) as never }, ...(chain.filters ?? [])],
  })),
});
const allow = (listener: Listener): Listener => ({
  ...listener, filterChains: (listener.filterChains ?? []).map((chain) => ({
    ...chain, filters: [{ name: 'envoy.filters.network.rbac', typedConfig: any(typeUrl.networkRbac, { statPrefix: 'x', rules: { action: 'ALLOW', policies: { all: { permissions: [{ any: true }], principals: [{ any: true }] } } } }) as never }, ...(chain.filters ?? [])],
  })),
});

test('a TCP connection that a new policy denies, or whose plaintext a new mode refuses, ends at once', async () => {
  const { port, change } = await callee(echo(), 'tcp');
  const before = await echoing(port);
  await change('tcp', 'DISABLE', deny);
  await until('the connection to end', before.closed);
  await change('tcp', 'DISABLE');
  const again = await echoing(port);
  await change('tcp', 'STRICT');
  await until('the connection to end', again.closed);
});

test('a TCP connection whose chain has changed goes on for the drain time; one whose chain is the same goes on', async () => {
  const { port, change } = await callee(echo(), 'tcp', { change: 1, termination: 5, untilNoConnections: false });
  const connection = await echoing(port);
  await change('tcp', 'DISABLE', (listener) => ({ ...listener, filterChains: (listener.filterChains ?? []).map((chain) => ({ ...chain, metadata: { filterMetadata: { 'dev.weft': { line: 7 } } } })) }));
  expect(await connection.say('still here')).toBe('still here');
  await change('tcp', 'DISABLE', allow);
  expect(await connection.say('for a while')).toBe('for a while');
  await until('the connection to be cut', connection.closed, 5000);
});

test('HTTP connections that the listeners would not take any more say good-bye: idle ones close, busy ones after their answer', async () => {
  const held: (() => void)[] = [];
  const server = createHttp((request, response) => { if (request.url === '/held') held.push(() => { response.end('held'); }); else response.end('ok'); });
  open.push(() => { server.closeAllConnections(); });
  const { port, change } = await callee(server, 'http');
  const http1 = (path: string): Socket => {
    const socket = connect({ port, host: '127.0.0.1' });
    open.push(() => { socket.destroy(); });
    socket.on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: server\r\n\r\n`);
    return socket;
  };
  const idle = http1('/');
  await once(idle, 'data');
  const idleGone = once(idle, 'end');
  const busy = http1('/held');
  let answer = '';
  busy.on('data', (chunk: Buffer) => { answer += chunk.toString(); });
  const busyGone = once(busy, 'close');
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  open.push(() => { session.destroy(); });
  const goaway = once(session, 'goaway');
  const stream = session.request({ ':path': '/held' });
  let streamed = '';
  stream.on('data', (chunk: Buffer) => { streamed += chunk.toString(); });
  const streamGone = once(stream, 'close');
  await until('both to be held', () => held.length === 2);
  await change('http', 'STRICT');
  await idleGone;
  await goaway;
  for (const release of held) release();
  await Promise.all([busyGone, streamGone]);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close\r\n[^]*held$/);
  expect(streamed).toBe('held');
});

test('a request that was on its way when its connection was to end is answered, on a new connection as on an idle one, and then told good-bye', async () => {
  const server = createHttp((_request, response) => { response.end('ok'); });
  open.push(() => { server.closeAllConnections(); });
  const { port, sidecar, change } = await callee(server, 'http', { change: 45, termination: 5, untilNoConnections: false });
  const dial = async (): Promise<{ readonly socket: Socket; ask(): Promise<string> }> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    open.push(() => { socket.destroy(); });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    const answered = (): Promise<string> => new Promise((resolve) => {
      socket.once('data', (chunk: Buffer) => { resolve(chunk.toString()); }).once('close', () => { resolve('closed'); });
    });
    return { socket, ask: async () => { socket.write('GET / HTTP/1.1\r\nHost: server\r\n\r\n'); return await answered(); } };
  };
  const kept = await dial();
  expect(await kept.ask()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?![^]*connection: close)/);
  await change('http', 'STRICT');
  expect(await kept.ask()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close/);
  await change('http', 'DISABLE');
  const silent = await dial();
  await until('it to be known', async () => /server.total_connections: 1$/m.test(await page(sidecar, '/stats')));
  const stopped = sidecar.stop();
  expect(await silent.ask()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*connection: close/);
  await stopped;
});

test('drain_listeners takes no connections any more, and a config that comes after it opens none', async () => {
  const { port, sidecar, change } = await callee(echo(), 'tcp', { change: 0.5, termination: 5, untilNoConnections: false });
  const connection = await echoing(port);
  expect(await page(sidecar, '/drain_listeners?inboundonly', 'POST')).toBe('OK\n');
  const refused = (): Promise<string> => new Promise((resolve) => { const socket = connect({ port, host: '127.0.0.1' }); socket.on('error', (error: NodeJS.ErrnoException) => { resolve(error.code ?? ''); }).on('connect', () => { socket.destroy(); resolve('connected'); }); });
  expect(await refused()).toBe('ECONNREFUSED');
  await change('tcp', 'PERMISSIVE');
  expect(await refused()).toBe('ECONNREFUSED');
  await until('what is left to be cut', connection.closed, 5000);
});

test.each([
  ['for the time that it is given', { change: 45, termination: 1, untilNoConnections: false }, false],
  ['until there are none, when it is told so', { change: 45, termination: 0, untilNoConnections: true }, true],
] as const)('a proxy that is told to stop serves its connections %s', async (_, drain, waits) => {
  const { port, sidecar } = await callee(echo(), 'tcp', drain);
  const connection = await echoing(port);
  let over = false;
  const stopped = sidecar.stop().then(() => { over = true; });
  expect(await connection.say('one more')).toBe('one more');
  // Whoever has not heard of it yet is served too.
  const late = await echoing(port);
  late.socket.end();
  await until('the proxy to say that it is leaving', async () => (await page(sidecar, '/ready')) === 'DRAINING\n');
  if (waits) {
    for (let round = 0; round < 10; round++) expect(await connection.say('and on')).toBe('and on');
    expect(over).toBe(false);
    connection.socket.end();
  }
  await stopped;
  await until('the connection to have ended', connection.closed);
});

import 'reflect-metadata';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { SidecarSettings } from '../../src/contract/index.ts';
import { createSystemClock } from '../../src/sidecar/config/system-clock.ts';
import type { Address } from '../../src/sidecar/link/index.ts';
import { startSidecar, type Sidecar } from '../../src/sidecar/main.ts';
import { makeCa, type FakeCa } from '../fakes/ca.ts';
import { startFakeControlPlane, type FakeControlPlane } from '../fakes/control-plane.ts';
import { calleeConfig, callerConfig } from '../fakes/mesh.ts';
import { until } from '../fakes/wait.ts';

const id = (name: string): string => `spiffe://cluster.local/ns/default/sa/${name}`;
const open: (() => Promise<unknown> | void)[] = [];
let ca: FakeCa;
beforeAll(async () => { ca = await makeCa(); });
afterEach(async () => { for (const close of open.splice(0).reverse()) await close(); });

interface Pod {
  readonly sidecar: Sidecar;
  readonly output: string[];
}

async function pod(name: string, plane: FakeControlPlane, destination: () => Address, more: Partial<SidecarSettings> = {}): Promise<Pod> {
  const output: string[] = [];
  const settings: SidecarSettings = {
    node: `sidecar~127.0.0.1~${name}.default~default.svc.cluster.local`, proxy: `default/${name}`, type: 'sidecar', ip: '127.0.0.1', namespace: 'default', serviceAccount: name, workload: `${name}-v1`,
    labels: { app: name, version: 'v1' }, trustDomain: 'cluster.local', domainSuffix: 'cluster.local', controlPlane: { host: '127.0.0.1', port: plane.port }, token: 't', roots: ca.root, probes: [], recordsPerSecond: 1000, ...more,
  };
  const sidecar = await startSidecar(settings, {
    clock: createSystemClock(), random: Math.random, originalDestination: destination, resolve: () => Promise.resolve(['127.0.0.1']), dns: { ip: '127.0.0.1', port: 9 },
    bind: () => ({ host: '127.0.0.1', port: 0 }), probeSource: undefined, output: (text) => { output.push(text); },
  });
  open.push(() => sidecar.stop(100));
  return { sidecar, output };
}

async function httpServer(): Promise<number> {
  const server = createHttp((request, response) => { response.end(`${request.method} ${request.url} ${request.headers['x-forwarded-client-cert'] ?? 'no xfcc'}`); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => { server.closeAllConnections(); server.close(); });
  return (server.address() as AddressInfo).port;
}

async function tcpServer(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => { socket.on('error', () => undefined); serve(socket); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => { server.close(); });
  return (server.address() as AddressInfo).port;
}

/** A wire tap in front of a port: passes bytes on and keeps the first of them. */
async function tap(port: () => number): Promise<{ port: number; bytes: () => Buffer }> {
  const chunks: Buffer[] = [];
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    const up = connect({ port: port(), host: '127.0.0.1', allowHalfOpen: true });
    for (const one of [socket, up]) one.on('error', () => { socket.destroy(); up.destroy(); });
    socket.on('data', (chunk: Buffer) => { chunks.push(chunk); });
    socket.pipe(up).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => { server.close(); });
  return { port: (server.address() as AddressInfo).port, bytes: () => Buffer.concat(chunks) };
}

/** Says something to a port and reads until the end. */
function talk(port: number, text: string, half = true): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let said = '';
    socket.on('data', (chunk: Buffer) => { said += chunk.toString('latin1'); });
    socket.on('end', () => { socket.end(); });
    socket.on('error', (error: NodeJS.ErrnoException) => { said += `[${error.code}]`; });
    socket.on('close', () => { resolve(said); });
    if (half) socket.end(text);
    else socket.write(text);
  });
}

const get = (port: number, path = '/hello'): Promise<string> => talk(port, `GET ${path} HTTP/1.1\r\nhost: server:80\r\nconnection: close\r\n\r\n`, false);

interface Pair {
  readonly plane: FakeControlPlane;
  readonly client: Pod;
  readonly server: Pod;
  readonly wire: { bytes: () => Buffer };
  readonly outbound: number;
  readonly inbound: number;
}

async function pair(protocol: 'http' | 'tcp', mode: 'STRICT' | 'PERMISSIVE' | 'DISABLE', port: number, identity = id('server'), lifetimeMs?: number): Promise<Pair> {
  const plane = await startFakeControlPlane(ca, { 'default/client': id('client'), 'default/server': id('server') }, lifetimeMs);
  open.push(() => plane.stop());
  const server = await pod('server', plane, () => ({ ip: '127.0.0.1', port }));
  const client = await pod('client', plane, () => ({ ip: '10.0.0.1', port: 80 }));
  plane.push('default/server', { ...calleeConfig(port, protocol, mode), secret: [] });
  const inbound = await until('the inbound listener', () => server.sidecar.port(15006));
  const wire = await tap(() => inbound);
  plane.push('default/client', { ...callerConfig({ host: 'server.default.svc.cluster.local', port: 80, protocol, endpoint: { ip: '127.0.0.1', port: wire.port }, identity, mtls: mode !== 'DISABLE' }), secret: [] });
  const outbound = await until('the outbound listener', () => client.sidecar.port(15001));
  await until('both to be ready', () => client.sidecar.ready && server.sidecar.ready);
  return { plane, client, server, wire, outbound, inbound };
}

const records = (plane: FakeControlPlane, proxy: string) => plane.seen(`default/${proxy}`).telemetry.flatMap((batch) => batch.records);

describe('HTTP between two sidecars', () => {
  test('goes by mTLS, with both identities in both records', async () => {
    const { plane, wire, outbound } = await pair('http', 'STRICT', await httpServer());
    const answer = await get(outbound);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain('GET /hello');
    expect(wire.bytes()[0]).toBe(22);
    expect(wire.bytes().includes('/hello')).toBe(false);
    const [source] = await until('the source record', () => { const found = records(plane, 'client'); return found.length > 0 && found; });
    const [destination] = await until('the destination record', () => { const found = records(plane, 'server'); return found.length > 0 && found; });
    expect(source).toMatchObject({ reporter: 'source', status: 200, mtls: true, service: 'server.default.svc.cluster.local', destination: { workload: 'server-v1', principal: id('server') } });
    expect(destination).toMatchObject({ reporter: 'destination', status: 200, mtls: true, source: { principal: id('client') } });
    await until('metrics', () => plane.seen('default/server').telemetry.flatMap(({ metrics }) => metrics).some(({ labels, requests }) => requests === 1 && labels.connection_security_policy === 'mutual_tls'));
  });

  test('STRICT refuses plaintext, PERMISSIVE takes both, DISABLE is in the clear', async () => {
    const strict = await pair('http', 'STRICT', await httpServer());
    expect(await get(strict.inbound)).not.toContain('HTTP/1.1 200');
    await until('the record of the refusal', () => records(strict.plane, 'server').some(({ flags }) => flags.includes('NR')));
    const permissive = await pair('http', 'PERMISSIVE', await httpServer());
    expect(await get(permissive.inbound)).toContain('HTTP/1.1 200');
    expect(await get(permissive.outbound)).toContain('HTTP/1.1 200');
    expect(permissive.wire.bytes()[0]).toBe(22);
    const disabled = await pair('http', 'DISABLE', await httpServer());
    expect(await get(disabled.outbound)).toContain('HTTP/1.1 200');
    expect(disabled.wire.bytes().includes('/hello')).toBe(true);
  });

  test('a server that is not who is expected gets no request', async () => {
    const { plane, outbound, wire } = await pair('http', 'STRICT', await httpServer(), id('somebody-else'));
    expect(await get(outbound)).toContain('HTTP/1.1 503');
    expect(wire.bytes().includes('/hello')).toBe(false);
    await until('the record', () => records(plane, 'client').some(({ flags }) => flags.includes('UF')));
  });

  test('goes on without the control plane, and what changed meanwhile comes when it is back', async () => {
    const { plane, outbound } = await pair('http', 'STRICT', await httpServer());
    await plane.stop();
    expect(await get(outbound)).toContain('HTTP/1.1 200');
    await plane.start();
    await until('both to be back', () => plane.seen('default/client').connections === 2);
    await until('the record that was kept', () => records(plane, 'client').length === 1);
    const again = plane.seen('default/client').requests.filter(({ responseNonce }) => responseNonce === '').slice(-6);
    expect(again.every(({ versionInfo }) => versionInfo !== '')).toBe(true);
  });

  test('config that cannot be used is rejected with its reason, and the last good stays', async () => {
    const { plane, outbound } = await pair('http', 'STRICT', await httpServer());
    const bad = { name: '80', virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: { safeRegex: { regex: '(' } }, route: { cluster: 'x' } }] }] };
    plane.push('default/client', { route: [bad] });
    const nack = await until('the rejection', () => plane.seen('default/client').requests.find(({ errorDetail }) => errorDetail !== undefined));
    expect(nack.errorDetail?.message).not.toBe('');
    expect(nack.versionInfo).not.toBe('');
    expect(await get(outbound)).toContain('HTTP/1.1 200');
  });
});

describe('identity', () => {
  test('is renewed at half of its life, and nothing fails meanwhile', async () => {
    const { plane, outbound } = await pair('http', 'STRICT', await httpServer(), id('server'), 3000);
    const answers: string[] = [];
    await until('two renewals', async () => {
      answers.push((await get(outbound)).slice(0, 12));
      return plane.seen('default/client').csrs >= 3 && plane.seen('default/server').csrs >= 3;
    }, 10_000);
    expect(new Set(answers)).toEqual(new Set(['HTTP/1.1 200']));
  }, 15_000);
});

describe('TCP between two sidecars', () => {
  test('is echoed with half-close over mTLS and recorded', async () => {
    const { plane, outbound, wire } = await pair('tcp', 'STRICT', await tcpServer((socket) => { socket.pipe(socket); }));
    const text = 'x'.repeat(300_000);
    expect(await talk(outbound, text)).toHaveLength(text.length);
    expect(wire.bytes()[0]).toBe(22);
    const [record] = await until('the record', () => { const found = records(plane, 'client'); return found.length > 0 && found; });
    expect(record).toMatchObject({ protocol: 'tcp', bytesReceived: 300_000, bytesSent: 300_000, mtls: true, flags: [], destination: { workload: 'server-v1', principal: id('server') } });
    const metrics = await until('both counts', () => {
      const all = plane.seen('default/client').telemetry.flatMap((batch) => batch.metrics);
      return all.some(({ tcpClosed }) => tcpClosed === 1) && all;
    });
    expect(metrics.reduce((sum, { tcpSent }) => sum + tcpSent, 0)).toBe(300_000);
  });

  test('a server that speaks first is heard', async () => {
    const { outbound } = await pair('tcp', 'PERMISSIVE', await tcpServer((socket) => { socket.end('220 hello\r\n'); }));
    expect(await talk(outbound, '', false)).toBe('220 hello\r\n');
  });

  test('no host gives UH, a host that refuses gives UF', async () => {
    const gone = await tcpServer(() => undefined);
    const { plane, server, outbound } = await pair('tcp', 'STRICT', gone);
    await server.sidecar.stop(0);
    await talk(outbound, 'x');
    await until('UF or UC', () => records(plane, 'client').some(({ flags }) => flags.includes('UF')));
    plane.push('default/client', { endpoint: [] });
    await until('the push to be in force', () => plane.seen('default/client').requests.filter(({ responseNonce }) => responseNonce.startsWith('endpoint')).length >= 2);
    await talk(outbound, 'x');
    await until('UH', () => records(plane, 'client').some(({ flags }) => flags.includes('UH')));
  });
});

test('the proxy’s own ports are not proxied to', async () => {
  const plane = await startFakeControlPlane(ca, { 'default/server': id('server') });
  open.push(() => plane.stop());
  for (const port of [15000, 15001, 15006, 15053]) {
    const { sidecar } = await pod('server', plane, () => ({ ip: '127.0.0.1', port }));
    plane.push('default/server', { ...calleeConfig(port, 'tcp', 'DISABLE'), secret: [] });
    const inbound = await until('the inbound listener', () => sidecar.port(15006));
    expect(await talk(inbound, 'x')).toMatch(/^(\[ECONNRESET\]|\[EPIPE\])?$/);
    await sidecar.stop(0);
  }
});

test('admin, health and metrics answer, and show no key', async () => {
  const { client, server } = await pair('http', 'STRICT', await httpServer());
  const page = (port: number, path: string): Promise<string> => get(client.sidecar.port(port) ?? 0, path);
  expect(await page(15021, '/healthz/ready')).toContain('LIVE');
  for (const path of ['/ready', '/server_info', '/config_dump', '/clusters', '/listeners', '/certs', '/stats', '/stats/prometheus']) {
    const answer = await page(15000, path);
    expect(answer).toMatch(/^HTTP\/1\.1 200/);
    expect(answer).not.toContain('PRIVATE KEY');
  }
  expect(await page(15000, '/quit')).toMatch(/^HTTP\/1\.1 404/);
  await get(client.sidecar.port(15001) ?? 0);
  await until('metrics', async () => (await page(15090, '/stats/prometheus')).includes('istio_requests_total{'));
  const connections = (): Promise<string> => get(server.sidecar.port(15000) ?? 0, '/stats');
  expect(await connections()).toContain('server.total_connections: 1\n');
  await client.sidecar.stop(100);
  await until('the server to forget the connection', async () => (await connections()).includes('server.total_connections: 0\n'));
});

test('stopping lets what is under way finish', async () => {
  const held: (() => void)[] = [];
  const server = createHttp((_, response) => { held.push(() => { response.end('done'); }); }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => { server.closeAllConnections(); server.close(); });
  const { client, outbound } = await pair('http', 'STRICT', (server.address() as AddressInfo).port);
  const answer = get(outbound);
  await until('the request', () => held.length === 1);
  const stopped = client.sidecar.stop(5000);
  held[0]?.();
  expect(await answer).toContain('done');
  await stopped;
  expect(await get(outbound)).toContain('ECONNREFUSED');
});

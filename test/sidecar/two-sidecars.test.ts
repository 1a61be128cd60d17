import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startFakeControlPlane, type FakeControlPlane } from '../fakes/control-plane.ts';
import { get, id, sidecarBench, talk, type SidecarBench } from '../fakes/sidecar-pair.ts';
import { calleeConfig, callerConfig } from '../fakes/mesh.ts';
import { until } from '../fakes/wait.ts';

let bench: SidecarBench;
beforeAll(async () => { bench = await sidecarBench(); });
afterEach(() => bench.close());
const pair: SidecarBench['pair'] = (...given) => bench.pair(...given);
const pod: SidecarBench['pod'] = (...given) => bench.pod(...given);
const httpServer: SidecarBench['httpServer'] = () => bench.httpServer();
const tcpServer: SidecarBench['tcpServer'] = (serve) => bench.tcpServer(serve);

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
  const plane = await startFakeControlPlane(bench.ca, { 'default/server': id('server') });
  bench.defer(() => plane.stop());
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
  bench.defer(() => { server.closeAllConnections(); server.close(); });
  const { client, outbound } = await pair('http', 'STRICT', (server.address() as AddressInfo).port);
  const answer = get(outbound);
  await until('the request', () => held.length === 1);
  const stopped = client.sidecar.stop(5000);
  held[0]?.();
  expect(await answer).toContain('done');
  await stopped;
  expect(await get(outbound)).toContain('ECONNREFUSED');
});

import 'reflect-metadata';
import { connect as connectTcp } from 'node:net';
import { X509Certificate } from 'node:crypto';
import { connect as connectTls, createServer as createTls, type ConnectionOptions } from 'node:tls';
import { once } from 'node:events';
import { request as httpRequest, Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createRoot } from '../../src/core/control/root.ts';
import { makeCa, type Leaf } from '../fakes/ca.ts';
import { expiredCertificate, forbiddenCertificates } from '../fakes/forbidden-certificates.ts';
import { callerConfig } from '../fakes/mesh.ts';
import { startFakeControlPlane } from '../fakes/control-plane.ts';
import { get, id, sidecarBench, talk, type Pair, type SidecarBench } from '../fakes/sidecar-pair.ts';
import { startTwoPods } from '../fakes/two-pods.ts';
import { until } from '../fakes/wait.ts';
import { createSecretStore } from '../../src/sidecar/tls/secrets.ts';
import { createWorkloadCertificate } from '../../src/sidecar/identity/workload-certificate.ts';
import { fakeClock } from '../fakes/clock.ts';
import { csr, pod as registration, startFixture } from '../controlplane/fixture.ts';

// One test for each line of what trusted meshes promise about identity, through real sidecars where a sidecar keeps the promise.

let bench: SidecarBench;
beforeAll(async () => { bench = await sidecarBench(); });
afterEach(() => bench.close());

/** What a server's sidecar answers to a client with this certificate; empty when it takes nothing from him. */
function dial(port: number, leaf: Leaf | undefined, more: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['istio-http/1.1', 'istio', 'http/1.1'], rejectUnauthorized: false, ...(leaf === undefined ? {} : { cert: leaf.certificate, key: leaf.key }), ...more }, () => {
      socket.write('GET / HTTP/1.1\r\nhost: server\r\nconnection: close\r\n\r\n');
    });
    let said = '';
    socket.on('data', (chunk: Buffer) => { said += chunk.toString('latin1'); }).on('error', () => undefined).on('close', () => { resolve(said.slice(0, 12)); });
  });
}

/** The status of a call of a client's sidecar to a server that shows this certificate, and whether the server saw the request. */
async function callImpostor(leaf: Leaf): Promise<{ readonly status: string; readonly reached: boolean }> {
  let reached = false;
  const server = createTls({ cert: leaf.certificate, key: leaf.key, ca: bench.ca.root, requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['istio-peer-exchange', 'http/1.1'] }, (socket) => {
    socket.on('error', () => undefined).on('data', () => { reached = true; socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'); });
  });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  bench.defer(() => { server.close(); });
  const plane = await startFakeControlPlane(bench.ca, { 'default/client': id('client') });
  bench.defer(() => plane.stop());
  const client = await bench.pod('client', plane, () => ({ ip: '10.0.0.1', port: 80 }));
  plane.push('default/client', { ...callerConfig({ host: 'server.default.svc.cluster.local', port: 80, protocol: 'http', endpoint: { ip: '127.0.0.1', port: (server.address() as AddressInfo).port }, identity: id('server'), mtls: true }), secret: [] });
  const outbound = await until('the outbound listener', () => client.sidecar.port(15001));
  await until('the client to be ready', () => client.sidecar.ready);
  return { status: (await get(outbound)).slice(9, 12), reached };
}

const strict = async (): Promise<Pair> => bench.pair('http', 'STRICT', await bench.httpServer());
const good = id('server');
const forbidden = [...forbiddenCertificates(good), ['full path validation: expired', expiredCertificate(good)] as const];

test('SPIFFE’s rules hold for callers: a certificate that breaks one gets no answer', async () => {
  const { inbound, plane } = await strict();
  expect(await dial(inbound, await bench.ca.workload('default', 'client'))).toBe('HTTP/1.1 200');
  const letIn: string[] = [];
  for (const [rule, shape] of forbidden) if (await dial(inbound, await bench.ca.issue(shape)) !== '') letIn.push(rule);
  if (await dial(inbound, undefined) !== '') letIn.push('no certificate');
  if (await dial(inbound, await (await makeCa('stranger')).workload('default', 'client')) !== '') letIn.push('another root');
  expect(letIn).toEqual([]);
  await until('each refusal to be recorded', () => plane.seen('default/server').telemetry.flatMap((batch) => batch.records).filter(({ details }) => details.startsWith('tls_handshake_failed')).length >= forbidden.length);
}, 60_000);

test('SPIFFE’s rules hold for servers: a certificate that breaks one gets no request', async () => {
  expect(await callImpostor(await bench.ca.workload('default', 'server'))).toEqual({ status: '200', reached: true });
  await bench.close();
  const trusted: string[] = [];
  for (const [rule, shape] of forbidden) {
    const { status, reached } = await callImpostor(await bench.ca.issue(shape));
    if (reached || status !== '503') trusted.push(`${rule}: ${status}`);
    await bench.close();
  }
  expect(trusted).toEqual([]);
}, 120_000);

test('a certificate with a SPIFFE identity alone is enough, and it must be the one that is expected of that endpoint', async () => {
  const { outbound } = await strict();
  expect(await get(outbound)).toMatch(/^HTTP\/1\.1 200/);
  expect(await callImpostor(await bench.ca.workload('default', 'other'))).toEqual({ status: '503', reached: false });
});

describe('Istio’s lifetimes', () => {
  test('workload certificates live 24 hours, far below 90 days, and the root ten years', async () => {
    const lab = await startFixture();
    bench.defer(() => lab.close());
    await lab.core.setPods([registration('a')]);
    const proxy = await lab.proxy('a');
    proxy.say({ csr: { id: 1, pem: (await csr()).pem } });
    const issued = await until('the certificate', () => proxy.received.find((message) => 'certificate' in message));
    const days = ({ validFrom, validTo }: X509Certificate): number => (Date.parse(validTo) - Date.parse(validFrom)) / 86_400_000;
    const leaf = new X509Certificate('certificate' in issued ? issued.certificate.chain : '');
    expect(days(leaf)).toBeGreaterThanOrEqual(1);
    expect(days(leaf)).toBeLessThan(1.1);
    expect(days(new X509Certificate((await createRoot('cluster.local')).certificate))).toBeCloseTo(3650, -1);
  });

  test.each([[0, 0.49], [0.999, 0.51]])('certificates are renewed at half of their life, ± 1 %%: dice at %d, at %d', async (dice, share) => {
    const { clock, requests, certificate, answer } = workload(dice);
    certificate.connected();
    await until('the first request', () => requests.length === 1);
    await answer();
    await clock.advance(3_600_000 * share - 10_000);
    expect(requests).toHaveLength(1);
    await until('the renewal', async () => { await clock.advance(1000); return requests.length === 2; });
    expect(clock.now() - clock.started).toBeLessThan(3_600_000 * share + 30_000);
  });
});

/** A workload's certificate on a clock of the test's, which lives an hour. */
function workload(dice: number) {
  const clock = Object.assign(fakeClock(Date.now()), { started: Date.now() });
  const secrets = createSecretStore();
  const requests: { id: number; pem: string }[] = [];
  const certificate = createWorkloadCertificate({ secrets, clock, random: () => dice, trustDomain: 'cluster.local', identity: id('a'), send: (request) => { requests.push(request); }, changed: () => undefined, log: () => undefined });
  const answer = async (): Promise<void> => {
    const request = requests.at(-1);
    if (request === undefined) throw new Error('There was no request.');
    certificate.issued({ id: request.id, chain: await bench.ca.sign(request.pem, id('a'), new Date(clock.now() + 3_600_000)), roots: bench.ca.root });
  };
  return { clock, secrets, requests, certificate, answer };
}

test.skipIf(process.platform !== 'linux')('rotation drops no connection, and two roots are trusted while one is replaced', async () => {
  const pods = await startTwoPods(84);
  bench.defer(() => pods.close());
  const { core } = pods.mesh.lab;
  const counts = await pods.underLoad(async () => {
    for (let rotation = 0; rotation < 3; rotation += 1) {
      await core.rotateRoot({ step: 'introduce', root: await createRoot('cluster.local') });
      for (const pod of ['caller', 'server'] as const) await until('both roots to be trusted', async () => (await pods.trusted(pod)) === 2, 10_000);
      await core.rotateRoot({ step: 'replace' });
      await until('the old root to be retired', () => core.rotateRoot({ step: 'retire' }).then(() => true, () => false), 10_000);
    }
  });
  expect(counts).toEqual({ 200: expect.any(Number) as number });
}, 60_000);

test('a connection that is open lives on while both certificates are renewed', async () => {
  const { plane, outbound } = await bench.pair('http', 'STRICT', await bench.httpServer(), good, 3000);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number | undefined>();
  const ask = (): Promise<number | undefined> => new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port: outbound, agent, headers: { host: 'server' } }, (response) => { response.resume().on('end', () => { resolve(response.statusCode); }); });
    asked.on('socket', (socket) => { ports.add(socket.localPort); }).on('error', reject).end();
  });
  await until('two renewals of each', async () => {
    expect(await ask()).toBe(200);
    return ['client', 'server'].every((name) => plane.seen(`default/${name}`).csrs >= 3);
  }, 15_000);
  agent.destroy();
  expect([...ports].filter((port) => port !== undefined)).toHaveLength(1);
}, 20_000);

test('what a signing request says of itself is ignored: the certificate carries who asked, and nothing else', async () => {
  const lab = await startFixture();
  bench.defer(() => lab.close());
  await lab.core.setPods([registration('a')]);
  const proxy = await lab.proxy('a');
  proxy.say({ csr: { id: 1, pem: (await csr(['spiffe://cluster.local/ns/kube-system/sa/admin'])).pem } });
  const issued = await until('the certificate', () => proxy.received.find((message) => 'certificate' in message));
  const leaf = new X509Certificate('certificate' in issued ? issued.certificate.chain : '');
  expect(leaf.subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/sa-a');
  expect(leaf.subject ?? '').not.toMatch(/CN=/);
});

test('TLS 1.2 with AEAD suites and TLS 1.3 are spoken, older versions and suites are not', async () => {
  const { inbound } = await strict();
  const leaf = await bench.ca.workload('default', 'client');
  expect(await dial(inbound, leaf, { minVersion: 'TLSv1.3' })).toBe('HTTP/1.1 200');
  expect(await dial(inbound, leaf, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })).toBe('HTTP/1.1 200');
  expect(await dial(inbound, leaf, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA256' })).toBe('');
  expect(await dial(inbound, leaf, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).toBe('');
});

describe('sniffing survives', () => {
  const http = 'GET / HTTP/1.1\r\nhost: server\r\nconnection: close\r\n\r\n';
  /** Says pieces, each in a packet of its own, and reads to the end or until `enough`. */
  const pieces = (port: number, parts: readonly (string | Buffer)[], enough = /\r\n\r\n/): Promise<string> => new Promise((resolve) => {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true });
    let said = '';
    const next = (at: number): void => { const part = parts[at]; if (part !== undefined && !socket.destroyed) socket.write(part, 'latin1', () => { setImmediate(next, at + 1); }); };
    socket.on('data', (chunk: Buffer) => { said += chunk.toString('latin1'); if (enough.test(said)) socket.destroy(); }).on('error', () => undefined).on('close', () => { resolve(said); });
    next(0);
  });
  const permissive = async (): Promise<number> => (await bench.pair('http', 'PERMISSIVE', await bench.httpServer())).inbound;

  test('one byte at a time', async () => { expect(await pieces(await permissive(), [...http])).toMatch(/^HTTP\/1\.1 200/); });
  test('no byte at all, where the server speaks first', async () => {
    const { outbound } = await bench.pair('tcp', 'PERMISSIVE', await bench.tcpServer((socket) => { socket.end('220 hello\r\n'); }));
    expect(await talk(outbound, '', false)).toBe('220 hello\r\n');
  });
  test('an HTTP/2 preface in two halves', async () => {
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    const seen = await pieces(await permissive(), ['PRI * HTTP/2.0\r\n\r', Buffer.concat([Buffer.from('\nSM\r\n\r\n'), settings])], /^[^]{9}/);
    // SETTINGS of the other side: a frame of type 4 on stream 0.
    expect([seen.charCodeAt(3), seen.charCodeAt(8)]).toEqual([4, 0]);
  });
  test.each([['a PROXY header', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'], ['garbage', '\u0000\u00ff\u0001garbage\r\n\r\n'], ['the head of a TLS record and no more', Buffer.from([22, 3, 1, 255, 255])]])('%s, and serves the next connection', async (_name, bytes) => {
    const port = await permissive();
    const socket = connectTcp({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined).end(bytes, 'latin1' as BufferEncoding);
    let said = '';
    socket.on('data', (chunk: Buffer) => { said += chunk.toString('latin1'); });
    await once(socket, 'close');
    expect(said).not.toMatch(/^HTTP\/1\.1 2/);
    expect(await pieces(port, [http])).toMatch(/^HTTP\/1\.1 200/);
  });
});

test('after a jump of the clock or a night’s sleep the certificate is renewed first, and things carry on', async () => {
  const { clock, secrets, requests, certificate, answer } = workload(0.5);
  certificate.connected();
  await until('the first request', () => requests.length === 1);
  await answer();
  const before = secrets.get('default')?.key;
  clock.jump(3_600_000 * 9);
  await clock.advance(15_000);
  await until('the renewal', () => requests.length === 2);
  await answer();
  expect(secrets.get('default')?.key).not.toBe(before);
  expect(certificate.ready).toBe(true);
});

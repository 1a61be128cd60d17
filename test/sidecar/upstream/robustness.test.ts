import { connect, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import type { Cluster, RetryPolicy } from '../../../src/xds/index.ts';
import { compileCircuitBreakers } from '../../../src/features/circuit-breaking/compile.ts';
import { defaultRetry } from '../../../src/features/retry/compile.ts';
import { exchange, oneResponse, startEcho, startProxy, startUpstream, type RawUpstream, type TestProxy } from '../http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close(); });

const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const clusterOf = (ports: readonly number[]): Cluster => ({
  name: 'up', type: 'STATIC', connectTimeout: '1s', lbPolicy: 'LEAST_REQUEST', commonLbConfig: { healthyPanicThreshold: {} },
  ...compileCircuitBreakers(undefined),
  outlierDetection: { consecutive5xx: 3, interval: '0.1s', baseEjectionTime: '0.5s', maxEjectionPercent: 100 },
  loadAssignment: { endpoints: [{ lbEndpoints: ports.map((portValue) => ({ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } } })) }] },
});

async function proxyTo(ports: readonly number[], policy: RetryPolicy = { ...defaultRetry(), retryOn: `${defaultRetry().retryOn},reset` }): Promise<TestProxy> {
  const proxy = await startProxy({ clusters: { up: clusterOf(ports) }, routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '10s', retryPolicy: policy } }] });
  closing.push(() => proxy.close());
  return proxy;
}

/** Share of `count` requests, twenty at a time, that are answered with 200. */
async function shareOfSuccess(proxy: TestProxy, count: number, meanwhile: (at: number) => void = () => undefined): Promise<number> {
  let sent = 0;
  let good = 0;
  const worker = async (): Promise<void> => {
    while (sent < count) {
      meanwhile(sent++);
      if ((await exchange(proxy.port, [get], oneResponse)).answer.startsWith('HTTP/1.1 200 ')) good++;
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  return good / count;
}

async function healthy(): Promise<RawUpstream> {
  const upstream = await startEcho(() => ok);
  closing.push(() => upstream.close());
  return upstream;
}

it('an upstream that is killed costs no request', async () => {
  const [stays, goes] = [await healthy(), await startEcho(() => ok)];
  const proxy = await proxyTo([stays.port, goes.port]);
  let killed: Promise<void> | undefined;
  expect(await shareOfSuccess(proxy, 1000, (at) => { if (at === 300) killed = goes.close(); })).toBeGreaterThanOrEqual(0.999);
  await killed;
});

it('an upstream that breaks off and answers by turns costs no request', async () => {
  let count = 0;
  const flapping = await startUpstream((received, socket) => {
    if (!received.endsWith('\r\n\r\n')) return;
    if (count++ % 40 < 20) socket.destroy();
    else socket.write(ok);
  });
  closing.push(() => flapping.close());
  const proxy = await proxyTo([(await healthy()).port, flapping.port]);
  expect(await shareOfSuccess(proxy, 1000)).toBeGreaterThanOrEqual(0.999);
});

it('an upstream that is frozen costs time, not requests', async () => {
  const frozen = await startUpstream(() => undefined);
  closing.push(() => frozen.close());
  const proxy = await proxyTo([(await healthy()).port, frozen.port], { retryOn: '5xx,reset', numRetries: 2, perTryTimeout: '0.3s', retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }], retryBackOff: { baseInterval: '0.01s' } });
  expect(await shareOfSuccess(proxy, 500)).toBeGreaterThanOrEqual(0.999);
  expect(proxy.clusters.get('up')?.hosts.find(({ port }) => port === frozen.port)?.monitor?.ejections).toBeGreaterThan(0);
});

it('hosts that come and go cost no request', async () => {
  const [stays, one, other] = [await healthy(), await healthy(), await healthy()];
  const proxy = await proxyTo([stays.port]);
  const cluster = proxy.clusters.get('up');
  const sets = [[stays.port], [stays.port, one.port], [one.port, other.port], [other.port]];
  expect(await shareOfSuccess(proxy, 1000, (at) => { if (at % 10 === 0) cluster?.update(clusterOf(sets[(at / 10) % 4] ?? []).loadAssignment); })).toBeGreaterThanOrEqual(0.999);
});

it('two hundred slow connections leave the others alone', async () => {
  const proxy = await proxyTo([(await healthy()).port]);
  const slow: Socket[] = Array.from({ length: 200 }, () => {
    const socket = connect({ port: proxy.port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.write('POST /slow HTTP/1.1\r\nHost: a\r\ncontent-length: 1000\r\n\r\n.');
    return socket;
  });
  closing.push(async () => { for (const socket of slow) socket.destroy(); });
  await expect.poll(() => proxy.clusters.get('up')?.use.requests, { timeout: 5000 }).toBe(200);
  expect(await shareOfSuccess(proxy, 500)).toBe(1);
});

it('nothing that is not idempotent is sent twice when an upstream dies under it', async () => {
  const seen: string[] = [];
  const dies = async (): Promise<number> => {
    const upstream = await startUpstream((received, socket) => {
      const id = /x-id: (\d+)/.exec(received.slice(received.lastIndexOf('POST ')))?.[1];
      if (id === undefined || !received.endsWith('body')) return;
      seen.push(id);
      socket.destroy();
    });
    closing.push(() => upstream.close());
    return upstream.port;
  };
  const proxy = await proxyTo([await dies(), await dies()], defaultRetry());
  const posts = Array.from({ length: 4 }, (_unused, id) => exchange(proxy.port, [`POST / HTTP/1.1\r\nHost: a\r\nx-id: ${id}\r\ncontent-length: 4\r\n\r\nbody`], oneResponse));
  for (const { answer } of await Promise.all(posts)) expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(seen.sort()).toEqual(['0', '1', '2', '3']);
});

import { afterEach, expect, it } from 'vitest';
import { reportUpstreams } from '../../../src/sidecar/telemetry/upstreams.ts';
import type { UpstreamState } from '../../../src/contract/index.ts';
import type { Cluster } from '../../../src/xds/index.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { exchange, oneResponse, startEcho, startProxy } from '../http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const broken = 'HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno';

const cluster = (ports: readonly number[], more: Cluster): Cluster => ({
  name: 'up', type: 'STATIC', connectTimeout: '1s', ...more,
  loadAssignment: { endpoints: [{ lbEndpoints: ports.map((portValue) => ({ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } } })) }] },
});

it('leaves a failing host out, tells so, and brings it back', async () => {
  const clock = fakeClock();
  const good = await startEcho(() => ok);
  let healed = false;
  const bad = await startEcho(() => (healed ? ok : broken));
  const proxy = await startProxy({ clock, clusters: { up: cluster([good.port, bad.port], { outlierDetection: { consecutive5xx: 2, interval: '1s', baseEjectionTime: '5s', maxEjectionPercent: 100 }, commonLbConfig: { healthyPanicThreshold: {} } }) } });
  closing.push(() => proxy.close(), () => good.close(), () => bad.close());
  const said: (readonly UpstreamState[])[] = [];
  const report = reportUpstreams({ clock, clusters: () => proxy.clusters.values(), connected: () => true, send: (states) => { said.push(states); } });
  const ask = async (): Promise<string> => (await exchange(proxy.port, [get], oneResponse)).answer.slice(9, 12);
  const answers: string[] = [];
  for (let count = 0; count < 12; count++) answers.push(await ask());
  expect(answers.filter((status) => status === '500').length).toBe(2);
  await clock.advance(250);
  const [state] = said.at(-1) ?? [];
  expect(state).toMatchObject({ cluster: 'up', panic: false, limits: { connections: 1024 } });
  expect(state?.hosts.find(({ address }) => address.endsWith(`:${bad.port}`))).toMatchObject({ healthy: false, failed: 2, ejections: 1, ejection: { reason: 'consecutive-5xx-errors', until: 1_700_000_005_000 } });
  expect(state?.hosts.find(({ address }) => address.endsWith(`:${good.port}`))).toMatchObject({ healthy: true, succeeded: 10, ejections: 0 });
  expect(proxy.clusters.get('up')?.gauges()).toMatchObject({ 'outlier_detection.ejections_active': 1, membership_healthy: 1, membership_total: 2 });
  healed = true;
  await clock.advance(4750);
  const later = [];
  for (let count = 0; count < 4; count++) later.push(await ask());
  expect(later).toEqual(['200', '200', '200', '200']);
  expect(bad.received.join('').split(get.slice(0, 5)).length - 1).toBe(4);
  await clock.advance(250);
  expect(said.at(-1)?.[0]?.hosts.map(({ healthy }) => healthy)).toEqual([true, true]);
  report.stop();
});

it('counts a host that refuses connections and one that does not answer in time', async () => {
  const gone = await startEcho(() => ok);
  await gone.close();
  const proxy = await startProxy({ clusters: { up: cluster([gone.port], { outlierDetection: { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 2 }, commonLbConfig: { healthyPanicThreshold: {} } }) } });
  closing.push(() => proxy.close());
  for (let count = 0; count < 2; count++) await exchange(proxy.port, [get], oneResponse);
  expect((await exchange(proxy.port, [get], oneResponse)).answer).toMatch(/no healthy upstream$/);
  expect(proxy.clusters.get('up')?.hosts[0]?.monitor?.ejection?.reason).toBe('consecutive-local-origin-failures');
  const silent = await startEcho(() => '');
  const slow = await startProxy({ clusters: { up: cluster([silent.port], { outlierDetection: { consecutive5xx: 1 }, commonLbConfig: { healthyPanicThreshold: {} } }) }, routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0.05s' } }] });
  closing.push(() => slow.close(), () => silent.close());
  expect((await exchange(slow.port, [get], oneResponse)).answer).toMatch(/^HTTP\/1\.1 504 /);
  expect(slow.clusters.get('up')?.hosts[0]).toMatchObject({ health: 'unhealthy', counters: { rq_timeout: 1 } });
});

it('allows no more retries than the cluster’s budget', async () => {
  const bad = await startEcho(() => broken);
  const proxy = await startProxy({
    clusters: { up: cluster([bad.port], { circuitBreakers: { thresholds: [{ maxRetries: 0 }] } }) },
    routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', retryPolicy: { retryOn: '5xx', numRetries: 3 } } }],
  });
  closing.push(() => proxy.close(), () => bad.close());
  expect((await exchange(proxy.port, [get], oneResponse)).answer).toMatch(/^HTTP\/1\.1 500 /);
  expect(await proxy.record()).toMatchObject({ flags: ['UO'], retries: 0 });
  expect(proxy.clusters.get('up')).toMatchObject({ counters: { upstream_rq_retry_overflow: 1, upstream_rq_retry: 0 }, use: { retries: 0 } });
});

it('tries other priorities when the retry policy says so', async () => {
  const [near, far] = [await startEcho(() => broken), await startEcho(() => ok)];
  const place = (portValue: number, priority: number): object => ({ priority, lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue } } } }] });
  const proxy = await startProxy({
    clusters: { up: { name: 'up', type: 'STATIC', loadAssignment: { endpoints: [place(near.port, 0), place(far.port, 1)] } } },
    routes: [{ match: { prefix: '/' }, route: { cluster: 'up', timeout: '0s', retryPolicy: { retryOn: '5xx', numRetries: 3, retryBackOff: { baseInterval: '0.001s' }, retryPriority: { name: 'envoy.retry_priorities.previous_priorities', typedConfig: { '@type': 'x', updateFrequency: 2 } as never } } } }],
  });
  closing.push(() => proxy.close(), () => near.close(), () => far.close());
  expect((await exchange(proxy.port, [get], oneResponse)).answer).toMatch(/ok$/);
  expect(await proxy.record()).toMatchObject({ retries: 2, status: 200 });
});

it('shows nothing of a cluster without limits, ejections or localities', async () => {
  const good = await startEcho(() => ok);
  const most = 4_294_967_295;
  const proxy = await startProxy({ clusters: { up: cluster([good.port], { circuitBreakers: { thresholds: [{ maxConnections: most, maxPendingRequests: most, maxRequests: most, maxRetries: most }] } }) } });
  closing.push(() => proxy.close(), () => good.close());
  expect(proxy.clusters.get('up')?.state()).toBeUndefined();
});

import { afterEach, describe, expect, it } from 'vitest';
import { createBalancer } from '../../../src/features/load-balancing/cluster.ts';
import { createCluster } from '../../../src/sidecar/upstream/index.ts';
import type { Cluster, ClusterLoadAssignment } from '../../../src/xds/index.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { exchange, oneResponse, plainConnector, realClock, startEcho, startProxy, startUpstream } from '../http/proxy.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => { for (const close of closing.splice(0)) await close(); });

const environment = { connector: plainConnector, clock: realClock, random: Math.random };
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const ok = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

type Endpoint = readonly [port: number, health?: 'HEALTHY' | 'UNHEALTHY' | 'DRAINING' | 'DEGRADED', priority?: number];
const assignment = (...endpoints: readonly Endpoint[]): ClusterLoadAssignment => ({
  endpoints: endpoints.map(([portValue, healthStatus = 'HEALTHY', priority = 0]) => ({ priority, lbEndpoints: [{ healthStatus, endpoint: { address: { socketAddress: { address: '10.0.0.1', portValue } } } }] })),
});
const ports = (config: Cluster, given: ClusterLoadAssignment): ReadonlySet<number | undefined> => {
  const cluster = createCluster({ name: 'c', type: 'EDS', commonLbConfig: { healthyPanicThreshold: {} }, ...config }, given, environment);
  return new Set(Array.from({ length: 40 }, () => cluster.pick({})?.port));
};

describe('a cluster picks', () => {
  it('healthy hosts only, degraded ones when those are too few, and none rather than an unhealthy one', () => {
    expect(ports({}, assignment([1], [2, 'UNHEALTHY'], [4, 'DEGRADED'], [5], [6], [7], [8]))).toEqual(new Set([1, 5, 6, 7, 8]));
    expect(ports({}, assignment([1], [2, 'UNHEALTHY'], [3, 'DRAINING'], [4, 'DEGRADED'], [5]))).toEqual(new Set([1, 4, 5]));
    expect(ports({}, assignment([2, 'UNHEALTHY'], [4, 'DEGRADED']))).toEqual(new Set([4]));
    expect(ports({}, assignment([2, 'UNHEALTHY']))).toEqual(new Set([undefined]));
    expect(ports({}, assignment())).toEqual(new Set([undefined]));
  });

  it('the best priority that has a healthy host', () => {
    expect(ports({}, assignment([1, 'UNHEALTHY', 0], [2, 'HEALTHY', 1], [3, 'HEALTHY', 2]))).toEqual(new Set([2]));
  });

  it('every host again once fewer are healthy than the panic threshold', () => {
    const some = assignment([1], [2, 'UNHEALTHY'], [3, 'UNHEALTHY'], [4, 'UNHEALTHY']);
    expect(ports({ commonLbConfig: {} }, some)).toEqual(new Set([1, 2, 3, 4]));
    expect(ports({ commonLbConfig: { healthyPanicThreshold: { value: 20 } } }, some)).toEqual(new Set([1]));
  });

  it('not a host to avoid, unless it is the only one', () => {
    const cluster = createCluster({ name: 'c', type: 'EDS' }, assignment([1], [2]), environment);
    for (let count = 0; count < 10; count++) expect(cluster.pick({ avoid: new Set(['10.0.0.1:1']) })?.port).toBe(2);
    expect(cluster.pick({ avoid: new Set(['10.0.0.1:1', '10.0.0.1:2']) })).toBeDefined();
  });

  it('the original destination, and keeps the host', () => {
    const cluster = createCluster({ name: 'PassthroughCluster', type: 'ORIGINAL_DST' }, undefined, environment);
    expect(cluster.pick({ originalDestination: '192.0.2.1:443' })).toMatchObject({ ip: '192.0.2.1', port: 443 });
    expect(cluster.pick({ originalDestination: '192.0.2.1:443' })).toBe(cluster.pick({ originalDestination: '192.0.2.1:443' }));
    expect(cluster.pick({ originalDestination: '[::1]:80' })).toMatchObject({ ip: '::1', port: 80, address: '[::1]:80' });
    expect(cluster.pick({})).toBeUndefined();
  });

  it('new hosts after an update, and the same object for one that stays', () => {
    const cluster = createCluster({ name: 'outbound|9080|v1|reviews.default.svc.cluster.local', type: 'EDS' }, assignment([1], [2]), environment);
    const stays = cluster.hosts.find(({ port }) => port === 2);
    cluster.update(assignment([2], [3]));
    expect(cluster.hosts.map(({ port }) => port)).toEqual([2, 3]);
    expect(cluster.hosts[0]).toBe(stays);
    expect(cluster.service).toBe('reviews.default.svc.cluster.local');
  });
});

describe('a load balancer', () => {
  const host = (address: string, weight = 1, active = 0) => ({ address, weight, active });
  const counts = (config: Cluster, hosts: readonly ReturnType<typeof host>[], picks: number, hash?: (index: number) => number): Record<string, number> => {
    const balancer = createBalancer(config, hosts, environment);
    const result: Record<string, number> = {};
    for (let index = 0; index < picks; index++) {
      const { address } = balancer.pick(hash?.(index)) as { address: string };
      result[address] = (result[address] ?? 0) + 1;
    }
    return result;
  };
  const three = [host('a'), host('b'), host('c')];

  it('goes in turn, smoothly by weight', () => {
    expect(counts({}, three, 9)).toEqual({ a: 3, b: 3, c: 3 });
    const balancer = createBalancer({}, [host('a', 5), host('b', 1), host('c', 1)], environment);
    expect(Array.from({ length: 7 }, () => balancer.pick(undefined)?.address).join('')).toBe('aabacaa');
  });

  it('prefers the less busy', () => {
    expect(counts({ lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: { choiceCount: 20 } }, [host('a', 1, 9), host('b', 1, 0)], 50)['b']).toBeGreaterThan(45);
  });

  it('draws by weight', () => {
    expect(counts({ lbPolicy: 'RANDOM' }, [host('a', 9), host('b', 1)], 2000)['a']).toBeGreaterThan(1600);
  });

  it.each(['RING_HASH', 'MAGLEV'] as const)('%s spreads keys, keeps them, and moves few when a host goes', (lbPolicy) => {
    const keys = Array.from({ length: 3000 }, (_unused, index) => Math.imul(index, 2654435761) >>> 0);
    const hosts = [host('10.0.0.1:80'), host('10.0.0.2:80'), host('10.0.0.3:80'), host('10.0.0.4:80')];
    const all = createBalancer({ lbPolicy }, hosts, environment);
    const fewer = createBalancer({ lbPolicy }, hosts.slice(0, 3), environment);
    const moved = keys.filter((key) => all.pick(key)?.address !== '10.0.0.4:80' && all.pick(key) !== fewer.pick(key)).length;
    for (const { address } of hosts) expect(keys.filter((key) => all.pick(key)?.address === address).length).toBeGreaterThan(500);
    expect(moved / keys.length).toBeLessThan(0.15);
    expect(keys.every((key) => all.pick(key) === all.pick(key))).toBe(true);
  });
});

describe('a pool', () => {
  const limited = (port: number, thresholds: object, more: Cluster = {}): Cluster => ({ name: 'up', type: 'STATIC', circuitBreakers: { thresholds: [thresholds] }, loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] }, ...more });

  it('uses a connection again, and a new one when a request asks to close', async () => {
    let closeNext = false;
    const upstream = await startEcho(() => (closeNext ? ok.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') : ok));
    const proxy = await startProxy({ clusters: { up: [upstream.port] } });
    closing.push(() => proxy.close(), () => upstream.close());
    for (let count = 0; count < 3; count++) await exchange(proxy.port, [get], oneResponse);
    expect(upstream.received.length).toBe(1);
    closeNext = true;
    for (let count = 0; count < 3; count++) await exchange(proxy.port, [get], oneResponse);
    expect(upstream.received.length).toBe(3);
  });

  it('holds to connection and pending limits, with UO beyond', async () => {
    const answers: (() => void)[] = [];
    const upstream = await startUpstream((received, socket) => { if (received.endsWith('\r\n\r\n')) answers.push(() => socket.write(ok)); });
    const proxy = await startProxy({ clusters: { up: limited(upstream.port, { maxConnections: 1, maxPendingRequests: 1, maxRequests: 100 }) } });
    closing.push(() => proxy.close(), () => upstream.close());
    const first = exchange(proxy.port, [get], oneResponse);
    await expect.poll(() => answers.length).toBe(1);
    const second = exchange(proxy.port, [get], oneResponse);
    const third = await Promise.race([second, exchange(proxy.port, [get], oneResponse)]);
    expect(third.answer).toMatch(/^HTTP\/1\.1 503 [^]*x-envoy-overloaded: true[^]*reset reason: overflow$/);
    answers[0]?.();
    expect((await first).answer).toMatch(/ok$/);
    await expect.poll(() => answers.length).toBe(2);
    answers[1]?.();
    expect(upstream.received.length).toBe(1);
    expect(proxy.records.filter(({ flags }) => flags.includes('UO')).length).toBe(1);
  });

  it('closes a connection after its share of requests', async () => {
    const upstream = await startEcho(() => ok);
    const proxy = await startProxy({ clusters: { up: limited(upstream.port, {}, { maxRequestsPerConnection: 2 }) } });
    closing.push(() => proxy.close(), () => upstream.close());
    for (let count = 0; count < 5; count++) await exchange(proxy.port, [get], oneResponse);
    expect(upstream.received.length).toBe(3);
  });

  it('closes a connection at the end of its life, after the request that is on it', async () => {
    const clock = fakeClock();
    let answer: (() => void) | undefined;
    const ends: number[] = [];
    const upstream = await startUpstream((received, socket, connection) => {
      if (received.endsWith('\r\n\r\n')) answer = () => socket.write(ok);
      socket.on('close', () => ends.push(connection));
    });
    const proxy = await startProxy({ clock, clusters: { up: limited(upstream.port, {}, { commonHttpProtocolOptions: { maxConnectionDuration: '60s' } }) } });
    closing.push(() => proxy.close(), () => upstream.close());
    const pending = exchange(proxy.port, [get], oneResponse);
    await expect.poll(() => answer).toBeDefined();
    await clock.advance(60_000);
    expect(ends).toEqual([]);
    answer?.();
    expect((await pending).answer).toMatch(/ok$/);
    await expect.poll(() => ends[0]).toBe(0);
    expect(proxy.clusters.get('up')?.counters).toMatchObject({ upstream_cx_max_duration_reached: 1, upstream_cx_total: 1, upstream_rq_total: 1, upstream_rq_2xx: 1 });
  });

  it('sends a GET again, once, when an idle connection closes under it', async () => {
    const upstream = await startUpstream((received, socket, connection) => {
      if (connection === 0 && received.split(get.slice(0, 5)).length > 2) socket.destroy();
      else if (received.endsWith('\r\n\r\n')) socket.write(ok);
    });
    const proxy = await startProxy({ clusters: { up: [upstream.port] } });
    closing.push(() => proxy.close(), () => upstream.close());
    for (let count = 0; count < 2; count++) expect((await exchange(proxy.port, [get], oneResponse)).answer).toMatch(/ok$/);
    expect(upstream.received.length).toBe(2);
    expect(proxy.records.at(-1)).toMatchObject({ status: 200, flags: [], retries: 0 });
  });

  it('finishes what is under way on a host that goes, then closes', async () => {
    let answer: () => void = () => undefined;
    let closed = false;
    const upstream = await startUpstream((received, socket) => {
      socket.on('close', () => { closed = true; });
      if (received.endsWith('\r\n\r\n')) answer = () => socket.write(ok);
    });
    const proxy = await startProxy({ clusters: { up: { ...limited(upstream.port, {}), type: 'EDS' } } });
    const cluster = proxy.clusters.get('up');
    cluster?.update(limited(upstream.port, {}).loadAssignment);
    closing.push(() => proxy.close(), () => upstream.close());
    const pending = exchange(proxy.port, [get], oneResponse);
    await expect.poll(() => upstream.received[0]).toMatch(/\r\n\r\n$/);
    cluster?.update({ endpoints: [] });
    answer();
    expect((await pending).answer).toMatch(/ok$/);
    await expect.poll(() => closed).toBe(true);
    expect((await exchange(proxy.port, [get], oneResponse)).answer).toMatch(/no healthy upstream$/);
  });
});

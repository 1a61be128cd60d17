import { describe, expect, test } from 'vitest';
import { createChooser } from '../../src/features/load-balancing/cluster-chooser.ts';
import { priorityLoads, type PriorityHealth } from '../../src/features/load-balancing/cluster-priority.ts';
import { localityOf, localitySetting, localize, type PlacedEndpoint } from '../../src/features/load-balancing/compile-locality.ts';
import { compileHashPolicy, compileLoadBalancing, isPassthrough } from '../../src/features/load-balancing/compile.ts';
import { LoadBalancerSettings, LocalityLbSetting } from '../../src/features/load-balancing/manifest.ts';
import type { PlacedHost } from '../../src/sidecar/hooks.ts';
import type { Cluster } from '../../src/xds/index.ts';

test.each<[unknown, unknown]>([
  [{}, { lbPolicy: 'LEAST_REQUEST' }], [{ simple: 'ROUND_ROBIN' }, { lbPolicy: 'ROUND_ROBIN' }], [{ simple: 'RANDOM' }, { lbPolicy: 'RANDOM' }], [{ simple: 'LEAST_CONN' }, { lbPolicy: 'LEAST_REQUEST' }],
  [{ consistentHash: { httpHeaderName: 'x' } }, { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '1024' } }],
  [{ consistentHash: { useSourceIp: true, ringHash: { minimumRingSize: 4096 } } }, { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: '4096' } }],
  [{ consistentHash: { useSourceIp: true, maglev: { tableSize: 65537 } } }, { lbPolicy: 'MAGLEV', maglevLbConfig: { tableSize: '65537' } }],
  [{ simple: 'LEAST_REQUEST', warmupDurationSecs: '30s' }, { lbPolicy: 'LEAST_REQUEST', leastRequestLbConfig: { slowStartConfig: { slowStartWindow: '30s' } } }],
])('%j', (written, expected) => {
  expect(compileLoadBalancing(LoadBalancerSettings.parse(written))).toEqual(expected);
});

test.each<[unknown, unknown]>([
  [{ simple: 'RANDOM' }, []],
  [{ consistentHash: { httpHeaderName: 'x-user' } }, [{ header: { headerName: 'x-user' } }]],
  [{ consistentHash: { httpQueryParameterName: 'id' } }, [{ queryParameter: { name: 'id' } }]],
  [{ consistentHash: { useSourceIp: true } }, [{ connectionProperties: { sourceIp: true } }]],
  [{ consistentHash: { httpCookie: { name: 'user', path: '/', ttl: '0s' } } }, [{ cookie: { name: 'user', path: '/', ttl: '0s' } }]],
])('hash of %j', (written, expected) => {
  expect(compileHashPolicy(LoadBalancerSettings.parse(written))).toEqual(expected);
});

test('PASSTHROUGH goes where the caller meant', () => {
  expect(isPassthrough(LoadBalancerSettings.parse({ simple: 'PASSTHROUGH' }))).toBe(true);
});

test('warm-up, long and short', () => {
  const config = (written: unknown): unknown => compileLoadBalancing(LoadBalancerSettings.parse(written));
  expect(config({ simple: 'ROUND_ROBIN', warmup: { duration: '60s', aggression: 2, minimumPercent: 5 } })).toEqual({ lbPolicy: 'ROUND_ROBIN', roundRobinLbConfig: { slowStartConfig: { slowStartWindow: '60s', aggression: { defaultValue: 2 }, minWeightPercent: { value: 5 } } } });
});

describe('localities', () => {
  const at = (locality: string, labels: Readonly<Record<string, string>> = {}): PlacedEndpoint => ({ locality, labels, endpoint: { endpoint: { hostname: locality || 'nowhere' } } });
  const setting = (written: unknown): LocalityLbSetting => LocalityLbSetting.parse(written);
  const order = (endpoints: readonly PlacedEndpoint[], own: string, written: unknown, outliers = true, labels: Readonly<Record<string, string>> = {}): readonly string[] =>
    localize(endpoints, { locality: own, labels }, setting(written), outliers).map(({ priority = 0, lbEndpoints = [] }) => `${priority} ${lbEndpoints.map(({ endpoint }) => endpoint?.hostname).join(' ')}`);
  const four = ['region1/zone1/a', 'region1/zone2/a', 'region2/zone3/a', 'region3/zone4/a'].map((locality) => at(locality));

  test.each([
    ['istio-locality', { 'istio-locality': 'region1.zone1.a', 'topology.kubernetes.io/region': 'other' }, 'region1/zone1/a'],
    ['node labels', { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z', 'topology.istio.io/subzone': 's' }, 'r/z/s'],
    ['nothing', { app: 'a' }, ''],
  ])('are read from %s', (_name, labels, expected) => {
    expect(localityOf(labels)).toBe(expected);
  });

  test('become priorities by nearness, with the region to fail over to before the others', () => {
    expect(order(four, 'region1/zone1/a', {})).toEqual(['0 region1/zone1/a', '1 region1/zone2/a', '2 region2/zone3/a', '2 region3/zone4/a']);
    expect(order(four, 'region1/zone1/a', { failover: [{ from: 'region1', to: 'region3' }] })).toEqual(['0 region1/zone1/a', '1 region1/zone2/a', '2 region3/zone4/a', '3 region2/zone3/a']);
    expect(order(four, 'region2/zone9', {})).toEqual(['0 region2/zone3/a', '1 region1/zone1/a', '1 region1/zone2/a', '1 region3/zone4/a']);
  });

  test('do nothing without outlier detection, or switched off', () => {
    expect(order(four, 'region1/zone1/a', {}, false).every((line) => line.startsWith('0 '))).toBe(true);
    expect(localitySetting(setting({ enabled: false }), setting({}))).toBeUndefined();
    expect(localitySetting(undefined, setting({ failover: [{ from: 'a', to: 'b' }] }))?.failover).toHaveLength(1);
  });

  test('by labels, in their order, with a value of their own where one is written', () => {
    const endpoints = [at('r1/z1', { version: 'v1' }), at('r1/z2', { version: 'v1' }), at('r2/z3', { version: 'v2' })];
    const priority = ['version', 'topology.kubernetes.io/region', 'topology.kubernetes.io/zone'];
    expect(order(endpoints, 'r1/z2', { failoverPriority: priority }, true, { version: 'v1' })).toEqual(['0 r1/z2', '1 r1/z1', '2 r2/z3']);
    expect(order(endpoints, 'r1/z2', { failoverPriority: ['version=v2', 'topology.kubernetes.io/zone'] }, true, { version: 'v1' })).toEqual(['0 r2/z3', '1 r1/z1', '1 r1/z2']);
  });

  test('by shares, wildcards split by weight, what is not named left out', () => {
    const shares = localize(four, { locality: 'region1/zone1/a', labels: {} }, setting({ distribute: [{ from: 'region1/zone1/*', to: { 'region1/zone1/*': 70, 'region1/*': 20, 'region2/zone3/*': 10 } }] }), false);
    expect(shares.map(({ locality, loadBalancingWeight }) => [locality?.zone, loadBalancingWeight])).toEqual([['zone1', 70], ['zone2', 20], ['zone3', 10]]);
  });
});

describe('priorities share load by their health', () => {
  const rules = { overprovisioning: 140, panicThreshold: 50 };
  const percent = (healthy: number): PriorityHealth => ({ hosts: 100, healthy, degraded: 0 });
  test.each([[[100, 100], [100, 0]], [[72, 72], [100, 0]], [[71, 71], [99, 1]], [[50, 50], [70, 30]], [[25, 100], [35, 65]], [[25, 25], [50, 50]], [[5, 0, 100], [7, 0, 93]]])('%j → %j', (health, loads) => {
    expect(priorityLoads(health.map(percent), rules).healthy).toEqual(loads);
  });
  test('panic only where all together are too few, and health then does not count', () => {
    expect(priorityLoads([percent(20), percent(20)], rules)).toMatchObject({ panic: [true, true], healthy: [50, 50] });
    expect(priorityLoads([percent(20), percent(100)], rules).panic).toEqual([false, false]);
    expect(priorityLoads([percent(0)], { ...rules, panicThreshold: 0 })).toMatchObject({ panic: [false], healthy: [100] });
  });
  test('degraded hosts take what healthy ones leave', () => {
    expect(priorityLoads([{ hosts: 100, healthy: 50, degraded: 50 }], rules)).toMatchObject({ healthy: [70], degraded: [30] });
  });
});

describe('hosts are chosen', () => {
  const host = (address: string, more: Partial<PlacedHost> = {}): PlacedHost => ({ address, weight: 1, active: 0, priority: 0, health: 'healthy', locality: '', localityWeight: 0, ...more });
  const counts = (config: Cluster, hosts: readonly PlacedHost[], more: { readonly now?: number; readonly without?: ReadonlySet<number> } = {}): Record<string, number> => {
    const chooser = createChooser(config, hosts, { random: Math.random, clock: { now: () => more.now ?? 0 } });
    const result: Record<string, number> = {};
    for (let pick = 0; pick < 4000; pick++) {
      const name = chooser.choose(undefined, more.without)?.address ?? 'none';
      result[name] = (result[name] ?? 0) + 1;
    }
    return result;
  };

  test('by locality weight, which falls with the locality’s health', () => {
    const config: Cluster = { commonLbConfig: { localityWeightedLbConfig: {} } };
    const hosts = [host('a', { locality: 'x', localityWeight: 80 }), host('b', { locality: 'y', localityWeight: 20 })];
    expect((counts(config, hosts)['a'] ?? 0) / 4000).toBeCloseTo(0.8, 1);
    const sick = [host('c', { locality: 'x', localityWeight: 80, health: 'unhealthy' }), host('d', { locality: 'x', localityWeight: 80, health: 'unhealthy' }), host('e', { locality: 'x', localityWeight: 80, health: 'unhealthy' })];
    // A quarter of x is left: 80 × 1.4 / 4 = 28 against 20.
    expect((counts({ commonLbConfig: { localityWeightedLbConfig: {}, healthyPanicThreshold: {} } }, [...hosts, ...sick])['a'] ?? 0) / 4000).toBeCloseTo(28 / 48, 1);
    expect((counts({}, hosts)['a'] ?? 0) / 4000).toBeCloseTo(0.5, 1);
  });

  test('without the priorities that were tried, while others have anybody', () => {
    const hosts = [host('a'), host('b', { priority: 1 })];
    expect(counts({}, hosts)).toEqual({ a: 4000 });
    expect(counts({}, hosts, { without: new Set([0]) })).toEqual({ b: 4000 });
    expect(counts({}, hosts, { without: new Set([0, 1]) })).toEqual({ a: 4000 });
  });

  test.each(['ROUND_ROBIN', 'LEAST_REQUEST'] as const)('%s: a new one by and by', (lbPolicy) => {
    const config: Cluster = { lbPolicy, [lbPolicy === 'ROUND_ROBIN' ? 'roundRobinLbConfig' : 'leastRequestLbConfig']: { slowStartConfig: { slowStartWindow: '60s' } } };
    const hosts = [host('old', { since: 0 }), host('new', { since: 1_000_000 })];
    const share = (elapsed: number): number => (counts(config, hosts, { now: 1_000_000 + elapsed })['new'] ?? 0) / 4000;
    expect(share(0)).toBeCloseTo(0.1 / 1.1, 1);
    expect(share(30_000)).toBeCloseTo(0.5 / 1.5, 1);
    expect(share(60_000)).toBeCloseTo(0.5, 1);
  });
});

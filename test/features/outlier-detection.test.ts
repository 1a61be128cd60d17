import { describe, expect, test } from 'vitest';
import { OutlierDetector } from '../../src/features/outlier-detection/cluster.ts';
import { compileOutlierDetection, panicThreshold } from '../../src/features/outlier-detection/compile.ts';
import { OutlierDetection } from '../../src/features/outlier-detection/manifest.ts';
import type { HostMonitor } from '../../src/sidecar/hooks.ts';
import type { Cluster } from '../../src/xds/index.ts';
import { fakeClock, type FakeClock } from '../fakes/clock.ts';

type Config = NonNullable<Cluster['outlierDetection']>;

function detector(config: Config, hosts: readonly string[] = ['a', 'b', 'c']): { readonly clock: FakeClock; readonly detector: OutlierDetector; host(name: string): HostMonitor; changes(): number } {
  const clock = fakeClock(1_000_000);
  let changes = 0;
  const made = new OutlierDetector(config, { clock, random: () => 0.5, changed: () => { changes++; } });
  made.watch(hosts);
  return {
    clock, detector: made, changes: () => changes,
    host(name) {
      const monitor = made.monitor(name);
      if (monitor === undefined) throw new Error(`no host ${name}`);
      return monitor;
    },
  };
}

function fail(monitor: HostMonitor, times: number, status = 500): void {
  for (let count = 0; count < times; count++) monitor.answered(status);
}

describe('a host is ejected', () => {
  test('after five 5xx in a row, unless a good one comes between', () => {
    const { host, changes } = detector({});
    fail(host('a'), 4);
    host('a').answered(404);
    fail(host('a'), 4);
    expect(host('a').ejection).toBeUndefined();
    fail(host('a'), 1);
    expect(host('a').ejection).toEqual({ since: 1_000_000, until: 1_030_000, reason: 'consecutive-5xx-errors' });
    expect(changes()).toBe(1);
  });

  test('for gateway errors only where they are enforced; another 5xx breaks their row', () => {
    const { host } = detector({ consecutiveGatewayFailure: 2, enforcingConsecutiveGatewayFailure: 100, consecutive5xx: 0, enforcingConsecutive5xx: 0 });
    fail(host('a'), 9, 500);
    fail(host('a'), 1, 503);
    fail(host('a'), 1, 500);
    fail(host('a'), 1, 502);
    expect(host('a').ejection).toBeUndefined();
    fail(host('a'), 1, 504);
    expect(host('a').ejection?.reason).toBe('consecutive-gateway-errors');
    const quiet = detector({});
    fail(quiet.host('b'), 4, 503);
    expect(quiet.host('b').ejection).toBeUndefined();
  });

  test('for connections that cannot be made, which count as 503, timeouts as 504', () => {
    const { host } = detector({ consecutive5xx: 2 });
    host('a').unreachable('connection');
    host('a').unreachable('timeout');
    expect(host('a').ejection?.reason).toBe('consecutive-5xx-errors');
  });

  test('for local failures apart from what the host says, when they are split', () => {
    const { host } = detector({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 2, consecutive5xx: 2 });
    host('a').unreachable('connection');
    fail(host('a'), 1);
    host('a').reached();
    host('a').unreachable('connection');
    expect(host('a').ejection).toBeUndefined();
    host('a').unreachable('timeout');
    expect(host('a').ejection?.reason).toBe('consecutive-local-origin-failures');
  });

  test('while no more than the share is out already; the first one always', () => {
    const { host, detector: made } = detector({ consecutive5xx: 1, maxEjectionPercent: 50 }, ['a', 'b', 'c']);
    for (const name of ['a', 'b', 'c']) fail(host(name), 1);
    expect(['a', 'b', 'c'].map((name) => host(name).ejection !== undefined)).toEqual([true, true, false]);
    expect(made.counters).toEqual({ ejections_detected: 3, ejections_enforced_total: 2, ejections_overflow: 1 });
    expect(made.ejected).toBe(2);
    const few = detector({ consecutive5xx: 1 });
    for (const name of ['a', 'b']) fail(few.host(name), 1);
    expect(few.detector.ejected).toBe(1);
  });
});

describe('a host comes back', () => {
  const config: Config = { consecutive5xx: 1, interval: '1s', baseEjectionTime: '3s', maxEjectionPercent: 100 };

  test('at the first look after its time, and the time grows with each ejection', async () => {
    const { host, clock, changes } = detector(config);
    await clock.advance(400);
    fail(host('a'), 1);
    expect(host('a').ejection).toMatchObject({ since: 1_000_400, until: 1_004_000 });
    await clock.advance(3500);
    expect(host('a').ejection).toBeDefined();
    await clock.advance(100);
    expect(host('a').ejection).toBeUndefined();
    expect(changes()).toBe(2);
    fail(host('a'), 1);
    expect(host('a').ejection).toMatchObject({ since: 1_004_000, until: 1_010_000 });
    expect(host('a').ejections).toBe(2);
  });

  test('a quiet time makes the next ejection shorter again', async () => {
    const { host, clock } = detector(config);
    fail(host('a'), 1);
    await clock.advance(3000);
    await clock.advance(1000);
    fail(host('a'), 1);
    expect(host('a').ejection).toMatchObject({ until: 1_007_000 });
  });

  test('after 300 s at the latest', async () => {
    const { host, clock } = detector({ ...config, baseEjectionTime: '100s' });
    const out: number[] = [];
    for (let round = 0; round < 5; round++) {
      fail(host('a'), 1);
      const { since, until } = host('a').ejection ?? { since: 0, until: 0 };
      out.push(until - since);
      await clock.advance(until - clock.now());
    }
    expect(out).toEqual([100_000, 200_000, 300_000, 300_000, 300_000]);
  });

  test('when it is a host no longer, it is forgotten', () => {
    const { host, detector: made } = detector(config);
    fail(host('a'), 1);
    made.watch(['b', 'c']);
    expect(made.ejected).toBe(0);
    made.watch(['a', 'b', 'c']);
    expect(host('a')).toMatchObject({ ejection: undefined, ejections: 0 });
  });
});

test('what people write becomes Envoy’s config with Istio’s enforcement', () => {
  const compiled = (given: unknown): Config | undefined => compileOutlierDetection(OutlierDetection.parse(given)).outlierDetection;
  expect(compiled({ consecutive5xxErrors: 1, interval: '1s', baseEjectionTime: '3m', maxEjectionPercent: 100 })).toEqual({ consecutive5xx: 1, enforcingConsecutive5xx: 100, interval: '1s', baseEjectionTime: '180s', maxEjectionPercent: 100, enforcingSuccessRate: 0 });
  expect(compiled({ consecutiveGatewayErrors: 0, consecutive5xxErrors: 7 })).toMatchObject({ consecutiveGatewayFailure: 0, enforcingConsecutiveGatewayFailure: 0, consecutive5xx: 7 });
  expect(compiled({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3 })).toMatchObject({ splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: 3, enforcingConsecutiveLocalOriginFailure: 100 });
  expect(panicThreshold(OutlierDetection.parse({ minHealthPercent: 40 }))).toEqual({ healthyPanicThreshold: { value: 40 } });
  expect(panicThreshold(undefined)).toEqual({});
});

import { describe, expect, test } from 'vitest';
import { clusterLimits, retriesAllowed } from '../../src/features/circuit-breaking/cluster.ts';
import { compileCircuitBreakers, compileConnectionLife, compileKeepalive, compileTcpLife } from '../../src/features/circuit-breaking/compile.ts';
import { ConnectionPoolSettings, RetryBudget } from '../../src/features/circuit-breaking/manifest.ts';
import type { Cluster } from '../../src/xds/index.ts';

const written = ConnectionPoolSettings.parse({
  tcp: { maxConnections: 1, connectTimeout: '30ms', maxConnectionDuration: '1h', idleTimeout: '2m', tcpKeepalive: { probes: 3, time: '7200s', interval: '75s' } },
  http: { http1MaxPendingRequests: 2, http2MaxRequests: 3, maxRetries: 4, maxRequestsPerConnection: 5, idleTimeout: '10s' },
});
const unlimited = 4_294_967_295;

describe('what people write becomes', () => {
  test('thresholds, unlimited where nothing is written', () => {
    expect(compileCircuitBreakers(written)).toEqual({ circuitBreakers: { thresholds: [{ maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4, trackRemaining: true }] } });
    expect(compileCircuitBreakers(undefined).circuitBreakers.thresholds).toEqual([{ maxConnections: unlimited, maxPendingRequests: unlimited, maxRequests: unlimited, maxRetries: unlimited, trackRemaining: true }]);
  });
  test('a retry budget with Istio’s defaults', () => {
    expect(compileCircuitBreakers(undefined, RetryBudget.parse({})).circuitBreakers.thresholds?.[0]?.retryBudget).toEqual({ budgetPercent: { value: 20 }, minRetryConcurrency: 3 });
    expect(compileCircuitBreakers(undefined, RetryBudget.parse({ percent: 50, minRetryConcurrency: 1 })).circuitBreakers.thresholds?.[0]?.retryBudget).toEqual({ budgetPercent: { value: 50 }, minRetryConcurrency: 1 });
  });
  test('the life of connections, of HTTP and of TCP', () => {
    expect(compileConnectionLife(written)).toEqual({ idleTimeout: '10s', maxRequestsPerConnection: 5, maxConnectionDuration: '3600s' });
    expect(compileTcpLife(written)).toEqual({ idleTimeout: '120s', maxDownstreamConnectionDuration: '3600s' });
    expect(compileKeepalive(written)).toEqual({ upstreamConnectionOptions: { tcpKeepalive: { keepaliveProbes: 3, keepaliveTime: 7200, keepaliveInterval: 75 } } });
  });
});

describe('a cluster’s limits', () => {
  const limits = (config: Cluster): ReturnType<typeof clusterLimits> => clusterLimits(config);
  test('are Envoy’s where none are written', () => {
    expect(limits({})).toMatchObject({ maxConnections: 1024, maxPendingRequests: 1024, maxRequests: 1024, maxRetries: 3, connectTimeout: 5000, idleTimeout: 3_600_000, maxRequestsPerConnection: Infinity, maxConnectionDuration: Infinity });
  });
  test('are none where Istio writes the largest number, and timeouts of zero never pass', () => {
    expect(limits({ ...compileCircuitBreakers(undefined), commonHttpProtocolOptions: { idleTimeout: '0s' } })).toMatchObject({ maxConnections: Infinity, maxRetries: Infinity, idleTimeout: Infinity });
  });
  test.each([
    [{ requests: 0, pending: 0 }, 3], [{ requests: 20, pending: 20 }, 8], [{ requests: 100, pending: 0 }, 20],
  ])('a budget of 20 %% allows with %o under way %i retries', (use, most) => {
    const budget = limits(compileCircuitBreakers(undefined, RetryBudget.parse({})));
    expect(retriesAllowed(budget, { connections: 0, retries: 0, ...use })).toBe(most);
  });
});

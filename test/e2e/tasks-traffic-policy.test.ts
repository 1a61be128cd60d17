import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');

/** The circuit breaker of Istio's task page. */
const breaker: SourceFile = { path: 'circuit-breaker.yaml', text: `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: httpbin
spec:
  host: httpbin
  trafficPolicy:
    connectionPool:
      tcp:
        maxConnections: 1
      http:
        http1MaxPendingRequests: 1
        maxRequestsPerConnection: 1
    outlierDetection:
      consecutive5xxErrors: 3
      interval: 1s
      baseEjectionTime: 1m
      maxEjectionPercent: 100
` };

/** A local rate limit as Istio's task page writes it, for httpbin. */
const rateLimit: SourceFile = { path: 'local-rate-limit.yaml', text: `apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata:
  name: filter-local-ratelimit-svc
  namespace: istio-system
spec:
  workloadSelector:
    labels:
      app: httpbin
  configPatches:
  - applyTo: HTTP_FILTER
    match:
      context: SIDECAR_INBOUND
      listener:
        filterChain:
          filter:
            name: "envoy.filters.network.http_connection_manager"
    patch:
      operation: INSERT_BEFORE
      value:
        name: envoy.filters.http.local_ratelimit
        typed_config:
          "@type": type.googleapis.com/udpa.type.v1.TypedStruct
          type_url: type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
          value:
            stat_prefix: http_local_rate_limiter
            token_bucket:
              max_tokens: 4
              tokens_per_fill: 4
              fill_interval: 600s
            filter_enabled:
              runtime_key: local_rate_limit_enabled
              default_value:
                numerator: 100
                denominator: HUNDRED
            filter_enforced:
              runtime_key: local_rate_limit_enforced
              default_value:
                numerator: 100
                denominator: HUNDRED
            response_headers_to_add:
            - append_action: OVERWRITE_IF_EXISTS_OR_ADD
              header:
                key: x-local-rate-limit
                value: 'true'
` };

describe.skipIf(why !== undefined)(`Istio’s task pages on circuit breaking and rate limits${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab('test-policy', sample('httpbin/httpbin.yaml', 'curl/curl.yaml'));
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  const curl = async (path: string, ...more: readonly string[]): Promise<string> => (await lab.exec('curl', 'curl', '-s', '-m', '10', ...more, `http://httpbin:8000${path}`)).output.trim();
  const status = (path: string): Promise<string> => curl(path, '-o', '/dev/null', '-w', '%{http_code}');

  it('circuit breaking: one connection and one that waits; the others are turned away at once', async () => {
    await lab.apply([breaker]);
    expect(await status('/get')).toBe('200');
    const codes = await Promise.all(Array.from({ length: 6 }, () => status('/delay/2')));
    expect(codes.filter((code) => code === '200').length).toBeGreaterThanOrEqual(1);
    expect(codes.filter((code) => code === '503').length).toBeGreaterThanOrEqual(1);
    await until('records say overflow', async () => (await lab.records({ text: '/delay' })).some((record) => record.status === 503 && record.flags.includes('UO')));
  });

  it('outlier detection: a host that fails three times is put out for a while, and the lab says so', async () => {
    for (let at = 0; at < 3; at++) expect(await status('/status/500')).toBe('500');
    await until('the host is ejected', async () => (await lab.core.upstreams({ lab: 'test-policy' })).some(({ hosts }) => hosts.some(({ ejection }) => ejection !== undefined)), 20_000);
    expect(await status('/get')).toBe('503');
    await until('records say that no host is healthy', async () => (await lab.records({ text: '/get' })).some((record) => record.status === 503 && record.flags.includes('UH')));
    await lab.delete([breaker]);
    await until('traffic flows again', async () => (await status('/get')) === '200');
  });

  it('local rate limit: four requests, then 429 with the header that the filter adds', async () => {
    await lab.apply([rateLimit]);
    const codes: string[] = [];
    for (let at = 0; at < 6; at++) codes.push(await status('/get'));
    expect(codes).toEqual(['200', '200', '200', '200', '429', '429']);
    expect(await curl('/get', '-o', '/dev/null', '-D', '-')).toMatch(/x-local-rate-limit: true/i);
    await lab.delete([rateLimit]);
    expect(await status('/get')).toBe('200');
  });
});

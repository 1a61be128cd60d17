import { describe, expect, test } from 'vitest';
import { compileRetry } from '../../src/features/retry/compile.ts';
import { retryConditions } from '../../src/features/retry/filter-conditions.ts';
import { HTTPRetry } from '../../src/features/retry/manifest.ts';
import type { HttpResponse, UpstreamFailure } from '../../src/sidecar/hooks.ts';
import { Headers, ReadyBody } from '../../src/sidecar/http1/index.ts';
import type { RetryPolicy } from '../../src/xds/index.ts';

const compiled = (written: unknown): RetryPolicy | undefined => compileRetry(HTTPRetry.parse(written));

test('Istio tries twice more when nobody says otherwise', () => {
  expect(compileRetry(undefined)).toEqual({
    numRetries: 2, retryOn: 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes', retriableStatusCodes: [503],
    retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }], hostSelectionRetryMaxAttempts: '5',
  });
});

test('no attempts turn retries off', () => {
  expect(compiled({ attempts: 0 })).toBeUndefined();
});

describe('what people write', () => {
  test('attempts, time per try and back-off', () => {
    expect(compiled({ attempts: 3, perTryTimeout: '2s', backoff: '50ms' })).toMatchObject({ numRetries: 3, perTryTimeout: '2s', retryBackOff: { baseInterval: '0.05s' } });
  });
  test('status codes among the conditions are taken apart', () => {
    expect(compiled({ attempts: 1, retryOn: 'gateway-error, 503,409' })).toMatchObject({ retryOn: 'gateway-error,retriable-status-codes', retriableStatusCodes: [503, 409] });
  });
  test('conditions without codes stay as they are', () => {
    const policy = compiled({ attempts: 1, retryOn: '5xx' });
    expect(policy?.retryOn).toBe('5xx');
    expect(policy?.retriableStatusCodes).toBeUndefined();
  });
  test('other localities', () => {
    expect(compiled({ attempts: 1, retryRemoteLocalities: true })?.retryPriority).toMatchObject({ name: 'envoy.retry_priorities.previous_priorities', typedConfig: { updateFrequency: 2 } });
  });
  test('the same host again', () => {
    expect(compiled({ attempts: 1, retryIgnorePreviousHosts: false })?.retryHostPredicate).toBeUndefined();
  });
});

describe('a response or failure is tried again', () => {
  const judge = (retryOn: string, response: Partial<HttpResponse>, failure?: UpstreamFailure, more: RetryPolicy = {}): string | undefined =>
    retryConditions({ retryOn, ...more })({ status: 200, headers: new Headers(), body: ReadyBody.empty, ...response }, failure);
  const headers = (name: string, value: string): Headers => {
    const map = new Headers();
    map.push(name, value);
    return map;
  };

  test.each<[string, number, boolean]>([['5xx', 500, true], ['5xx', 499, false], ['gateway-error', 502, true], ['gateway-error', 504, true], ['gateway-error', 500, false], ['retriable-4xx', 409, true], ['retriable-4xx', 404, false]])('%s, status %i: %s', (on, status, again) => {
    expect(judge(on, { status }) !== undefined).toBe(again);
  });
  test.each<[string, UpstreamFailure, boolean]>([
    ['connect-failure', 'connect-failure', true], ['connect-failure', 'reset', false], ['reset', 'reset', true], ['refused-stream', 'refused-stream', true], ['reset-before-request', 'connect-failure', true], ['reset-before-request', 'reset', false],
    ['5xx', 'per-try-timeout', true], ['5xx', 'overflow', false], ['5xx,reset', 'no-host', false], ['gateway-error', 'connect-failure', true], ['retriable-status-codes', 'reset', false],
  ])('%s, %s: %s', (on, failure, again) => {
    expect(judge(on, { status: 503 }, failure, { retriableStatusCodes: [503] }) !== undefined).toBe(again);
  });
  test('never by what an overloaded upstream refused, and by rate limits only when asked for', () => {
    expect(judge('5xx', { status: 503, headers: headers('x-envoy-overloaded', 'true') })).toBeUndefined();
    expect(judge('5xx', { status: 503, headers: headers('x-envoy-ratelimited', 'true') })).toBeUndefined();
    expect(judge('envoy-ratelimited', { status: 429, headers: headers('x-envoy-ratelimited', 'true') })).toBeDefined();
  });
  test('by a header of the response', () => {
    const policy: RetryPolicy = { retriableHeaders: [{ name: 'x-again', stringMatch: { exact: 'yes' } }] };
    expect(judge('retriable-headers', { headers: headers('x-again', 'yes') }, undefined, policy)).toBeDefined();
    expect(judge('retriable-headers', { headers: headers('x-again', 'no') }, undefined, policy)).toBeUndefined();
    expect(judge('5xx', { headers: headers('x-again', 'yes') }, undefined, policy)).toBeUndefined();
  });
});

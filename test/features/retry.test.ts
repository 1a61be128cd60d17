import { describe, expect, test } from 'vitest';
import { compileRetry } from '../../src/features/retry/compile.ts';
import { HTTPRetry } from '../../src/features/retry/manifest.ts';
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
  test('the same host again', () => {
    expect(compiled({ attempts: 1, retryIgnorePreviousHosts: false })?.retryHostPredicate).toBeUndefined();
  });
});

import { formatDuration } from '../../util/manifest-fields.ts';
import type { RetryPolicy } from '../../xds/index.ts';
import type { HTTPRetry } from './manifest.ts';

const statusCodes = 'retriable-status-codes';

/** After every second attempt, priorities that were tried are left to the others. */
const otherPriorities = { name: 'envoy.retry_priorities.previous_priorities', typedConfig: { '@type': 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig', updateFrequency: 2 } };

/** Istio's policy where people write none: two more attempts on another host, when the first cannot have had an effect. */
export function defaultRetry(): RetryPolicy {
  return { ...base(), retryOn: `connect-failure,refused-stream,unavailable,cancelled,${statusCodes}`, numRetries: 2, retriableStatusCodes: [503] };
}

function base(): RetryPolicy {
  return { retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }], hostSelectionRetryMaxAttempts: '5' };
}

/** The retry policy of a route; `undefined` when retries are turned off. */
export function compileRetry(retry: HTTPRetry | undefined): RetryPolicy | undefined {
  if (retry === undefined) return defaultRetry();
  if (retry.attempts <= 0) return undefined;
  return {
    ...(retry.retryIgnorePreviousHosts === false ? {} : base()),
    ...conditions(retry.retryOn),
    ...(retry.retryRemoteLocalities === true ? { retryPriority: otherPriorities } : {}),
    numRetries: retry.attempts,
    ...(retry.perTryTimeout === undefined ? {} : { perTryTimeout: formatDuration(retry.perTryTimeout) }),
    ...(retry.backoff === undefined ? {} : { retryBackOff: { baseInterval: formatDuration(retry.backoff) } }),
  };
}

/** `retryOn` mixes Envoy's conditions with plain status codes; the codes are taken apart. */
function conditions(retryOn: string): RetryPolicy {
  if (retryOn === '') return { retryOn: defaultRetry().retryOn ?? '', retriableStatusCodes: [503] };
  const parts = retryOn.split(',').map((part) => part.trim()).filter((part) => part !== '');
  const codes = parts.filter((part) => /^\d{3}$/.test(part)).map(Number);
  const names = parts.filter((part) => !/^\d{3}$/.test(part));
  if (codes.length > 0 && !names.includes(statusCodes)) names.push(statusCodes);
  return { retryOn: names.join(','), ...(codes.length === 0 ? {} : { retriableStatusCodes: codes }) };
}

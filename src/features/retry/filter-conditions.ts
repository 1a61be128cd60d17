import { prepareMatch, type RequestFacts } from '../../routing/index.ts';
import type { HeaderMap, HttpResponse, UpstreamFailure } from '../../sidecar/hooks.ts';
import type { RetryPolicy } from '../../xds/index.ts';

/** Why an attempt should be made again, in words; `undefined` when it should not. */
export type RetryConditions = (response: HttpResponse, failure: UpstreamFailure | undefined) => string | undefined;

const grpcCodes: Readonly<Record<string, string>> = { cancelled: '1', 'deadline-exceeded': '4', 'resource-exhausted': '8', internal: '13', unavailable: '14' };

/** Reads `retryOn`. What our own limits or an overloaded upstream refused, or has no host, is never tried again. Source: Envoy, x-envoy-retry-on and x-envoy-retry-grpc-on. */
export function retryConditions(policy: RetryPolicy): RetryConditions {
  const on = new Set((policy.retryOn ?? '').split(',').map((condition) => condition.trim()));
  const numbers = [...on].filter((condition) => /^\d{3}$/.test(condition)).map(Number);
  const codes = new Set([...(policy.retriableStatusCodes ?? []), ...numbers]);
  const byCode = on.has('retriable-status-codes') || numbers.length > 0;
  const grpc = new Set(Object.entries(grpcCodes).filter(([name]) => on.has(name)).map(([, code]) => code));
  const wanted = (policy.retriableHeaders ?? []).map((header) => prepareMatch({ prefix: '/', headers: [header] }));
  const anyFailure = on.has('5xx') || on.has('gateway-error') || on.has('reset');
  return (response, failure) => {
    if (failure !== undefined) return failed(failure);
    const { status, headers } = response;
    if (headers.has('x-envoy-overloaded')) return undefined;
    if (headers.has('x-envoy-ratelimited')) return on.has('envoy-ratelimited') ? 'rate limited (envoy-ratelimited)' : undefined;
    if (on.has('5xx') && status >= 500) return `status ${status} (5xx)`;
    if (on.has('gateway-error') && status >= 502 && status <= 504) return `status ${status} (gateway-error)`;
    if (on.has('retriable-4xx') && status === 409) return 'status 409 (retriable-4xx)';
    if (byCode && codes.has(status)) return `status ${status} (retriable-status-codes)`;
    if (on.has('retriable-headers') && wanted.some((match) => match(headersAsFacts(headers)))) return 'a header of the response (retriable-headers)';
    const grpcStatus = grpc.size === 0 ? undefined : response.headers.get('grpc-status');
    return grpcStatus !== undefined && grpc.has(grpcStatus) ? `gRPC status ${grpcStatus}` : undefined;
  };

  function failed(failure: UpstreamFailure): string | undefined {
    if (failure === 'overflow' || failure === 'no-host' || failure === 'cancelled') return undefined;
    if (failure === 'connect-failure' && on.has('reset-before-request')) return failure;
    const named = failure === 'connect-failure' || failure === 'refused-stream' ? on.has(failure) : false;
    return named || anyFailure ? failure : undefined;
  }
}

/** A response's headers, to be matched as a request's are. */
function headersAsFacts(headers: HeaderMap): RequestFacts {
  return { method: '', path: '/', authority: '', scheme: 'http', header: (name) => headers.joined(name) };
}

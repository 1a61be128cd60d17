import { formatDuration } from '../../util/manifest-fields.ts';
import { any, typeUrl, type Any, type HttpFault } from '../../xds/index.ts';
import type { HTTPFaultInjection } from './manifest.ts';

/** The name under which the fault filter finds its config on a route. */
export const faultFilter = 'envoy.filters.http.fault';

type Fraction = NonNullable<NonNullable<HttpFault['delay']>['percentage']>;

/** The per-route config of the fault filter; `undefined` when nothing is injected. */
export function compileFault(fault: HTTPFaultInjection): Any<HttpFault> | undefined {
  const delay = fault.delay?.fixedDelay === undefined ? undefined : { fixedDelay: formatDuration(fault.delay.fixedDelay), percentage: fraction(fault.delay.percentage) };
  const abort = fault.abort === undefined ? undefined : compileAbort(fault.abort);
  if (delay === undefined && abort === undefined) return undefined;
  return any(typeUrl.fault, { ...(delay === undefined ? {} : { delay }), ...(abort === undefined ? {} : { abort }) });
}

function compileAbort(abort: NonNullable<HTTPFaultInjection['abort']>): HttpFault['abort'] {
  const percentage = fraction(abort.percentage);
  switch (abort.status?.kind) {
    case 'http': return { httpStatus: abort.status.status, percentage };
    case 'grpc': return { grpcStatus: grpcStatus(abort.status.status), percentage };
    default: return undefined;
  }
}

function fraction(percentage: number): Fraction {
  return { numerator: Math.round(percentage * 10_000), denominator: 'MILLION' };
}

/** gRPC's status codes by name, in the order of their numbers. */
const grpcNames = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
];

function grpcStatus(written: string): number {
  const known = grpcNames.indexOf(written.toUpperCase());
  return known >= 0 ? known : Number(written) || 0;
}

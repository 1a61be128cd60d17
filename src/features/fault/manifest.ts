import { z } from 'zod';
import { Int32, Percent, PositiveDuration, chosen } from '../../util/manifest-fields.ts';

/** Istio's HTTPFaultInjection.Delay. `percentage` is 0 to 100, 0 when unset. */
export const FaultDelay = z
  .object({ percent: Int32.exactOptional(), percentage: Percent.exactOptional(), fixedDelay: PositiveDuration.exactOptional(), exponentialDelay: PositiveDuration.exactOptional() })
  .transform((delay, context) => {
    if (delay.fixedDelay !== undefined && delay.exponentialDelay !== undefined) context.addIssue({ code: 'custom', message: 'only one of fixedDelay and exponentialDelay may be set' });
    return { percentage: delay.percentage ?? delay.percent ?? 0, ...(delay.fixedDelay !== undefined && { fixedDelay: delay.fixedDelay }), ...(delay.exponentialDelay !== undefined && { exponentialDelay: delay.exponentialDelay }) };
  });
export type FaultDelay = z.output<typeof FaultDelay>;

/** How an aborted request ends. `grpc` carries a status name or number as written. */
export type AbortStatus = { readonly kind: 'http'; readonly status: number } | { readonly kind: 'grpc'; readonly status: string } | { readonly kind: 'http2'; readonly error: string };

/** Istio's HTTPFaultInjection.Abort. `percentage` is 0 to 100, 0 when unset; `status` is absent when none is written. */
export const FaultAbort = z
  .object({ percentage: Percent.exactOptional(), httpStatus: Int32.exactOptional(), grpcStatus: z.string().exactOptional(), http2Error: z.string().exactOptional() })
  .transform((abort, context): { percentage: number; status?: AbortStatus } => {
    const set = chosen(abort, ['httpStatus', 'grpcStatus', 'http2Error']);
    if (set.length > 1) context.addIssue({ code: 'custom', message: `only one of httpStatus, grpcStatus and http2Error may be set, not ${set.join(' and ')}` });
    const percentage = abort.percentage ?? 0;
    if (abort.httpStatus !== undefined) return { percentage, status: { kind: 'http', status: abort.httpStatus } };
    if (abort.grpcStatus !== undefined) return { percentage, status: { kind: 'grpc', status: abort.grpcStatus } };
    if (abort.http2Error !== undefined) return { percentage, status: { kind: 'http2', error: abort.http2Error } };
    return { percentage };
  });
export type FaultAbort = z.output<typeof FaultAbort>;

/** Faults that are injected before a request is forwarded. Source: istio.io, VirtualService, HTTPFaultInjection. */
export const HTTPFaultInjection = z.object({ delay: FaultDelay.exactOptional(), abort: FaultAbort.exactOptional() });
export type HTTPFaultInjection = z.output<typeof HTTPFaultInjection>;


import type { HttpConnectionManager } from '../../xds/index.ts';
import type { Headers } from '../http1/index.ts';
import { tagSources, type CustomTagConfig, type TagSource } from '../telemetry/span-tags.ts';
import type { RandomIds } from './random-ids.ts';
import { incomingTrace, writeTrace, type TraceContext } from './trace-context.ts';

/** How a connection manager traces. */
export interface TracingPlan {
  /** Of requests for which nobody decided before: 0 to 100. */
  readonly sampling: number;
  /** Of requests that ask to be traced (`x-client-trace-id`), 0 to 100. */
  readonly clientSampling: number;
  /** Of all that were chosen, 0 to 100. */
  readonly overallSampling: number;
  /** Each of the three is everything: nothing need be drawn. */
  readonly always: boolean;
  /** Requests that share an id share the decision: it is a function of the id, and the id says what was decided. */
  readonly byRequestId: boolean;
  /** Says it in the id. */
  readonly markRequestId: boolean;
  /** Tells the upstream of the trace. */
  readonly propagate: boolean;
  readonly tags: readonly TagSource[];
}

/** Reads a manager's tracing; `undefined` when it makes no spans. */
export function tracingPlan({ tracing, requestIdExtension }: HttpConnectionManager): TracingPlan | undefined {
  if (tracing === undefined) return undefined;
  const ids = requestIdExtension?.typedConfig as { readonly useRequestIdForTraceSampling?: boolean; readonly packTraceReason?: boolean } | undefined;
  const percent = (given: { readonly value?: number | string } | undefined): number => (given === undefined ? 100 : Number(given.value ?? 0));
  const [sampling, clientSampling, overallSampling] = [percent(tracing.randomSampling), percent(tracing.clientSampling), percent(tracing.overallSampling)];
  return {
    sampling, clientSampling, overallSampling, always: sampling >= 100 && clientSampling >= 100 && overallSampling >= 100,
    byRequestId: ids?.useRequestIdForTraceSampling !== false, markRequestId: ids?.packTraceReason !== false,
    propagate: (tracing as { readonly noContextPropagation?: boolean }).noContextPropagation !== true,
    tags: tagSources((tracing.customTags ?? []) as readonly CustomTagConfig[]),
  };
}

/** What the request's id says was decided for its trace, at the place of a UUID's version. Source: Envoy, "x-request-id"; its UUID request id extension. */
const reasons: Readonly<Record<string, boolean>> = { 9: true, a: true, b: true };
const reasonAt = 14;

/**
 * Puts a request on its trace: a span for this hop, a decision whether it is reported, and headers that tell the upstream. What was decided before us is respected.
 * Returns the request's id too, which carries the decision on; `own` when it is ours. Source: istio.io, "Distributed Tracing"; Envoy, "Tracing", "HTTP header manipulation".
 */
export function traceRequest(headers: Headers, plan: TracingPlan | undefined, ids: RandomIds, requestId: string, own: boolean): { readonly trace: TraceContext | undefined; readonly requestId: string } {
  const incoming = incomingTrace(headers);
  const given = incoming.traceId !== '';
  if (plan === undefined) return { requestId, trace: given ? { traceId: incoming.traceId, spanId: incoming.parentSpanId, parentSpanId: '', own: false, sampled: false } : undefined };
  const known = own || isUuid(requestId);
  const reason = traceReason(headers, plan, ids, known && plan.byRequestId ? requestId : undefined);
  const sampled = incoming.sampled ?? reason !== '4';
  const trace = { traceId: given ? incoming.traceId : ids.traceId(), spanId: ids.spanId(), parentSpanId: incoming.parentSpanId, own: true, sampled };
  if (plan.propagate) writeTrace(headers, trace, incoming);
  const marked = plan.markRequestId && known ? `${requestId.slice(0, reasonAt)}${reason}${requestId.slice(reasonAt + 1)}` : requestId;
  return { trace, requestId: marked };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function isUuid(id: string): boolean {
  return id.length === 36 && uuid.test(id);
}

/** `9` by chance, `a` for a service's wish, `b` for a client's, `4` for no trace. `requestId` is one to count by; without one, it is drawn for. */
function traceReason(headers: Headers, plan: TracingPlan, ids: RandomIds, requestId: string | undefined): string {
  const said = requestId?.charAt(reasonAt) ?? '';
  const draw = plan.always ? 0 : requestId === undefined ? ids.draw() * 10_000 : Number.parseInt(requestId.slice(0, 8), 16) % 10_000;
  const reason = reasons[said] === true ? said
    : headers.has('x-client-trace-id') && within(draw, plan.clientSampling) ? 'b'
      : headers.has('x-envoy-force-trace') ? 'a'
        : within(draw, plan.sampling) ? '9' : '4';
  return reason !== '4' && !within(draw, plan.overallSampling) ? '4' : reason;
}

/** Whether what was drawn (up to 10,000) falls into so many percent. */
function within(draw: number, percent: number): boolean {
  return draw < percent * 100;
}

import type { Headers } from '../http1/index.ts';

/** What a caller said of the trace that a request belongs to. Ids are lower-case hexadecimal. */
export interface IncomingTrace {
  /** 32 digits; empty when the caller only says whether to sample. */
  readonly traceId: string;
  /** The caller's span; empty with the trace id. */
  readonly parentSpanId: string;
  /** What was decided before; `undefined` leaves it to us. */
  readonly sampled: boolean | undefined;
  /** B3's debug flag: sampled, whatever anybody else says. */
  readonly debug: boolean;
  /** The trace id as B3 headers carry it on: 16 digits stay 16. */
  readonly b3TraceId: string;
  /** Bits of W3C's trace flags that are passed on besides the one for sampling. */
  readonly flags: number;
}

/** Where a request stands in its trace. Ids are lower-case hexadecimal. */
export interface TraceContext {
  readonly traceId: string;
  /** This hop's span. A proxy that makes no spans passes on the caller's. */
  readonly spanId: string;
  /** Empty at the root. */
  readonly parentSpanId: string;
  /** This proxy made the span. */
  readonly own: boolean;
  /** The span is to be reported. */
  readonly sampled: boolean;
}

const nothing: IncomingTrace = { traceId: '', parentSpanId: '', sampled: undefined, debug: false, b3TraceId: '', flags: 0 };

/** The trace that a request came with, W3C first, then B3 in one header, then in several. Source: w3.org/TR/trace-context, github.com/openzipkin/b3-propagation. */
export function incomingTrace(headers: Headers): IncomingTrace {
  return fromTraceparent(headers) ?? fromSingleB3(headers.get('b3')) ?? fromSeveralB3(headers) ?? nothing;
}

/** Writes this hop into the headers: `traceparent` and B3's several headers, and its single one when the caller uses it. */
export function writeTrace(headers: Headers, { traceId, spanId, parentSpanId, sampled }: TraceContext, incoming: IncomingTrace): void {
  const b3TraceId = incoming.b3TraceId === '' ? traceId : incoming.b3TraceId;
  const flags = (incoming.flags & 0xfe) | (sampled ? 1 : 0);
  headers.put('traceparent', `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`);
  if (headers.has('b3')) headers.put('b3', `${b3TraceId}-${spanId}-${incoming.debug ? 'd' : sampled ? '1' : '0'}${parentSpanId === '' ? '' : `-${parentSpanId}`}`);
  headers.put('x-b3-traceid', b3TraceId);
  headers.put('x-b3-spanid', spanId);
  if (parentSpanId === '') headers.delete('x-b3-parentspanid');
  else headers.put('x-b3-parentspanid', parentSpanId);
  headers.put('x-b3-sampled', sampled ? '1' : '0');
}

/** A traceparent that cannot be read, or that came twice, starts a new trace: then what vendors said of the old one goes with it. */
function fromTraceparent(headers: Headers): IncomingTrace | undefined {
  const value = headers.joined('traceparent');
  if (value === undefined) return undefined;
  const match = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(value.trim());
  const [, version, traceId = '', parentSpanId = '', flags = '', more] = match ?? [];
  if (match === null || /^0+$/.test(traceId) || /^0+$/.test(parentSpanId) || (version === '00' && more !== undefined)) {
    if (headers.has('tracestate')) headers.delete('tracestate');
    return undefined;
  }
  const bits = Number.parseInt(flags, 16);
  // Only version 00 says what the other bits mean, and there that the ids are random.
  return { traceId, parentSpanId, sampled: (bits & 1) === 1, debug: false, b3TraceId: traceId, flags: version === '00' ? bits & 2 : 0 };
}

function fromSingleB3(value: string | undefined): IncomingTrace | undefined {
  if (value === undefined) return undefined;
  const alone = /^([01d])$/.exec(value)?.[1];
  if (alone !== undefined) return { ...nothing, sampled: alone !== '0', debug: alone === 'd' };
  const match = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?$/.exec(value);
  if (match === null) return undefined;
  const [, traceId = '', parentSpanId = '', decided] = match;
  return b3(traceId, parentSpanId, decided === undefined ? undefined : decided !== '0', decided === 'd');
}

function fromSeveralB3(headers: Headers): IncomingTrace | undefined {
  const traceId = headers.get('x-b3-traceid');
  const spanId = headers.get('x-b3-spanid');
  const said = headers.get('x-b3-sampled');
  const debug = headers.get('x-b3-flags') === '1';
  const sampled = debug || said === '1' || said === 'true' ? true : said === '0' || said === 'false' ? false : undefined;
  if (traceId !== undefined && spanId !== undefined && /^(?:[0-9a-f]{16}){1,2}$/.test(traceId) && /^[0-9a-f]{16}$/.test(spanId)) return b3(traceId, spanId, sampled, debug);
  return sampled === undefined ? undefined : { ...nothing, sampled, debug };
}

function b3(traceId: string, parentSpanId: string, sampled: boolean | undefined, debug: boolean): IncomingTrace {
  return { traceId: traceId.padStart(32, '0'), parentSpanId, sampled, debug, b3TraceId: traceId, flags: 0 };
}

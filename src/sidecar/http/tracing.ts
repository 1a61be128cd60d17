import type { Headers } from '../http1/index.ts';

/** Where a request stands in its trace. Ids are lower-case hexadecimal. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty at the root. */
  readonly parentSpanId: string;
}

/**
 * Makes a span for this hop and writes it into the headers: `traceparent` and B3 (several headers, and the single one when the caller uses it).
 * What the caller sent is continued, W3C first. Source: w3.org/TR/trace-context, github.com/openzipkin/b3-propagation.
 */
export function propagateTrace(headers: Headers, ids: RandomIds): TraceContext {
  const incoming = fromTraceparent(headers.get('traceparent')) ?? fromB3(headers) ?? { traceId: ids.traceId(), parentSpanId: '', flags: '01' };
  const { traceId, parentSpanId, flags } = incoming;
  const spanId = ids.spanId();
  const sampled = (Number.parseInt(flags, 16) & 1) === 1 ? '1' : '0';
  headers.put('traceparent', `00-${traceId.padStart(32, '0')}-${spanId}-${flags}`);
  if (headers.has('b3')) headers.put('b3', `${traceId}-${spanId}-${sampled}${parentSpanId === '' ? '' : `-${parentSpanId}`}`);
  headers.put('x-b3-traceid', traceId);
  headers.put('x-b3-spanid', spanId);
  if (parentSpanId === '') headers.delete('x-b3-parentspanid');
  else headers.put('x-b3-parentspanid', parentSpanId);
  headers.put('x-b3-sampled', sampled);
  return { traceId, spanId, parentSpanId };
}

interface Incoming {
  readonly traceId: string;
  readonly parentSpanId: string;
  readonly flags: string;
}

function fromTraceparent(value: string | undefined): Incoming | undefined {
  const match = value === undefined ? null : /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(value);
  if (match === null || /^0+$/.test(match[1] as string) || /^0+$/.test(match[2] as string)) return undefined;
  return { traceId: match[1] as string, parentSpanId: match[2] as string, flags: match[3] as string };
}

function fromB3(headers: Headers): Incoming | undefined {
  const single = /^([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?$/.exec(headers.get('b3') ?? '');
  if (single !== null) return { traceId: single[1] as string, parentSpanId: single[2] as string, flags: single[3] === '0' ? '00' : '01' };
  const traceId = headers.get('x-b3-traceid');
  const spanId = headers.get('x-b3-spanid');
  if (traceId === undefined || spanId === undefined || !/^(?:[0-9a-f]{16}){1,2}$/.test(traceId) || !/^[0-9a-f]{16}$/.test(spanId)) return undefined;
  const sampled = headers.get('x-b3-sampled');
  return { traceId, parentSpanId: spanId, flags: sampled === '0' || sampled === 'false' ? '00' : '01' };
}

/** Random ids for one request after the other, all of a request's made in one go. */
export class RandomIds {
  readonly #words = new Uint32Array(10);
  readonly #bytes = Buffer.from(this.#words.buffer);
  readonly #source: { random(): number };
  #digits = '';

  constructor(source: { random(): number }) {
    this.#source = source;
  }

  /** Draws anew. */
  next(): void {
    for (let index = 0; index < 10; index++) this.#words[index] = Math.floor(this.#source.random() * 0x1_0000_0000);
    this.#digits = this.#bytes.toString('hex');
  }

  /** 32 lower-case hexadecimal digits. */
  traceId(): string { return this.#digits.slice(0, 32); }

  /** 16 lower-case hexadecimal digits. */
  spanId(): string { return this.#digits.slice(32, 48); }

  /** A version 4 UUID. */
  uuid(): string {
    const digits = this.#digits;
    return `${digits.slice(48, 56)}-${digits.slice(56, 60)}-4${digits.slice(61, 64)}-${'89ab'.charAt((this.#words[8] as number) & 3)}${digits.slice(65, 68)}-${digits.slice(68, 80)}`;
  }
}

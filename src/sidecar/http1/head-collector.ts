import { ProtocolError } from './protocol-error.ts';
import { maxTarget } from './request-head.ts';

/** Largest head, in bytes; Envoy's default. */
export const maxHead = 60 * 1024;

/** A head that is complete, and where the rest of the buffer starts. */
export interface CompleteHead {
  /** With the empty line; it stands at the start of the buffer. */
  readonly text: string;
  readonly buffer: Buffer;
  readonly offset: number;
  /** The whole buffer in latin1, when that came for nothing. */
  readonly whole?: string;
}

/** Collects bytes until a head is complete, without looking twice at what it has seen. */
export class HeadCollector {
  #chunks: Buffer[] = [];
  #size = 0;
  #tail = '';
  #lineSeen = false;

  /** Nothing of a head has come yet. */
  get empty(): boolean {
    return this.#size === 0;
  }

  /** Takes more bytes, which may be lent; `undefined` when the head is not complete. Throws {@link ProtocolError} as soon as it cannot become one. */
  add(chunk: Buffer): CompleteHead | undefined {
    if (this.#size === 0) {
      const whole = headIn(chunk);
      if (whole !== undefined) return whole;
    }
    return this.#addPart(chunk);
  }

  #addPart(chunk: Buffer): CompleteHead | undefined {
    const seen = this.#tail + chunk.toString('latin1', 0, Math.min(chunk.length, maxHead + 4));
    const end = seen.indexOf('\r\n\r\n');
    if (end >= 0) {
      const headLength = this.#size - this.#tail.length + end + 4;
      const buffer = this.#chunks.length === 0 ? chunk : Buffer.concat([...this.#chunks, chunk]);
      this.#reset();
      return complete(buffer, headLength);
    }
    if (/(?:^|[^\r])\n|\r[^\n]|\0/.test(this.#tail === '' && this.#size === 0 ? seen : seen.slice(this.#tail.startsWith('\n') ? 1 : 0))) throw new ProtocolError('http1.invalid_line_end');
    this.#size += chunk.length;
    if (this.#size > maxHead) throw new ProtocolError('http1.headers_too_large', 431);
    this.#lineSeen ||= seen.includes('\r\n');
    if (!this.#lineSeen && this.#size > maxTarget + 64) throw new ProtocolError('http1.uri_too_long', 414);
    this.#chunks.push(Buffer.from(chunk));
    this.#tail = seen.slice(-3);
    return undefined;
  }

  #reset(): void {
    this.#chunks = [];
    this.#size = 0;
    this.#tail = '';
    this.#lineSeen = false;
  }
}

/** The usual case: the whole head in one chunk. */
function headIn(chunk: Buffer): CompleteHead | undefined {
  if (chunk.length > 4096) {
    const end = chunk.indexOf('\r\n\r\n', 0, 'latin1');
    return end < 0 ? undefined : complete(chunk, end + 4);
  }
  const text = chunk.toString('latin1', 0, chunk.length);
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? undefined : { text: end + 4 === text.length ? text : text.slice(0, end + 4), buffer: chunk, offset: end + 4, whole: text };
}

function complete(buffer: Buffer, length: number): CompleteHead {
  if (length > maxHead) throw new ProtocolError('http1.headers_too_large', 431);
  return { text: buffer.toString('latin1', 0, length), buffer, offset: length };
}

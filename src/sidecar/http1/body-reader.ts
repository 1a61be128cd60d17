import { ReadyBody, IncomingBody, type BodySource } from './body.ts';
import { ChunkedDecoder } from './chunked.ts';
import type { Framing } from './fields.ts';
import { ProtocolError } from './protocol-error.ts';

/** A body below this size that is wholly there becomes a ready one. A larger one is held in memory that is used again: buffers of its size cost a collection each few. */
const readyBelow = 65_536;

/** Reads one message body off a connection by its framing. */
export class BodyReader {
  /** All of it has been read. */
  done: boolean;
  /** Bytes of content so far. */
  total = 0;
  readonly body: ReadyBody | IncomingBody;
  /** Where the first feed stopped. */
  readonly firstEnd: number;
  readonly #chunked: ChunkedDecoder | undefined;
  readonly #untilClose: boolean;
  readonly #limit: number;
  #left: number;

  /** Starts with the rest of the buffer that held the head; a body that is wholly there, and not large, becomes a ready one. `text` is the buffer in latin1, when it is known. */
  constructor(framing: Framing, source: BodySource, buffer: Buffer, offset: number, limit: number, text?: string) {
    this.#limit = limit;
    this.#untilClose = framing === 'close';
    this.#left = typeof framing === 'number' ? framing : 0;
    this.#chunked = framing === 'chunked' ? new ChunkedDecoder() : undefined;
    this.done = false;
    if (this.#left > limit) throw new ProtocolError('http1.body_too_large', 413);
    if (typeof framing === 'number' && framing < readyBelow && buffer.length - offset >= framing) {
      this.done = true;
      this.total = framing;
      this.firstEnd = offset + framing;
      this.body = framing === 0 ? ReadyBody.empty : new ReadyBody(text === undefined ? Buffer.from(buffer.subarray(offset, this.firstEnd)) : text.slice(offset, this.firstEnd));
    } else {
      this.body = new IncomingBody(typeof framing === 'number' ? framing : undefined, source);
      this.firstEnd = this.feed(buffer, offset);
    }
  }

  /** Reads on; returns the offset just behind what belonged to the body. Throws {@link ProtocolError}. */
  feed(buffer: Buffer, offset: number): number {
    const body = this.body as IncomingBody;
    if (this.done || offset >= buffer.length) return offset;
    if (this.#chunked !== undefined) return this.#feedChunked(this.#chunked, body, buffer, offset);
    const end = this.#untilClose ? buffer.length : Math.min(buffer.length, offset + this.#left);
    this.#left -= end - offset;
    this.total += end - offset;
    body.push(offset === 0 && end === buffer.length ? buffer : buffer.subarray(offset, end));
    if (!this.#untilClose && this.#left === 0) {
      this.done = true;
      body.finish(undefined);
    }
    return end;
  }

  /** The connection has ended in order: true when that ends the body. */
  end(): boolean {
    if (this.done) return true;
    if (!this.#untilClose) return false;
    this.done = true;
    (this.body as IncomingBody).finish(undefined);
    return true;
  }

  /** The rest will never come. */
  fail(reason: string): void {
    if (!this.done) (this.body as IncomingBody).fail(reason);
  }

  #feedChunked(decoder: ChunkedDecoder, body: IncomingBody, buffer: Buffer, offset: number): number {
    const next = decoder.decode(buffer, offset, (chunk) => {
      this.total += chunk.length;
      if (this.total > this.#limit) throw new ProtocolError('http1.body_too_large', 413);
      body.push(chunk);
    });
    if (decoder.done) {
      this.done = true;
      body.finish(decoder.trailers);
    }
    return next;
  }
}

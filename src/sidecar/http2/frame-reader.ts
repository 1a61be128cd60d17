import { ConnectionError, errorCode, flag, frameType, maxFrameSize } from './protocol.ts';

/** Takes frames as they are completed. */
export interface FrameSink {
  /** The payload is `bytes` from `start` to `end`; it may be lent. A DATA frame may come in pieces, each as if it were a frame. */
  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void;
}

const headerSize = 9;

/**
 * Cuts a byte stream into frames. They are read where they lie, and content that spans chunks is passed on in pieces: another frame that does
 * is put together first, and nothing else is copied.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  /** A frame that is not complete: its header, then all of it. */
  #partial: Buffer | undefined;
  #have = 0;
  /** Of a DATA frame that has begun: what has not come yet, and its flags and stream. */
  #left = 0;
  #flags = 0;
  #id = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Throws {@link ConnectionError} on a frame that is too large, as soon as its header is there. */
  feed(chunk: Buffer, from = 0): void {
    let at = this.#left > 0 ? this.#goOn(chunk, from) : this.#partial === undefined ? from : this.#complete(chunk, from);
    while (chunk.length - at >= headerSize) {
      const size = headerSize + length(chunk, at);
      if (chunk.length - at < size) break;
      this.#emit(chunk, at, size);
      at += size;
    }
    if (at < chunk.length && !this.#begin(chunk, at)) this.#keep(chunk, at);
  }

  /** Passes on the first piece of a DATA frame; false when it is none, or has padding, whose length counts as a whole. */
  #begin(chunk: Buffer, at: number): boolean {
    const here = chunk.length - at - headerSize;
    if (here <= 0 || chunk[at + 3] !== frameType.data || ((chunk[at + 4] as number) & flag.padded) !== 0) return false;
    this.#left = length(chunk, at) - here;
    this.#flags = chunk[at + 4] as number;
    this.#id = streamId(chunk, at);
    this.#sink.frame(frameType.data, this.#flags & ~flag.endStream, this.#id, chunk, at + headerSize, chunk.length);
    return true;
  }

  /** Passes on the next piece of a DATA frame; returns where the chunk goes on. */
  #goOn(chunk: Buffer, from: number): number {
    const to = Math.min(chunk.length, from + this.#left);
    this.#left -= to - from;
    this.#sink.frame(frameType.data, this.#left > 0 ? this.#flags & ~flag.endStream : this.#flags, this.#id, chunk, from, to);
    return to;
  }

  /** Starts a partial frame with the rest of a chunk. */
  #keep(chunk: Buffer, at: number): void {
    const rest = chunk.length - at;
    const size = rest < headerSize ? headerSize : headerSize + length(chunk, at);
    this.#partial = Buffer.allocUnsafe(size);
    this.#have = chunk.copy(this.#partial, 0, at);
  }

  /** Fills the partial frame up; returns where the chunk goes on. */
  #complete(chunk: Buffer, from: number): number {
    let at = from;
    let partial = this.#partial as Buffer;
    for (;;) {
      const copied = chunk.copy(partial, this.#have, at, Math.min(chunk.length, at + partial.length - this.#have));
      this.#have += copied;
      at += copied;
      if (this.#have < partial.length) return at;
      if (partial.length === headerSize) {
        const size = headerSize + length(partial, 0);
        if (size > headerSize) {
          const whole = Buffer.allocUnsafe(size);
          partial.copy(whole, 0, 0, headerSize);
          this.#partial = partial = whole;
          continue;
        }
      }
      this.#partial = undefined;
      this.#emit(partial, 0, partial.length);
      return at;
    }
  }

  #emit(bytes: Buffer, at: number, size: number): void {
    this.#sink.frame(bytes[at + 3] as number, bytes[at + 4] as number, streamId(bytes, at), bytes, at + headerSize, at + size);
  }
}

function streamId(bytes: Buffer, at: number): number {
  return (((bytes[at + 5] as number) & 0x7f) << 24) | ((bytes[at + 6] as number) << 16) | ((bytes[at + 7] as number) << 8) | (bytes[at + 8] as number);
}

function length(bytes: Buffer, at: number): number {
  const size = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (size > maxFrameSize) throw new ConnectionError(errorCode.frameSize, 'http2.frame_too_large');
  return size;
}

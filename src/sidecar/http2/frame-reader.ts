import { ConnectionError, errorCode, maxFrameSize } from './protocol.ts';

/** Takes frames as they are completed. */
export interface FrameSink {
  /** The payload is `bytes` from `start` to `end`; it may be kept. */
  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void;
}

const headerSize = 9;

/** Cuts a byte stream into frames. Whole frames are read where they lie; one that spans chunks is put together first, and nothing else is copied. */
export class FrameReader {
  readonly #sink: FrameSink;
  /** A frame that is not complete: its header, then all of it. */
  #partial: Buffer | undefined;
  #have = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Throws {@link ConnectionError} on a frame that is too large, as soon as its header is there. */
  feed(chunk: Buffer, from = 0): void {
    let at = this.#partial === undefined ? from : this.#complete(chunk, from);
    while (chunk.length - at >= headerSize) {
      const size = headerSize + length(chunk, at);
      if (chunk.length - at < size) break;
      this.#emit(chunk, at, size);
      at += size;
    }
    if (at < chunk.length) this.#keep(chunk, at);
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
    const id = (((bytes[at + 5] as number) & 0x7f) << 24) | ((bytes[at + 6] as number) << 16) | ((bytes[at + 7] as number) << 8) | (bytes[at + 8] as number);
    this.#sink.frame(bytes[at + 3] as number, bytes[at + 4] as number, id, bytes, at + headerSize, at + size);
  }
}

function length(bytes: Buffer, at: number): number {
  const size = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  if (size > maxFrameSize) throw new ConnectionError(errorCode.frameSize, 'http2.frame_too_large');
  return size;
}

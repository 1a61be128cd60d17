import { maxHeaderBytes } from './hpack-decoder.ts';
import { ConnectionError, errorCode, flag } from './protocol.ts';

const maxContinuations = 128;

/** A header block that is whole. */
export interface CompleteBlock {
  readonly id: number;
  readonly endStream: boolean;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Puts HEADERS and its CONTINUATION frames together, within bounds. */
export class HeaderAssembly {
  #id = 0;
  #endStream = false;
  #pieces: Buffer[] = [];
  #size = 0;

  /** The stream whose block is not complete; then no other frame may come. */
  get pending(): number {
    return this.#id;
  }

  /** The payload of HEADERS; the block when it is whole. */
  headers(flags: number, id: number, bytes: Buffer, start: number, end: number): CompleteBlock | undefined {
    let from = start;
    let padding = 0;
    if ((flags & flag.padded) !== 0) padding = bytes[from++] ?? 0;
    if ((flags & flag.priority) !== 0) from += 5;
    if (from + padding > end) throw new ConnectionError(errorCode.protocol, 'http2.invalid_padding');
    const endStream = (flags & flag.endStream) !== 0;
    if ((flags & flag.endHeaders) !== 0) return { id, endStream, bytes, start: from, end: end - padding };
    this.#id = id;
    this.#endStream = endStream;
    this.#pieces = [Buffer.from(bytes.subarray(from, end - padding))];
    this.#size = end - padding - from;
    return undefined;
  }

  /** The payload of CONTINUATION. */
  continuation(flags: number, id: number, bytes: Buffer, start: number, end: number): CompleteBlock | undefined {
    if (this.#id === 0 || id !== this.#id) throw new ConnectionError(errorCode.protocol, 'http2.unexpected_continuation');
    this.#size += end - start;
    if (this.#size > maxHeaderBytes || this.#pieces.length >= maxContinuations) throw new ConnectionError(errorCode.enhanceYourCalm, 'http2.continuation_flood');
    this.#pieces.push(Buffer.from(bytes.subarray(start, end)));
    if ((flags & flag.endHeaders) === 0) return undefined;
    const block = Buffer.concat(this.#pieces);
    this.#id = 0;
    this.#pieces = [];
    return { id, endStream: this.#endStream, bytes: block, start: 0, end: block.length };
  }
}

import { parseFields } from './fields.ts';
import type { Headers } from './headers.ts';
import { ProtocolError } from './protocol-error.ts';

const size = 0;
const extension = 1;
const sizeLineFeed = 2;
const data = 3;
const dataReturn = 4;
const dataLineFeed = 5;
const trailers = 6;
const done = 7;

const maxExtension = 4096;
const maxTrailers = 16 * 1024;

/**
 * Takes the chunked coding off, whatever way the bytes are split. Strict: sizes are 1 to 13 hexadecimal digits, lines end with CRLF,
 * extensions are printable and short and go no further. Source: RFC 9112 section 7.1.
 */
export class ChunkedDecoder {
  #state = size;
  #left = 0;
  #digits = 0;
  #extension = 0;
  #trailerText = '';
  #trailers: Headers | undefined;

  get done(): boolean {
    return this.#state === done;
  }

  /** Trailer fields, when there were some. */
  get trailers(): Headers | undefined {
    return this.#trailers;
  }

  /** Decodes from `offset`; returns where it stopped: the end of the buffer, or just behind the body. Throws {@link ProtocolError}. */
  decode(buffer: Buffer, offset: number, emit: (chunk: Buffer) => void): number {
    let index = offset;
    while (index < buffer.length && this.#state !== done) {
      if (this.#state === data) {
        const end = Math.min(buffer.length, index + this.#left);
        emit(buffer.subarray(index, end));
        this.#left -= end - index;
        index = end;
        if (this.#left === 0) this.#state = dataReturn;
      } else if (this.#state === trailers) {
        index = this.#readTrailers(buffer, index);
      } else {
        this.#step(buffer[index] as number);
        index++;
      }
    }
    return index;
  }

  #step(byte: number): void {
    switch (this.#state) {
      case size: return this.#sizeByte(byte);
      case extension:
        if (byte === 13) this.#state = sizeLineFeed;
        else if ((byte < 32 && byte !== 9) || byte === 127 || ++this.#extension > maxExtension) throw new ProtocolError('http1.invalid_chunk_extension');
        return;
      case sizeLineFeed:
        if (byte !== 10) throw new ProtocolError('http1.invalid_chunk_size');
        this.#state = this.#left === 0 ? trailers : data;
        this.#digits = 0;
        return;
      case dataReturn:
        if (byte !== 13) throw new ProtocolError('http1.invalid_chunk_end');
        this.#state = dataLineFeed;
        return;
      case dataLineFeed:
        if (byte !== 10) throw new ProtocolError('http1.invalid_chunk_end');
        this.#state = size;
    }
  }

  #sizeByte(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      if (++this.#digits > 13) throw new ProtocolError('http1.invalid_chunk_size');
      this.#left = this.#left * 16 + digit;
      return;
    }
    if (this.#digits === 0 || (byte !== 13 && byte !== 59)) throw new ProtocolError('http1.invalid_chunk_size');
    this.#state = byte === 13 ? sizeLineFeed : extension;
  }

  /** Trailer lines are few: they are collected up to the empty line, then parsed like a head. */
  #readTrailers(buffer: Buffer, offset: number): number {
    const before = this.#trailerText.length;
    const text = this.#trailerText + buffer.toString('latin1', offset, Math.min(buffer.length, offset + maxTrailers));
    if (text.startsWith('\r\n')) return this.#finish('', offset + 2 - before);
    const end = text.indexOf('\r\n\r\n');
    if (end >= 0) return this.#finish(text.slice(0, end + 2), offset + end + 4 - before);
    if (text.length >= maxTrailers) throw new ProtocolError('http1.trailers_too_large', 431);
    if (/[^\r]\n|^\n|\r[^\n]/.test(text)) throw new ProtocolError('http1.invalid_trailers');
    this.#trailerText = text;
    return buffer.length;
  }

  #finish(text: string, next: number): number {
    this.#state = done;
    if (text !== '') {
      const { headers } = parseFields(text, Buffer.from(text, 'latin1'), 0, text.length);
      headers.prune((name) => forbiddenTrailers.has(name));
      if (headers.names.length > 0) this.#trailers = headers;
    }
    return next;
  }
}

/** Fields that must not come after the head they would change. Source: RFC 9110 section 6.5.1. */
const forbiddenTrailers: ReadonlySet<string> = new Set([
  'content-length', 'host', 'authorization', 'cookie', 'set-cookie', 'content-type', 'content-encoding', 'content-range', 'trailer', 'x-forwarded-client-cert', 'cache-control', 'max-forwards',
]);

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

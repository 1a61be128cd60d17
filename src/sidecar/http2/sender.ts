import type { Headers } from '../http1/index.ts';
import type { FloodGuard } from './flood-guard.ts';
import type { FrameWriter } from './frame-writer.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { ConnectionError, defaultWindow, errorCode, maxFrameSize, maxWindow } from './protocol.ts';
import type { Http2Stream, StreamSender } from './stream.ts';

/** What streams send: within the windows of the peer and what the link takes, and in turn when that is not enough. Source: RFC 9113 section 5.2. */
export class Sender implements StreamSender {
  readonly encoder = new HpackEncoder();
  readonly #writer: FrameWriter;
  readonly #guard: FloodGuard;
  /** Streams that have something to send and no room, in the order in which they get their turn. */
  readonly #waiting = new Set<Http2Stream>();
  #window = defaultWindow;
  #stopped = false;

  constructor(writer: FrameWriter, guard: FloodGuard) {
    this.#writer = writer;
    this.#guard = guard;
  }

  data(stream: Http2Stream, chunk: Buffer, at: number): number {
    if (this.#writer.full || this.#stopped) return 0;
    const size = Math.min(chunk.length - at, stream.sendWindow, this.#window, maxFrameSize);
    if (size <= 0) return 0;
    this.#spend(stream, size);
    this.#writer.data(stream.id, chunk, at, at + size, false);
    return size;
  }

  text(stream: Http2Stream, content: string): void {
    this.#spend(stream, content.length);
    this.#writer.text(stream.id, content, true);
  }

  headers(stream: Http2Stream, block: string, end: boolean): void {
    if (!this.#stopped) this.#writer.headers(stream.id, block, end);
  }

  trailers(stream: Http2Stream, trailers: Headers): void {
    const { names, values } = trailers;
    let block = '';
    for (let index = 0; index < names.length; index++) block += this.encoder.field(names[index] as string, values[index] as string);
    this.headers(stream, block, true);
  }

  end(stream: Http2Stream): void {
    if (!this.#stopped) this.#writer.endStream(stream.id);
  }

  fits(stream: Http2Stream, bytes: number): boolean {
    return bytes <= maxFrameSize && bytes <= stream.sendWindow && bytes <= this.#window && !this.#writer.full && !this.#stopped;
  }

  waits(stream: Http2Stream): void { this.#waiting.add(stream); }

  /** The stream is over. */
  forget(stream: Http2Stream): void { this.#waiting.delete(stream); }

  /** The peer takes so many more bytes on all streams together. Throws {@link ConnectionError} when it may not. */
  grow(increment: number): void {
    this.#window += increment;
    if (increment === 0) throw new ConnectionError(errorCode.protocol, 'http2.invalid_window_update');
    if (this.#window > maxWindow) throw new ConnectionError(errorCode.flowControl, 'http2.window_too_large');
  }

  /** Lets the streams that wait send a frame each, in turn, while there is room. */
  pump(): void {
    let idle = 0;
    while (this.#waiting.size > idle && this.#window > 0 && !this.#writer.full && !this.#stopped) {
      const stream = this.#waiting.values().next().value as Http2Stream;
      const before = this.#window;
      this.#waiting.delete(stream);
      if (stream.pump()) this.#waiting.add(stream);
      idle = this.#window === before ? idle + 1 : 0;
    }
  }

  /** Nothing of any stream goes out any more. */
  stop(): void { this.#stopped = true; }

  #spend(stream: Http2Stream, size: number): void {
    stream.sendWindow -= size;
    this.#window -= size;
    this.#guard.dataSent();
  }
}

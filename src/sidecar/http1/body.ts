import type { Body, BodySink, HeaderMap } from '../hooks.ts';

/** What feeds a body; it is told when to stop and go on reading. A source that has moved on to its next message ignores the bodies of earlier ones. */
export interface BodySource {
  /** Somebody asked for the body for the first time. */
  wanted(body: IncomingBody): void;
  pause(body: IncomingBody): void;
  resume(body: IncomingBody): void;
  cancelled(body: IncomingBody, reason: string): void;
}

/** A body whose bytes are all here. It can be piped any number of times. Small ones often go from text to text and never become a buffer. */
export class ReadyBody implements Body {
  /** No body. */
  static readonly empty = new ReadyBody(Buffer.alloc(0));
  readonly length: number;
  readonly #bytes: Buffer;
  readonly #start: number;
  readonly #text: string | undefined;

  /** The part of `bytes` from `start` of this length; `text` is all of `bytes` in latin1, when somebody has it. */
  constructor(bytes: Buffer, start = 0, length = bytes.length, text?: string) {
    this.#bytes = bytes;
    this.#start = start;
    this.length = length;
    this.#text = text;
  }

  get ready(): Buffer {
    return this.length === this.#bytes.length ? this.#bytes : this.#bytes.subarray(this.#start, this.#start + this.length);
  }

  /** The content, a character a byte. */
  latin1(): string {
    const end = this.#start + this.length;
    return this.#text === undefined ? this.#bytes.toString('latin1', this.#start, end) : this.#text.slice(this.#start, end);
  }

  pipe(sink: BodySink): void {
    if (this.length > 0) sink.data(this.ready);
    sink.end(undefined);
  }

  resume(): void { /* nothing waits */ }
  cancel(): void { /* nothing is read */ }
}

/** A body that arrives while it is read. What comes before anybody asks is kept, and the source is paused meanwhile. */
export class IncomingBody implements Body {
  readonly length: number | undefined;
  readonly ready = undefined;
  readonly #source: BodySource;
  #sink: BodySink | undefined;
  #queue: Buffer[] = [];
  #paused = false;
  #end: { readonly trailers: HeaderMap | undefined } | undefined;
  #error: string | undefined;
  #over = false;

  constructor(length: number | undefined, source: BodySource) {
    this.length = length;
    this.#source = source;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#source.wanted(this);
    this.#flush();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#flush();
  }

  cancel(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    this.#source.cancelled(this, reason);
  }

  /** The codec has read more of it. */
  push(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#sink === undefined || this.#queue.length > 0 || this.#paused) {
      this.#queue.push(chunk);
      this.#source.pause(this);
    } else if (!this.#sink.data(chunk)) {
      this.#paused = true;
      this.#source.pause(this);
    }
  }

  /** The codec has read all of it. */
  finish(trailers: HeaderMap | undefined): void {
    this.#end = { trailers };
    if (this.#sink !== undefined && this.#queue.length === 0) this.#finishSink();
  }

  /** The rest will never come. What has come is delivered first. */
  fail(reason: string): void {
    if (this.#over || this.#end !== undefined) return;
    this.#error = reason;
    if (this.#sink !== undefined) {
      this.#over = true;
      this.#sink.error(reason);
    }
  }

  #flush(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#over) return;
    while (this.#queue.length > 0) {
      if (this.#paused) return;
      if (!sink.data(this.#queue.shift() as Buffer)) this.#paused = true;
    }
    if (!this.#paused) this.#source.resume(this);
    if (this.#error !== undefined) {
      this.#over = true;
      sink.error(this.#error);
    } else if (this.#end !== undefined) this.#finishSink();
  }

  #finishSink(): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink?.end(this.#end?.trailers);
  }
}

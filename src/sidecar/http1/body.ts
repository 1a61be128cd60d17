import type { Body, BodySink, HeaderMap } from '../hooks.ts';
import type { Memory } from '../link/index.ts';

/** What feeds a body; it is told when to stop and go on reading. A source that has moved on to its next message ignores the bodies of earlier ones. */
export interface BodySource {
  /** Keeps what comes before anybody takes it. */
  readonly memory: Memory;
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
  #bytes: Buffer | undefined;
  #text: string | undefined;

  /** The content as bytes, or as text, a character a byte. */
  constructor(content: Buffer | string) {
    this.length = content.length;
    if (typeof content === 'string') this.#text = content;
    else this.#bytes = content;
  }

  get ready(): Buffer { return (this.#bytes ??= Buffer.from(this.#text as string, 'latin1')); }

  /** The content, a character a byte. */
  latin1(): string { return (this.#text ??= (this.#bytes as Buffer).toString('latin1')); }

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

  /** The codec has read more of it; the chunk may be lent. */
  push(chunk: Buffer): void {
    if (this.#over) return;
    const sink = this.#sink;
    if (sink === undefined || this.#queue.length > 0 || this.#paused) {
      this.#queue.push(this.#source.memory.hold(chunk));
      // The first of it waits for free: most bodies are short, and somebody asks for them soon.
      if (this.#queue.length > 1 || this.#paused) this.#source.pause(this);
    } else if (!sink.data(sink.borrows === true ? chunk : Buffer.from(chunk))) {
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
      const chunk = this.#queue.shift() as Buffer;
      if (!(sink.keep === undefined ? sink.data(chunk) : sink.keep(chunk))) this.#paused = true;
      if (sink.keep === undefined && sink.borrows === true) this.#source.memory.release(chunk);
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

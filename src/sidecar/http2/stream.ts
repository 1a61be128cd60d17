import type { Body, BodySink, HeaderMap } from '../hooks.ts';
import { IncomingBody, ReadyBody, type BodySource, type Headers } from '../http1/index.ts';
import type { Memory } from '../link/index.ts';
import type { FieldBlock } from './hpack-decoder.ts';
import { errorCode } from './protocol.ts';

/** How a stream sends. Nothing goes out once the connection is over. */
export interface StreamSender {
  /** Sends one DATA frame with as much of `chunk` from `at` as the windows and the link allow; says how much. */
  data(stream: Http2Stream, chunk: Buffer, at: number): number;
  /** Sends a whole body that {@link fits}, and ends the stream. */
  text(stream: Http2Stream, content: string): void;
  headers(stream: Http2Stream, block: string, end: boolean): void;
  trailers(stream: Http2Stream, trailers: Headers): void;
  end(stream: Http2Stream): void;
  /** Whether so many bytes can go out at once. */
  fits(stream: Http2Stream, bytes: number): boolean;
  /** The stream has something to send and no room. */
  waits(stream: Http2Stream): void;
}

/** What a stream asks of its connection. */
export interface StreamHost {
  readonly sender: StreamSender;
  readonly memory: Memory;
  /** Bytes that were received need no memory any more. */
  consumed(bytes: number): void;
  /** Lets the peer send so many more bytes on the stream. */
  allow(stream: Http2Stream, bytes: number): void;
  /** Both sides are over. */
  finished(stream: Http2Stream): void;
}

/** Why a stream ended before its time. */
export type StreamEnd =
  | { readonly kind: 'reset'; readonly code: number }
  | { readonly kind: 'refused' }
  | { readonly kind: 'violation'; readonly details: string }
  | { readonly kind: 'connection'; readonly details: string | undefined };

/** Who is behind a stream: a request that is served, or one that was sent. */
export interface StreamEvents {
  /** A head that came is told of even when the stream was aborted in the same read. */
  readonly keepsHead: boolean;
  /** A header section that is no trailer section. May throw a ProtocolError: then the stream is reset. Returns true when the message's head has come. */
  head(block: FieldBlock, endStream: boolean): boolean;
  /** The head, and what came of the body in the same read, are here. Once. */
  ready(body: ReadyBody | IncomingBody): void;
  /** The body is asked for, for the first time. */
  wanted(): void;
  /** Body bytes came. */
  progress(): void;
  /** Nobody wants the rest of the body that the peer sends. */
  unwanted(): void;
  /** What we send is out to its end. */
  sent(trailers: HeaderMap | undefined): void;
  /** What we send broke off, or was not as long as announced. */
  sourceBroken(): void;
  /** The peer has sent its last. */
  received(): void;
  /** Both sides are over, in order. */
  complete(): void;
  /** No more will come or go. */
  aborted(why: StreamEnd): void;
}

const none: readonly Buffer[] = [];
/** Content up to this size is kept as text: it mostly leaves as such. */
const smallBody = 4096;

/** One stream: its state, its windows, and the bodies both ways. */
export class Http2Stream implements BodySource, BodySink {
  readonly borrows = true;
  readonly id: number;
  /** When it was, in milliseconds, where the peer opened it. */
  readonly opened: number;
  events!: StreamEvents;
  /** The next one in the same slot of the connection's table. */
  sibling: Http2Stream | undefined;
  headSeen = false;
  remoteEnded = false;
  localEnded = false;
  closed = false;
  sendWindow: number;
  /** What the peer may still send. */
  receiveWindow: number;
  /** The length that the peer announced. */
  expected: number | undefined;
  /** Content bytes so far. */
  received = 0;
  written = 0;
  readonly #host: StreamHost;
  readonly #sender: StreamSender;
  #body: IncomingBody | ReadyBody | undefined;
  /** Content of the same read as the head: it is lent until {@link open}. */
  #early: readonly Buffer[] = none;
  /** All of the content, when it came in one small piece with the head: a character a byte. */
  #text: string | undefined;
  #trailers: Headers | undefined;
  #held = true;
  #discards = false;
  #unconsumed = 0;
  #owed = 0;
  #source: Body | undefined;
  #queue: readonly Buffer[] = none;
  #end: { readonly trailers: HeaderMap | undefined } | undefined;
  #aborted = false;

  constructor(id: number, host: StreamHost, sendWindow: number, receiveWindow: number, opened: number) {
    this.id = id;
    this.#host = host;
    this.#sender = host.sender;
    this.opened = opened;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  /** Tells of the stream what has come so far. */
  open(): void {
    if (this.#aborted || this.#body !== undefined) return;
    const early = this.#early;
    this.#early = none;
    if (this.remoteEnded && this.#trailers === undefined) {
      this.#body = this.#text !== undefined ? new ReadyBody(this.#text) : early.length === 0 ? ReadyBody.empty : new ReadyBody(Buffer.concat(early));
      this.#held = false;
      this.#consume();
    } else {
      const body = new IncomingBody(this.expected, this);
      this.#body = body;
      for (const chunk of early) body.push(chunk);
      if (this.remoteEnded) body.finish(this.#trailers);
    }
    this.events.ready(this.#body);
  }

  /** Content has come, the `last` or not; `size` counts its padding too. False when it is more than was announced. */
  take(bytes: Buffer, start: number, end: number, size: number, last: boolean): boolean {
    this.receiveWindow -= size;
    this.received += end - start;
    if (this.expected !== undefined && this.received > this.expected) {
      this.#host.consumed(size);
      return false;
    }
    this.#unconsumed += size;
    if (this.#discards) {
      this.#consume();
      return true;
    }
    if (end > start) {
      if (this.#body !== undefined) (this.#body as IncomingBody).push(bytes.subarray(start, end));
      else if (last && this.#early.length === 0 && end - start <= smallBody) this.#text = bytes.toString('latin1', start, end);
      else this.#early = [...this.#early, bytes.subarray(start, end)];
      this.events.progress();
    }
    if (!this.#held) this.#consume();
    return true;
  }

  /** The peer has ended its side. False when less came than was announced. */
  takeEnd(trailers: Headers | undefined): boolean {
    if (this.expected !== undefined && this.received !== this.expected) return false;
    this.remoteEnded = true;
    this.#trailers = trailers;
    if (this.#body instanceof IncomingBody) this.#body.finish(trailers);
    if (this.closed) return true;
    this.events.received();
    if (this.localEnded) this.#host.finished(this);
    return true;
  }

  get memory(): Memory { return this.#host.memory; }
  wanted(): void { this.events.wanted(); }
  pause(): void { this.#held = true; }

  resume(): void {
    this.#held = false;
    this.#consume();
  }

  cancelled(): void {
    this.#discards = true;
    this.#held = false;
    this.#consume();
    if (!this.remoteEnded && !this.closed) this.events.unwanted();
  }

  /** Our head. */
  sendHead(block: string, end: boolean): void {
    this.#sender.headers(this, block, end);
    if (end) this.#sent(undefined);
  }

  /** Our body, after the head. */
  sendBody(body: Body): void {
    if (body instanceof ReadyBody && this.#sender.fits(this, body.length)) {
      this.written = body.length;
      this.#sender.text(this, body.latin1());
      this.#sent(undefined);
      return;
    }
    this.#source = body;
    body.pipe(this);
  }

  data(chunk: Buffer): boolean {
    if (this.closed || this.localEnded || chunk.length === 0) return true;
    this.written += chunk.length;
    const announced = this.#source?.length;
    if (announced !== undefined && this.written > announced) {
      this.error();
      return true;
    }
    let at = 0;
    if (this.#queue.length === 0) {
      for (let sent = 1; sent > 0 && at < chunk.length; at += sent) sent = this.#sender.data(this, chunk, at);
      if (at === chunk.length) return true;
    }
    this.#queue = [...this.#queue, this.#host.memory.hold(chunk.subarray(at))];
    this.#sender.waits(this);
    return false;
  }

  end(trailers: HeaderMap | undefined): void {
    if (this.closed || this.localEnded) return;
    this.#end = { trailers };
    if (this.#queue.length === 0) this.#finish();
  }

  /** The source of our body has failed. */
  error(): void {
    if (this.closed || this.localEnded) return;
    this.#source = undefined;
    this.#queue = none;
    this.events.sourceBroken();
  }

  /** There is room: sends one frame. True when more waits. */
  pump(): boolean {
    const chunk = this.#queue[0];
    if (chunk === undefined || this.closed) return false;
    const sent = this.#sender.data(this, chunk, 0);
    if (sent < chunk.length) {
      if (sent > 0) this.#queue = [chunk.subarray(sent), ...this.#queue.slice(1)];
      return true;
    }
    this.#host.memory.release(chunk);
    this.#queue = this.#queue.length === 1 ? none : this.#queue.slice(1);
    if (this.#queue.length > 0) return true;
    if (this.#end !== undefined) this.#finish();
    else this.#source?.resume();
    return this.#queue.length > 0;
  }

  /** No more will come or go: whoever waits is told. */
  abort(why: StreamEnd, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    if (this.headSeen && this.events.keepsHead) this.open();
    this.#aborted = true;
    const source = this.#source;
    this.#source = undefined;
    this.#queue = none;
    if (!this.localEnded) source?.cancel(reason);
    if (!this.remoteEnded && this.#body instanceof IncomingBody) this.#body.fail(reason);
    if (this.#body === undefined) this.#consume();
    this.#early = none;
    this.events.aborted(why);
  }

  #finish(): void {
    const { trailers } = this.#end as { readonly trailers: HeaderMap | undefined };
    const announced = this.#source?.length;
    if (announced !== undefined && this.written < announced) {
      this.error();
      return;
    }
    if (trailers === undefined) this.#sender.end(this);
    else this.#sender.trailers(this, trailers as Headers);
    this.#sent(trailers);
  }

  #sent(trailers: HeaderMap | undefined): void {
    this.localEnded = true;
    this.#source = undefined;
    this.events.sent(trailers);
    if (this.remoteEnded && !this.closed) this.#host.finished(this);
  }

  /** What was received is where it should be: the peer may send as much again. */
  #consume(): void {
    const bytes = this.#unconsumed;
    if (bytes === 0) return;
    this.#unconsumed = 0;
    this.#host.consumed(bytes);
    if (this.remoteEnded || this.closed || this.#discards) return;
    this.#owed += bytes;
    if (this.#owed * 2 < this.receiveWindow + this.#owed) return;
    this.#host.allow(this, this.#owed);
    this.#owed = 0;
  }
}

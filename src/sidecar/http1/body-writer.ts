import type { Body, BodySink, HeaderMap } from '../hooks.ts';
import type { Link } from '../link/index.ts';
import type { ReadyBody } from './body.ts';
import type { Headers } from './headers.ts';

/** Bodies up to this size are joined to their head, so that a message is one write. */
const smallBody = 16 * 1024;

/** Writes a head and the body that is there. */
export function writeReady(link: Link, head: string, body: ReadyBody): void {
  if (body.length <= smallBody) {
    link.write(body.length === 0 ? head : head + body.latin1());
    return;
  }
  link.cork();
  link.write(head);
  link.write(body.ready);
  link.uncork();
}

/** Who is told how the writing of a body went. */
export interface BodyWriterOwner {
  bodyWritten(writer: BodyWriter): void;
  /** The body broke off, or was not as long as announced: the connection cannot go on. */
  bodyBroken(writer: BodyWriter, reason: string): void;
}

/** Writes a piped body to a link by its framing: a length that is kept to, chunks, or plain bytes up to the end of the connection. */
export class BodyWriter implements BodySink {
  readonly borrows = true;
  /** Bytes of content so far. */
  written = 0;
  trailers: HeaderMap | undefined;
  readonly #link: Link;
  readonly #body: Body;
  readonly #chunked: boolean;
  readonly #owner: BodyWriterOwner;
  #over = false;

  constructor(link: Link, body: Body, chunked: boolean, owner: BodyWriterOwner) {
    this.#link = link;
    this.#body = body;
    this.#chunked = chunked;
    this.#owner = owner;
  }

  start(): void {
    this.#body.pipe(this);
  }

  data(chunk: Buffer): boolean { return this.#write(chunk, false); }
  keep(chunk: Buffer): boolean { return this.#write(chunk, true); }

  #write(chunk: Buffer, kept: boolean): boolean {
    if (this.#over || chunk.length === 0) return true;
    this.written += chunk.length;
    if (!this.#chunked) {
      const { length } = this.#body;
      if (length !== undefined && this.written > length) {
        this.error('body longer than announced');
        return true;
      }
      return kept ? this.#link.write(chunk) : this.#link.pass(chunk);
    }
    this.#link.cork();
    this.#link.write(`${chunk.length.toString(16)}\r\n`);
    if (kept) this.#link.write(chunk);
    else this.#link.pass(chunk);
    const more = this.#link.write('\r\n');
    this.#link.uncork();
    return more;
  }

  end(trailers: HeaderMap | undefined): void {
    if (this.#over) return;
    const { length } = this.#body;
    if (length !== undefined && this.written < length) {
      this.error('body shorter than announced');
      return;
    }
    this.#over = true;
    this.trailers = trailers;
    if (this.#chunked) this.#link.write(trailers === undefined ? '0\r\n\r\n' : `0\r\n${(trailers as Headers).lines()}\r\n`);
    this.#owner.bodyWritten(this);
  }

  error(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#owner.bodyBroken(this, reason);
  }

  /** The link has room again. */
  drained(): void {
    if (!this.#over) this.#body.resume();
  }

  /** Nobody reads what is written any more. */
  abandon(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#body.cancel(reason);
  }
}

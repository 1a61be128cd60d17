import { ConnectionError, errorCode, maxStreamId } from './protocol.ts';
import type { Http2Stream } from './stream.ts';

/** Streams that we reset and whose late frames are forgiven. */
const maxForgiven = 1000;

/** A connection's streams by id, those that are open and those that were. Source: RFC 9113 section 5.1. */
export class StreamTable {
  readonly #server: boolean;
  readonly #open = new OpenStreams();
  readonly #forgiven = new Set<number>();
  #lastOfPeer = 0;
  #next = 1;

  constructor(side: 'server' | 'client') {
    this.#server = side === 'server';
  }

  get size(): number { return this.#open.size; }

  /** The last stream that the peer has opened. */
  get lastOfPeer(): number { return this.#lastOfPeer; }

  /** Whether ids are left for streams of ours. */
  get hasNext(): boolean { return this.#next < maxStreamId; }

  all(): readonly Http2Stream[] { return this.#open.all(); }
  get(id: number): Http2Stream | undefined { return this.#open.get(id); }
  add(stream: Http2Stream): void { this.#open.add(stream); }
  delete(stream: Http2Stream): void { this.#open.delete(stream); }

  /** The id of our next stream. */
  nextId(): number {
    const id = this.#next;
    this.#next += 2;
    return id;
  }

  /** Whether a head with this id opens a stream of the peer's; then all lower ids are used up. Throws {@link ConnectionError} when it never may. */
  opens(id: number): boolean {
    if (!this.#server || id <= this.#lastOfPeer) {
      this.checkClosed(id);
      return false;
    }
    if (id % 2 === 0) throw new ConnectionError(errorCode.protocol, 'http2.invalid_stream_id');
    this.#lastOfPeer = id;
    return true;
  }

  /** We have reset a stream: what the peer sent before it knew is ignored. */
  forgive(id: number): void {
    if (this.#forgiven.size >= maxForgiven) this.#forgiven.delete(this.#forgiven.values().next().value as number);
    this.#forgiven.add(id);
  }

  /** Late frames are ignored for streams that we have reset; for others they break the protocol. A server's frames for streams of ours are always late. */
  checkClosed(id: number): void {
    this.checkNotIdle(id);
    if (this.#server && !this.#forgiven.has(id)) throw new ConnectionError(errorCode.streamClosed, 'http2.stream_closed');
  }

  /** Throws {@link ConnectionError} for a stream that nobody has opened yet. */
  checkNotIdle(id: number): void {
    const idle = this.#server ? id > this.#lastOfPeer || id % 2 === 0 : id >= this.#next || id % 2 === 0;
    if (id === 0 || idle) throw new ConnectionError(errorCode.protocol, 'http2.invalid_stream_id');
  }
}

/**
 * Streams by id. Not a Map: one that thousands of streams go through is rebuilt again and again, and the tables that it leaves behind hang
 * together, so that V8 carries every stream over to the old generation with all that it holds.
 */
class OpenStreams {
  #size = 0;
  #slots: (Http2Stream | undefined)[] = new Array<undefined>(64).fill(undefined);

  get size(): number { return this.#size; }

  get(id: number): Http2Stream | undefined {
    let stream = this.#slots[this.#slot(id)];
    while (stream !== undefined && stream.id !== id) stream = stream.sibling;
    return stream;
  }

  add(stream: Http2Stream): void {
    if (++this.#size > this.#slots.length) this.#grow();
    this.#put(stream);
  }

  delete(stream: Http2Stream): void {
    const slot = this.#slot(stream.id);
    let before: Http2Stream | undefined;
    let found = this.#slots[slot];
    while (found !== undefined && found !== stream) [before, found] = [found, found.sibling];
    if (found === undefined) return;
    if (before === undefined) this.#slots[slot] = stream.sibling;
    else before.sibling = stream.sibling;
    stream.sibling = undefined;
    this.#size--;
  }

  /** In the order in which they were opened. */
  all(): readonly Http2Stream[] {
    const streams: Http2Stream[] = [];
    for (const first of this.#slots) for (let stream = first; stream !== undefined; stream = stream.sibling) streams.push(stream);
    return streams.sort((a, b) => a.id - b.id);
  }

  /** All ids are odd. */
  #slot(id: number): number { return (id >>> 1) & (this.#slots.length - 1); }

  #put(stream: Http2Stream): void {
    const slot = this.#slot(stream.id);
    stream.sibling = this.#slots[slot];
    this.#slots[slot] = stream;
  }

  #grow(): void {
    const streams = this.all();
    this.#slots = new Array<undefined>(this.#slots.length * 2).fill(undefined);
    for (const stream of streams) this.#put(stream);
  }
}

import { ConnectionError, errorCode, maxStreamId } from './protocol.ts';
import type { Http2Stream } from './stream.ts';

/** Streams that we reset and whose late frames are forgiven. */
const maxForgiven = 1000;

/** A connection's streams by id, those that are open and those that were. Source: RFC 9113 section 5.1. */
export class StreamTable {
  readonly #server: boolean;
  readonly #open = new Map<number, Http2Stream>();
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

  all(): readonly Http2Stream[] { return [...this.#open.values()]; }
  get(id: number): Http2Stream | undefined { return this.#open.get(id); }
  add(stream: Http2Stream): void { this.#open.set(stream.id, stream); }
  delete(stream: Http2Stream): void { this.#open.delete(stream.id); }

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

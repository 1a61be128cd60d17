import type { FloodGuard } from './flood-guard.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeaderAssembly, type CompleteBlock } from './header-assembly.ts';
import { HpackDecoder, type FieldBlock } from './hpack-decoder.ts';
import { ConnectionError, errorCode, flag, frameType, maxStreamId, maxWindow, preface } from './protocol.ts';

/** What the peer says, frame by frame, once its form is right. A method may throw {@link ConnectionError}. */
export interface FrameEvents {
  /** The peer has said its preface and its settings come. Once, before all others. */
  settled(): void;
  /** A header block has begun that is not whole. */
  headersBegun(): void;
  /** A header block is whole. */
  headers(id: number, fields: FieldBlock, endStream: boolean): void;
  /** Content is `bytes` from `start` to `end`; `size` counts the padding too. */
  content(id: number, bytes: Buffer, start: number, end: number, size: number, endStream: boolean): void;
  reset(id: number, code: number): void;
  settings(bytes: Buffer, start: number, end: number): void;
  /** The eight bytes of a PING begin at `start`. */
  ping(bytes: Buffer, start: number, ack: boolean): void;
  goaway(lastStream: number): void;
  windowUpdate(id: number, increment: number): void;
}

const clientPreface = Buffer.from(preface, 'latin1');

/** Reads what a peer sends: the preface, frames of the right size in a right order, header blocks. Source: RFC 9113 sections 3.4, 4 and 6. */
export class FrameDecoder implements FrameSink {
  readonly #events: FrameEvents;
  readonly #guard: FloodGuard;
  readonly #reader = new FrameReader(this);
  readonly #hpack = new HpackDecoder();
  readonly #assembly = new HeaderAssembly();
  #prefaceRead: number;
  #settled = false;
  #stopped = false;

  /** `side` is ours: a server waits for the client's preface. */
  constructor(events: FrameEvents, side: 'server' | 'client', guard: FloodGuard) {
    this.#events = events;
    this.#guard = guard;
    this.#prefaceRead = side === 'server' ? 0 : clientPreface.length;
  }

  /** The peer has said its settings, and no header block is half here. */
  get between(): boolean { return this.#settled && this.#assembly.pending === 0; }

  /** Throws {@link ConnectionError} when the peer breaks the protocol. */
  feed(chunk: Buffer): void {
    const from = this.#prefaceRead < clientPreface.length ? this.#readPreface(chunk) : 0;
    if (from < chunk.length) this.#reader.feed(chunk, from);
  }

  /** Whatever still comes is ignored. */
  stop(): void { this.#stopped = true; }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#stopped) return;
    if (!this.#settled) this.#settle(type, flags);
    if (this.#assembly.pending !== 0 && type !== frameType.continuation) throw violation('http2.continuation_expected');
    switch (type) {
      case frameType.data: this.#data(flags, id, bytes, start, end); break;
      case frameType.headers: this.#headers(flags, id, bytes, start, end); break;
      case frameType.priority: this.#priority(id, end - start); break;
      case frameType.reset:
        exactly(end - start, 4);
        this.#events.reset(id, bytes.readUInt32BE(start));
        break;
      case frameType.settings: this.#settings(flags, id, bytes, start, end); break;
      case frameType.pushPromise: throw violation('http2.push_not_allowed');
      case frameType.ping:
        onConnection(id);
        exactly(end - start, 8);
        this.#events.ping(bytes, start, (flags & flag.ack) !== 0);
        break;
      case frameType.goaway:
        onConnection(id);
        if (end - start < 8) throw frameSize();
        this.#events.goaway(bytes.readUInt32BE(start) & maxStreamId);
        break;
      case frameType.windowUpdate:
        exactly(end - start, 4);
        this.#guard.windowUpdate();
        this.#events.windowUpdate(id, bytes.readUInt32BE(start) & maxWindow);
        break;
      case frameType.continuation:
        this.#guard.content(end === start && (flags & flag.endHeaders) === 0);
        this.#block(this.#assembly.continuation(flags, id, bytes, start, end));
        break;
      default: break;
    }
  }

  #readPreface(chunk: Buffer): number {
    const size = Math.min(chunk.length, clientPreface.length - this.#prefaceRead);
    if (chunk.compare(clientPreface, this.#prefaceRead, this.#prefaceRead + size, 0, size) !== 0) throw violation('http2.invalid_preface');
    this.#prefaceRead += size;
    return size;
  }

  #settle(type: number, flags: number): void {
    if (type !== frameType.settings || (flags & flag.ack) !== 0) throw violation('http2.settings_expected');
    this.#settled = true;
    this.#events.settled();
  }

  #data(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const ends = (flags & flag.endStream) !== 0;
    this.#guard.content(start === end && !ends);
    let from = start;
    let to = end;
    if ((flags & flag.padded) !== 0) {
      to = end - (bytes[from++] ?? 0);
      if (start === end || to < from) throw violation('http2.invalid_padding');
    }
    this.#events.content(id, bytes, from, to, end - start, ends);
  }

  #headers(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0) throw violation('http2.invalid_stream_id');
    this.#guard.content(start === end && (flags & flag.endStream) === 0);
    const block = this.#assembly.headers(flags, id, bytes, start, end);
    if (block === undefined) this.#events.headersBegun();
    else this.#block(block);
  }

  /** A block changes the state of HPACK, so it is decoded whatever becomes of its stream. */
  #block(block: CompleteBlock | undefined): void {
    if (block !== undefined) this.#events.headers(block.id, this.#hpack.decode(block.bytes, block.start, block.end), block.endStream);
  }

  #priority(id: number, size: number): void {
    if (id === 0) throw violation('http2.invalid_stream_id');
    exactly(size, 5);
    this.#guard.priority();
  }

  #settings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    onConnection(id);
    if ((flags & flag.ack) === 0) {
      this.#events.settings(bytes, start, end);
      return;
    }
    if (end !== start) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_settings_size');
    // Of our settings only the header table's size, which is 0, changes how we read.
    this.#hpack.acknowledged(0);
  }
}

function onConnection(id: number): void {
  if (id !== 0) throw violation('http2.invalid_stream_id');
}

function exactly(size: number, expected: number): void {
  if (size !== expected) throw frameSize();
}

function frameSize(): ConnectionError {
  return new ConnectionError(errorCode.frameSize, 'http2.invalid_frame_size');
}

function violation(details: string): ConnectionError {
  return new ConnectionError(errorCode.protocol, details);
}

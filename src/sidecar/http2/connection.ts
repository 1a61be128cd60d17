import type { Clock } from '../hooks.ts';
import { IdleTimer, ProtocolError, type Headers } from '../http1/index.ts';
import type { Link, LinkReader } from '../link/index.ts';
import { trailerFields } from './fields.ts';
import { FloodGuard } from './flood-guard.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { FrameWriter } from './frame-writer.ts';
import { HeaderAssembly, type CompleteBlock } from './header-assembly.ts';
import { HpackDecoder, maxHeaderBytes, type FieldBlock } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { ConnectionError, defaultWindow, errorCode, flag, frameType, maxFrameSize, maxStreamId, maxWindow, preface, setting } from './protocol.ts';
import { PeerSettings, readSettings } from './settings.ts';
import { Http2Stream, type StreamEvents, type StreamHost } from './stream.ts';

/** What a connection announces, and its timeouts in milliseconds (0 switches one off). */
export interface Http2Options {
  /** Bytes that the peer may send on a stream ahead of what is read. */
  readonly streamWindow: number;
  /** The same for all streams together. */
  readonly connectionWindow: number;
  /** Streams that the peer may have open. */
  readonly maxConcurrentStreams: number;
  /** Until a header section, or the preface, is complete. */
  readonly headTimeout: number;
  /** Without any stream. */
  readonly idleTimeout: number;
}

/** The side that the connection is on. */
export interface Http2Role {
  readonly side: 'server' | 'client';
  /** A stream that the peer opens; only on the server's side. */
  accept(stream: Http2Stream): StreamEvents;
  /** Another stream may be opened, or no other any more. */
  changed(): void;
  /** The connection is over; with the details when the peer broke the protocol. Once. */
  closed(details: string | undefined): void;
}

/** Streams that we reset and whose late frames are forgiven. */
const maxForgiven = 1000;
const lingerMs = 1000;
const clientPreface = Buffer.from(preface, 'latin1');
const drainPing = Buffer.from('weft-end', 'latin1');

/** HTTP/2 on one link, either side: frames, settings, windows and the streams' states. Source: RFC 9113; limits are Envoy's. */
export class Http2Connection implements LinkReader, FrameSink, StreamHost {
  readonly link: Link;
  readonly encoder = new HpackEncoder();
  readonly writer: FrameWriter;
  readonly peer = new PeerSettings();
  readonly #role: Http2Role;
  readonly #options: Http2Options;
  readonly #clock: Clock;
  readonly #timer: IdleTimer;
  readonly #reader = new FrameReader(this);
  readonly #decoder = new HpackDecoder();
  readonly #assembly = new HeaderAssembly();
  readonly #guard = new FloodGuard();
  readonly #streams = new Map<number, Http2Stream>();
  /** Streams that have something to send and no room, in the order in which they get their turn. */
  readonly #waiting = new Set<Http2Stream>();
  readonly #forgiven = new Set<number>();
  /** Streams whose heads came in the chunk that is being read. */
  #fresh: Http2Stream[] = [];
  #state: 'open' | 'closing' | 'closed' = 'open';
  #prefaceRead: number;
  #settled = false;
  #sendWindow = defaultWindow;
  #receiveWindow: number;
  #owed = 0;
  #lastPeerStream = 0;
  #nextStream = 1;
  #draining: 'no' | 'announced' | 'last' = 'no';
  #details: string | undefined;

  constructor(link: Link, role: Http2Role, options: Http2Options, clock: Clock) {
    this.link = link;
    this.#role = role;
    this.#options = options;
    this.#clock = clock;
    this.#receiveWindow = options.connectionWindow;
    this.#prefaceRead = role.side === 'server' ? 0 : clientPreface.length;
    this.writer = new FrameWriter(link, (details) => this.#fail(new ConnectionError(errorCode.enhanceYourCalm, details)));
    this.#timer = new IdleTimer(clock, () => this.#expired());
  }

  /** Says our preface and settings, and starts to read. */
  start(): void {
    const { streamWindow, connectionWindow, maxConcurrentStreams, headTimeout } = this.#options;
    const server = this.#role.side === 'server';
    if (!server) this.writer.raw(preface);
    this.writer.settings([
      [setting.headerTableSize, 0], server ? [setting.maxConcurrentStreams, maxConcurrentStreams] : [setting.enablePush, 0], [setting.initialWindowSize, streamWindow],
      [setting.maxHeaderListSize, maxHeaderBytes],
    ]);
    if (connectionWindow > defaultWindow) this.writer.windowUpdate(0, connectionWindow - defaultWindow);
    this.#timer.arm(headTimeout);
    this.link.read(this);
  }

  /** Streams that are open. */
  get active(): number { return this.#streams.size; }

  /** New streams may be opened from our side. */
  get usable(): boolean { return this.#state === 'open' && this.#draining === 'no' && this.#nextStream < maxStreamId && !this.link.destroyed; }

  /** Opens a stream; only on the client's side, while it is usable. */
  open(events: StreamEvents): Http2Stream {
    const id = this.#nextStream;
    this.#nextStream += 2;
    return this.#add(id, events);
  }

  /** Stream 1 of a connection that was upgraded from HTTP/1.1, whose request is here already; `settings` are those of its `HTTP2-Settings`. */
  adopt(settings: Buffer, events: (stream: Http2Stream) => StreamEvents): Http2Stream {
    readSettings(this.peer, false, settings, 0, settings.length);
    this.#lastPeerStream = 1;
    const stream = this.#add(1, undefined);
    stream.events = events(stream);
    stream.headSeen = stream.remoteEnded = true;
    return stream;
  }

  /** Lets streams end, takes no others, then closes. A server first says so, and still takes what is on its way. */
  shutdown(): void {
    if (this.#state !== 'open' || this.#draining !== 'no') return;
    if (this.#role.side === 'server') {
      this.#draining = 'announced';
      this.writer.goaway(maxStreamId, errorCode.none);
      this.writer.ping(drainPing, 0, false);
    } else {
      this.#draining = 'last';
      this.#closeWhenIdle();
    }
  }

  data(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    try {
      const from = this.#prefaceRead < clientPreface.length ? this.#readPreface(chunk) : 0;
      if (from < chunk.length) this.#reader.feed(chunk, from);
    } catch (error) {
      this.#fail(error);
    }
    const fresh = this.#fresh;
    if (fresh.length === 0) return;
    this.#fresh = [];
    for (const stream of fresh) stream.open();
  }

  /** A peer that half-closes has gone. */
  end(): void { this.link.destroy(); }

  drain(): void {
    this.writer.drained();
    this.#pump();
  }

  close(errorCodeOfLink: string | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#timer.stop();
    this.#abortAll(this.#details ?? errorCodeOfLink);
    this.#role.closed(this.#details);
  }

  now(): number { return this.#clock.now(); }

  frame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (this.#state !== 'open') return;
    if (!this.#settled) {
      if (type !== frameType.settings || (flags & flag.ack) !== 0) throw violation('http2.settings_expected');
      this.#settled = true;
      this.#armIdle();
    }
    if (this.#assembly.pending !== 0 && type !== frameType.continuation) throw violation('http2.continuation_expected');
    switch (type) {
      case frameType.data: this.#onData(flags, id, bytes, start, end); break;
      case frameType.headers: this.#onHeaders(flags, id, bytes, start, end); break;
      case frameType.priority: this.#onPriority(id, end - start); break;
      case frameType.reset: this.#onReset(id, bytes, start, end - start); break;
      case frameType.settings: this.#onSettings(flags, id, bytes, start, end); break;
      case frameType.pushPromise: throw violation('http2.push_not_allowed');
      case frameType.ping: this.#onPing(flags, id, bytes, start, end - start); break;
      case frameType.goaway: this.#onGoaway(id, bytes, start, end - start); break;
      case frameType.windowUpdate: this.#onWindowUpdate(id, bytes, start, end - start); break;
      case frameType.continuation: {
        this.#guard.content(end === start && (flags & flag.endHeaders) === 0);
        const block = this.#assembly.continuation(flags, id, bytes, start, end);
        if (block !== undefined) this.#onBlock(block);
        break;
      }
      default: break;
    }
  }

  // What streams ask for.

  sendData(stream: Http2Stream, chunk: Buffer, at: number): number {
    if (this.writer.full || this.#state !== 'open') return 0;
    const size = Math.min(chunk.length - at, stream.sendWindow, this.#sendWindow, maxFrameSize);
    if (size <= 0) return 0;
    stream.sendWindow -= size;
    this.#sendWindow -= size;
    this.#guard.dataSent();
    this.writer.data(stream.id, chunk, at, at + size, false);
    return size;
  }

  sendText(stream: Http2Stream, content: string): void {
    stream.sendWindow -= content.length;
    this.#sendWindow -= content.length;
    this.#guard.dataSent();
    this.writer.text(stream.id, content, true);
  }

  sendHeaders(stream: Http2Stream, block: string, end: boolean): void {
    if (this.#state === 'open') this.writer.headers(stream.id, block, end);
  }

  sendTrailers(stream: Http2Stream, trailers: Headers): void {
    const { names, values } = trailers;
    let block = '';
    for (let index = 0; index < names.length; index++) block += this.encoder.field(names[index] as string, values[index] as string);
    this.sendHeaders(stream, block, true);
  }

  sendEnd(stream: Http2Stream): void {
    if (this.#state === 'open') this.writer.endStream(stream.id);
  }

  fits(stream: Http2Stream, bytes: number): boolean {
    return bytes <= maxFrameSize && bytes <= stream.sendWindow && bytes <= this.#sendWindow && !this.writer.full && this.#state === 'open';
  }

  waits(stream: Http2Stream): void { this.#waiting.add(stream); }

  consumed(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#options.connectionWindow || this.#state !== 'open') return;
    this.#receiveWindow += this.#owed;
    this.writer.windowUpdate(0, this.#owed);
    this.#owed = 0;
  }

  allow(stream: Http2Stream, bytes: number): void {
    if (this.#state !== 'open') return;
    stream.receiveWindow += bytes;
    this.writer.windowUpdate(stream.id, bytes);
  }

  reset(stream: Http2Stream, code: number): void {
    if (stream.closed) return;
    this.#sendReset(stream.id, code);
    this.#remove(stream);
    stream.abort({ kind: 'reset', code }, 'local reset');
    this.#streamGone();
  }

  finished(stream: Http2Stream): void {
    stream.closed = true;
    this.#remove(stream);
    stream.events.complete();
    this.#streamGone();
  }

  // Frames of the peer.

  #readPreface(chunk: Buffer): number {
    const size = Math.min(chunk.length, clientPreface.length - this.#prefaceRead);
    if (chunk.compare(clientPreface, this.#prefaceRead, this.#prefaceRead + size, 0, size) !== 0) throw violation('http2.invalid_preface');
    this.#prefaceRead += size;
    return size;
  }

  #onData(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    const ends = (flags & flag.endStream) !== 0;
    this.#guard.content(size === 0 && !ends);
    this.#receiveWindow -= size;
    if (this.#receiveWindow < 0) throw new ConnectionError(errorCode.flowControl, 'http2.connection_window_exceeded');
    let from = start;
    let to = end;
    if ((flags & flag.padded) !== 0) {
      to = end - (bytes[from++] ?? 0);
      if (size === 0 || to < from) throw violation('http2.invalid_padding');
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#checkClosed(id);
      this.consumed(size);
      return;
    }
    if (stream.remoteEnded || !stream.headSeen) {
      this.consumed(size);
      this.#violated(stream, stream.remoteEnded ? errorCode.streamClosed : errorCode.protocol, 'http2.data_out_of_place');
    } else if (size > stream.receiveWindow) {
      this.consumed(size);
      this.#violated(stream, errorCode.flowControl, 'http2.stream_window_exceeded');
    } else if (!stream.take(bytes, from, to, size) || (ends && !stream.closed && !stream.takeEnd(undefined))) this.#violated(stream, errorCode.protocol, 'http2.content_length_mismatch');
  }

  #onHeaders(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id === 0) throw violation('http2.invalid_stream_id');
    this.#guard.content(start === end && (flags & flag.endStream) === 0);
    const block = this.#assembly.headers(flags, id, bytes, start, end);
    if (block !== undefined) this.#onBlock(block);
    else this.#timer.arm(this.#options.headTimeout);
  }

  /** A block changes the state of HPACK, so it is decoded whatever becomes of its stream. */
  #onBlock({ id, endStream, bytes, start, end }: CompleteBlock): void {
    const block = this.#decoder.decode(bytes, start, end);
    if (this.#streams.size > 0) this.#timer.disarm();
    else this.#armIdle();
    const stream = this.#streams.get(id) ?? this.#accept(id);
    if (stream === undefined) return;
    if (stream.remoteEnded) {
      this.#violated(stream, errorCode.streamClosed, 'http2.headers_after_end');
      return;
    }
    try {
      this.#take(stream, block, endStream);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#violated(stream, errorCode.protocol, error.details);
    }
  }

  #take(stream: Http2Stream, block: FieldBlock, endStream: boolean): void {
    if (stream.headSeen) {
      if (!endStream) throw new ProtocolError('http2.trailers_without_end', 0);
      if (!stream.takeEnd(trailerFields(block))) throw new ProtocolError('http2.content_length_mismatch', 0);
      return;
    }
    if (!stream.events.head(block, endStream) || stream.closed) return;
    if (endStream && !stream.takeEnd(undefined)) throw new ProtocolError('http2.content_length_mismatch', 0);
    stream.headSeen = true;
    this.#fresh.push(stream);
  }

  /** A new stream of the peer's; `undefined` when its frames are to be ignored. */
  #accept(id: number): Http2Stream | undefined {
    if (this.#role.side === 'client' || id <= this.#lastPeerStream) {
      this.#checkClosed(id);
      return undefined;
    }
    if (id % 2 === 0) throw violation('http2.invalid_stream_id');
    this.#lastPeerStream = id;
    this.#guard.opened();
    if (this.#draining === 'last' || this.#streams.size >= this.#options.maxConcurrentStreams) {
      this.#sendReset(id, errorCode.refusedStream);
      this.#guard.reset(0);
      return undefined;
    }
    const stream = this.#add(id, undefined);
    stream.events = this.#role.accept(stream);
    return stream;
  }

  #onPriority(id: number, size: number): void {
    if (id === 0) throw violation('http2.invalid_stream_id');
    if (size !== 5) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_frame_size');
    this.#guard.priority();
  }

  #onReset(id: number, bytes: Buffer, start: number, size: number): void {
    if (size !== 4) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_frame_size');
    this.#checkNotIdle(id);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#remove(stream);
    const code = bytes.readUInt32BE(start);
    stream.abort(code === errorCode.refusedStream ? { kind: 'refused' } : { kind: 'reset', code }, 'remote reset');
    this.#streamGone();
    if (this.#role.side === 'server') this.#guard.reset(this.now() - stream.opened);
  }

  #onSettings(flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (id !== 0) throw violation('http2.invalid_stream_id');
    if ((flags & flag.ack) !== 0) {
      if (end !== start) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_settings_size');
      this.#decoder.acknowledged(0);
      return;
    }
    const before = this.peer.initialWindow;
    readSettings(this.peer, this.#role.side === 'client', bytes, start, end);
    const change = this.peer.initialWindow - before;
    for (const stream of change === 0 ? [] : this.#streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > maxWindow) throw new ConnectionError(errorCode.flowControl, 'http2.window_too_large');
    }
    this.writer.settingsAck();
    if (change > 0) this.#pump();
    this.#role.changed();
  }

  #onPing(flags: number, id: number, bytes: Buffer, start: number, size: number): void {
    if (id !== 0) throw violation('http2.invalid_stream_id');
    if (size !== 8) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_frame_size');
    if ((flags & flag.ack) === 0) this.writer.ping(bytes, start, true);
    else if (this.#draining === 'announced' && drainPing.compare(bytes, start, start + 8) === 0) {
      this.#draining = 'last';
      this.writer.goaway(this.#lastPeerStream, errorCode.none);
      this.#closeWhenIdle();
    }
  }

  #onGoaway(id: number, bytes: Buffer, start: number, size: number): void {
    if (id !== 0) throw violation('http2.invalid_stream_id');
    if (size < 8) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_frame_size');
    this.#draining = 'last';
    const last = bytes.readUInt32BE(start) & maxStreamId;
    // What the server says it has not looked at may be sent again elsewhere.
    if (this.#role.side === 'client') {
      for (const stream of [...this.#streams.values()].filter((one) => one.id > last)) {
        this.#remove(stream);
        stream.abort({ kind: 'refused' }, 'refused by GOAWAY');
      }
    }
    this.#role.changed();
    this.#closeWhenIdle();
  }

  #onWindowUpdate(id: number, bytes: Buffer, start: number, size: number): void {
    if (size !== 4) throw new ConnectionError(errorCode.frameSize, 'http2.invalid_frame_size');
    this.#guard.windowUpdate();
    const increment = bytes.readUInt32BE(start) & maxWindow;
    if (id === 0) {
      this.#sendWindow += increment;
      if (increment === 0) throw violation('http2.invalid_window_update');
      if (this.#sendWindow > maxWindow) throw new ConnectionError(errorCode.flowControl, 'http2.window_too_large');
    } else {
      this.#checkNotIdle(id);
      const stream = this.#streams.get(id);
      if (stream === undefined) return;
      stream.sendWindow += increment;
      if (increment === 0) this.#violated(stream, errorCode.protocol, 'http2.invalid_window_update');
      else if (stream.sendWindow > maxWindow) this.#violated(stream, errorCode.flowControl, 'http2.window_too_large');
    }
    this.#pump();
  }

  // States.

  #add(id: number, events: StreamEvents | undefined): Http2Stream {
    const stream = new Http2Stream(id, this, this.peer.initialWindow, this.#options.streamWindow);
    if (events !== undefined) stream.events = events;
    if (this.#streams.size === 0) this.#timer.disarm();
    this.#streams.set(id, stream);
    if (this.#role.side === 'client') this.#guard.opened();
    return stream;
  }

  #remove(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#waiting.delete(stream);
  }

  #streamGone(): void {
    if (this.#state !== 'open') return;
    if (this.#draining === 'last') this.#closeWhenIdle();
    else if (this.#streams.size === 0 && this.#assembly.pending === 0) this.#armIdle();
    this.#role.changed();
  }

  /** Late frames are ignored for streams that we have reset; for others they break the protocol. A server's frames for streams of ours are always late. */
  #checkClosed(id: number): void {
    this.#checkNotIdle(id);
    if (this.#role.side === 'server' && !this.#forgiven.has(id)) throw new ConnectionError(errorCode.streamClosed, 'http2.stream_closed');
  }

  #checkNotIdle(id: number): void {
    const idle = this.#role.side === 'client' ? id >= this.#nextStream || id % 2 === 0 : id > this.#lastPeerStream || id % 2 === 0;
    if (id === 0 || idle) throw violation('http2.invalid_stream_id');
  }

  #sendReset(id: number, code: number): void {
    if (this.#state !== 'open') return;
    if (this.#forgiven.size >= maxForgiven) this.#forgiven.delete(this.#forgiven.values().next().value as number);
    this.#forgiven.add(id);
    this.writer.reset(id, code);
  }

  /** The peer broke the rules of one stream. */
  #violated(stream: Http2Stream, code: number, details: string): void {
    if (!stream.closed) {
      this.#sendReset(stream.id, code);
      this.#remove(stream);
      stream.abort({ kind: 'violation', details }, details);
      this.#streamGone();
    }
    if (this.#role.side === 'server') this.#guard.reset(this.now() - stream.opened);
  }

  /** Lets the streams that wait send a frame each, in turn, while there is room. */
  #pump(): void {
    let idle = 0;
    while (this.#waiting.size > idle && this.#sendWindow > 0 && !this.writer.full && this.#state === 'open') {
      const stream = this.#waiting.values().next().value as Http2Stream;
      const before = this.#sendWindow;
      this.#waiting.delete(stream);
      if (stream.pump()) this.#waiting.add(stream);
      idle = this.#sendWindow === before ? idle + 1 : 0;
    }
  }

  #armIdle(): void {
    if (this.#options.idleTimeout > 0) this.#timer.arm(this.#options.idleTimeout);
    else this.#timer.disarm();
  }

  #closeWhenIdle(): void {
    if (this.#draining !== 'last' || this.#streams.size > 0 || this.#state !== 'open') return;
    this.#linger();
  }

  #expired(): void {
    if (this.#state !== 'open') this.link.destroy();
    else if (!this.#settled || this.#assembly.pending !== 0) this.#fail(violation('http2.headers_timeout'));
    else if (this.#streams.size === 0) {
      this.writer.goaway(this.#lastPeerStream, errorCode.none);
      this.#linger();
    }
  }

  #fail(error: unknown): void {
    if (!(error instanceof ConnectionError)) throw error;
    if (this.#state !== 'open') return;
    this.#details = error.details;
    this.#linger(error);
    this.#abortAll(error.details);
  }

  /** Says the last word, and drops what still comes for a moment, so that the peer reads it before it sees a reset. */
  #linger(error?: ConnectionError): void {
    this.#state = 'closing';
    if (error !== undefined) {
      this.writer.goaway(this.#lastPeerStream, error.code, error.details);
    }
    this.writer.flush();
    this.link.end();
    this.#timer.arm(lingerMs);
    this.#role.changed();
  }

  #abortAll(details: string | undefined): void {
    this.#waiting.clear();
    this.#fresh = [];
    for (const stream of [...this.#streams.values()]) {
      this.#streams.delete(stream.id);
      stream.abort({ kind: 'connection', details }, details ?? 'connection closed');
    }
  }
}

function violation(details: string): ConnectionError {
  return new ConnectionError(errorCode.protocol, details);
}

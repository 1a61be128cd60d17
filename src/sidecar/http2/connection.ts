import type { Clock } from '../hooks.ts';
import { IdleTimer, ProtocolError, type Headers } from '../http1/index.ts';
import type { Link, LinkReader, Memory } from '../link/index.ts';
import { trailerFields } from './fields.ts';
import { FloodGuard } from './flood-guard.ts';
import { FrameDecoder, type FrameEvents } from './frame-decoder.ts';
import { FrameWriter } from './frame-writer.ts';
import { maxHeaderBytes, type FieldBlock } from './hpack-decoder.ts';
import { Keepalive } from './keepalive.ts';
import { ConnectionError, errorCode, maxStreamId, maxWindow, preface, setting } from './protocol.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { Http2Options, Http2Role } from './role.ts';
import { Sender } from './sender.ts';
import { PeerSettings, readSettings } from './settings.ts';
import { StreamTable } from './stream-table.ts';
import { Http2Stream, type StreamEvents, type StreamHost } from './stream.ts';

const lingerMs = 1000;
const drainPing = Buffer.from('weft-end', 'latin1');

/** HTTP/2 on one link, either side: frames, settings, windows and the streams' states. Source: RFC 9113; limits are Envoy's. */
export class Http2Connection implements LinkReader, FrameEvents, StreamHost {
  readonly borrows = true;
  readonly link: Link;
  readonly writer: FrameWriter;
  readonly sender: Sender;
  readonly peer = new PeerSettings();
  readonly #role: Http2Role;
  readonly #options: Http2Options;
  readonly #clock: Clock;
  readonly #timer: IdleTimer;
  readonly #guard = new FloodGuard();
  readonly #decoder: FrameDecoder;
  readonly #streams: StreamTable;
  readonly #receiveWindow: ReceiveWindow;
  /** Streams whose heads came in the chunk that is being read. */
  #fresh: Http2Stream[] = [];
  #keepalive: Keepalive | undefined;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #draining: 'no' | 'announced' | 'last' = 'no';
  #details: string | undefined;
  /** When the peer was last heard: read off once for all streams that one chunk opens. */
  #heard = 0;

  constructor(link: Link, role: Http2Role, options: Http2Options, clock: Clock) {
    this.link = link;
    this.#role = role;
    this.#options = options;
    this.#clock = clock;
    this.#streams = new StreamTable(role.side);
    this.#decoder = new FrameDecoder(this, role.side, this.#guard);
    this.writer = new FrameWriter(link, (details) => this.#fail(new ConnectionError(errorCode.enhanceYourCalm, details)));
    this.sender = new Sender(this.writer, this.#guard);
    this.#receiveWindow = new ReceiveWindow(options.connectionWindow, (increment) => this.writer.windowUpdate(0, increment));
    this.#timer = new IdleTimer(clock, () => this.#expired());
  }

  /** Says our preface and settings, and starts to read. */
  start(): void {
    const { streamWindow, maxConcurrentStreams, headTimeout, allowConnect, keepalive } = this.#options;
    const server = this.#role.side === 'server';
    if (!server) this.writer.raw(preface);
    this.writer.settings([
      [setting.headerTableSize, 0], server ? [setting.maxConcurrentStreams, maxConcurrentStreams] : [setting.enablePush, 0], [setting.initialWindowSize, streamWindow],
      [setting.maxHeaderListSize, maxHeaderBytes], ...(server && allowConnect === true ? [[setting.enableConnectProtocol, 1] as const] : []),
    ]);
    this.#receiveWindow.announce();
    this.#timer.arm(headTimeout);
    if (keepalive !== undefined) this.#keepalive = new Keepalive(keepalive, this.#clock, (bytes) => this.writer.ping(bytes, 0, false), () => this.link.destroy());
    this.link.read(this);
  }

  /** Streams that are open. */
  get active(): number { return this.#streams.size; }

  /** New streams may be opened from our side. */
  get usable(): boolean { return this.#state === 'open' && this.#draining === 'no' && this.#streams.hasNext && !this.link.destroyed; }

  /** Opens a stream; only on the client's side, while it is usable. */
  open(events: StreamEvents): Http2Stream { return this.#add(this.#streams.nextId(), events); }

  /**
   * Stream 1 of a connection that was upgraded from HTTP/1.1, whose request is here already; `settings` are those of its `HTTP2-Settings`. It is told of once
   * the peer speaks HTTP/2: a client may have no room for an answer that comes in one piece with the 101 (curl has 32 KiB).
   */
  adopt(settings: Buffer, events: (stream: Http2Stream) => StreamEvents): void {
    readSettings(this.peer, false, settings, 0, settings.length);
    this.#streams.opens(1);
    this.#heard = this.#clock.now();
    const stream = this.#add(1, undefined);
    stream.events = events(stream);
    stream.headSeen = stream.remoteEnded = true;
    this.#fresh.push(stream);
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
    if (this.#role.side === 'server') this.#heard = this.#clock.now();
    try {
      this.#decoder.feed(chunk);
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
    this.sender.pump();
  }

  close(errorCodeOfLink: string | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#stop();
    this.#timer.stop();
    this.#abortAll(this.#details ?? errorCodeOfLink);
    this.#role.closed(this.#details);
  }

  get memory(): Memory { return this.link.memory; }

  // What streams ask for.

  consumed(bytes: number): void {
    if (this.#state === 'open') this.#receiveWindow.consumed(bytes);
  }

  allow(stream: Http2Stream, bytes: number): void {
    if (this.#state !== 'open') return;
    stream.receiveWindow += bytes;
    this.writer.windowUpdate(stream.id, bytes);
  }

  /** Ends a stream both ways, with a RST_STREAM. */
  resetStream(stream: Http2Stream, code: number): void {
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

  // What the peer says.

  settled(): void { this.#armIdle(); }
  headersBegun(): void { this.#timer.arm(this.#options.headTimeout); }

  content(id: number, bytes: Buffer, start: number, end: number, size: number, endStream: boolean): void {
    this.#receiveWindow.received(size);
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#streams.checkClosed(id);
      this.consumed(size);
      return;
    }
    if (stream.remoteEnded || !stream.headSeen) {
      this.consumed(size);
      this.#violated(stream, stream.remoteEnded ? errorCode.streamClosed : errorCode.protocol, 'http2.data_out_of_place');
    } else if (size > stream.receiveWindow) {
      this.consumed(size);
      this.#violated(stream, errorCode.flowControl, 'http2.stream_window_exceeded');
    } else if (!stream.take(bytes, start, end, size, endStream) || (endStream && !stream.closed && !stream.takeEnd(undefined))) this.#violated(stream, errorCode.protocol, 'http2.content_length_mismatch');
  }

  headers(id: number, fields: FieldBlock, endStream: boolean): void {
    if (this.#streams.size > 0) this.#timer.disarm();
    else this.#armIdle();
    const stream = this.#streams.get(id) ?? this.#accept(id);
    if (stream === undefined) return;
    if (stream.remoteEnded) {
      this.#violated(stream, errorCode.streamClosed, 'http2.headers_after_end');
      return;
    }
    try {
      this.#take(stream, fields, endStream);
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
    if (!this.#streams.opens(id)) return undefined;
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

  reset(id: number, code: number): void {
    this.#streams.checkNotIdle(id);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#remove(stream);
    stream.abort(code === errorCode.refusedStream ? { kind: 'refused' } : { kind: 'reset', code }, 'remote reset');
    this.#streamGone();
    if (this.#role.side === 'server') this.#guard.reset(this.#clock.now() - stream.opened);
  }

  settings(bytes: Buffer, start: number, end: number): void {
    const before = this.peer.initialWindow;
    readSettings(this.peer, this.#role.side === 'client', bytes, start, end);
    const change = this.peer.initialWindow - before;
    for (const stream of change === 0 ? [] : this.#streams.all()) {
      stream.sendWindow += change;
      if (stream.sendWindow > maxWindow) throw new ConnectionError(errorCode.flowControl, 'http2.window_too_large');
    }
    this.writer.settingsAck();
    if (change > 0) this.sender.pump();
    this.#role.changed();
  }

  ping(bytes: Buffer, start: number, ack: boolean): void {
    if (!ack) this.writer.ping(bytes, start, true);
    else if (this.#draining === 'announced' && drainPing.compare(bytes, start, start + 8) === 0) {
      this.#draining = 'last';
      this.writer.goaway(this.#streams.lastOfPeer, errorCode.none);
      this.#closeWhenIdle();
    } else this.#keepalive?.answered(bytes, start);
  }

  goaway(lastStream: number): void {
    this.#draining = 'last';
    // What the server says it has not looked at may be sent again elsewhere.
    if (this.#role.side === 'client') {
      for (const stream of this.#streams.all().filter((one) => one.id > lastStream)) {
        this.#remove(stream);
        stream.abort({ kind: 'refused' }, 'refused by GOAWAY');
      }
    }
    this.#role.changed();
    this.#closeWhenIdle();
  }

  windowUpdate(id: number, increment: number): void {
    if (id === 0) this.sender.grow(increment);
    else {
      this.#streams.checkNotIdle(id);
      const stream = this.#streams.get(id);
      if (stream === undefined) return;
      stream.sendWindow += increment;
      if (increment === 0) this.#violated(stream, errorCode.protocol, 'http2.invalid_window_update');
      else if (stream.sendWindow > maxWindow) this.#violated(stream, errorCode.flowControl, 'http2.window_too_large');
    }
    this.sender.pump();
  }

  // States.

  #add(id: number, events: StreamEvents | undefined): Http2Stream {
    const stream = new Http2Stream(id, this, this.peer.initialWindow, this.#options.streamWindow, this.#heard);
    if (events !== undefined) stream.events = events;
    if (this.#streams.size === 0) this.#timer.disarm();
    this.#streams.add(stream);
    if (this.#role.side === 'client') this.#guard.opened();
    return stream;
  }

  #remove(stream: Http2Stream): void {
    this.#streams.delete(stream);
    this.sender.forget(stream);
  }

  #streamGone(): void {
    if (this.#state !== 'open') return;
    if (this.#draining === 'last') this.#closeWhenIdle();
    else if (this.#streams.size === 0 && this.#decoder.between) this.#armIdle();
    this.#role.changed();
  }

  #sendReset(id: number, code: number): void {
    if (this.#state !== 'open') return;
    this.#streams.forgive(id);
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
    if (this.#role.side === 'server') this.#guard.reset(this.#clock.now() - stream.opened);
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
    else if (!this.#decoder.between) this.#fail(new ConnectionError(errorCode.protocol, 'http2.headers_timeout'));
    else if (this.#streams.size === 0) {
      this.#role.idled();
      this.writer.goaway(this.#streams.lastOfPeer, errorCode.none);
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
    this.#stop();
    if (error !== undefined) this.writer.goaway(this.#streams.lastOfPeer, error.code, error.details);
    this.writer.flush();
    this.link.end();
    this.#timer.arm(lingerMs);
    this.#role.changed();
  }

  #stop(): void {
    this.#keepalive?.stop();
    this.sender.stop();
    this.#decoder.stop();
  }

  #abortAll(details: string | undefined): void {
    this.#fresh = [];
    for (const stream of this.#streams.all()) {
      this.#remove(stream);
      stream.abort({ kind: 'connection', details }, details ?? 'connection closed');
    }
  }
}

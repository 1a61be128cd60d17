import type { KeepaliveOptions } from './keepalive.ts';
import type { Http2Stream, StreamEvents } from './stream.ts';

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
  /** A server takes extended CONNECT: other protocols on a stream. Source: RFC 8441. */
  readonly allowConnect?: boolean;
  /** Whether and how the peer is asked if it is still there. */
  readonly keepalive?: KeepaliveOptions | undefined;
}

/** The side that the connection is on. */
export interface Http2Role {
  readonly side: 'server' | 'client';
  /** A stream that the peer opens; only on the server's side. */
  accept(stream: Http2Stream): StreamEvents;
  /** Another stream may be opened, or no other any more. */
  changed(): void;
  /** It ends for want of streams. */
  idled(): void;
  /** The connection is over; with the details when the peer broke the protocol. Once. */
  closed(details: string | undefined): void;
}

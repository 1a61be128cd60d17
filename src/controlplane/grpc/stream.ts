import { status, type ServerDuplexStream } from '@grpc/grpc-js';

/** Bounds of one client's stream. Milliseconds. */
export interface StreamLimits {
  /** Requests that may come at once, and how many a second beyond that; a client that sends more is read more slowly. */
  readonly burst: number;
  readonly perSecond: number;
  /** A client that has not taken what it was sent for this long is cut off. */
  readonly stalledAfter: number;
  /** How long a client may take to say who it is. */
  readonly firstRequestWithin: number;
}

export const defaultStreamLimits: StreamLimits = { burst: 500, perSecond: 200, stalledAfter: 30_000, firstRequestWithin: 10_000 };

/** A gRPC stream of bytes in both directions. */
export type ByteStream = ServerDuplexStream<Buffer, Buffer>;

/** What serves the messages of a stream. */
export interface StreamServer {
  take(message: Buffer): void;
  closed(): void;
}

/** A stream that reads no faster than its budget, and does not pile up what the client does not read. */
export interface PacedStream {
  send(message: Buffer): void;
  end(code: status, message: string): void;
  /** The client has said who it is. */
  known(): void;
}

/**
 * Runs a stream until either side ends it. What `take` throws is the client's mistake: it ends the stream with INVALID_ARGUMENT.
 * `abort` ends the connection of a client that reads nothing, not even a status.
 */
export function paceStream(call: ByteStream, limits: StreamLimits, abort: () => void, serve: (stream: PacedStream) => StreamServer): void {
  let ended = false;
  let tokens = limits.burst;
  let refilled = performance.now();
  let unread = 0;
  let resuming: NodeJS.Timeout | undefined;
  let stalled: NodeJS.Timeout | undefined;
  let firstRequest: NodeJS.Timeout | undefined = setTimeout(() => stream.end(status.DEADLINE_EXCEEDED, 'No request came.'), limits.firstRequestWithin);

  function close(): void {
    if (ended) return;
    ended = true;
    for (const timer of [resuming, stalled, firstRequest]) clearTimeout(timer);
    server.closed();
  }

  /** The transport has taken a message; the next one has its own time. */
  function taken(): void {
    unread--;
    clearTimeout(stalled);
    stalled = unread > 0 && !ended ? setTimeout(abort, limits.stalledAfter) : undefined;
  }

  const stream: PacedStream = {
    send: (message) => {
      if (ended) return;
      unread++;
      stalled ??= setTimeout(abort, limits.stalledAfter);
      call.write(message, taken);
    },
    end: (code, details) => {
      if (ended) return;
      close();
      // An error event of a server stream becomes the call's status.
      call.emit('error', { code, details });
    },
    known: () => {
      clearTimeout(firstRequest);
      firstRequest = undefined;
    },
  };
  const server = serve(stream);

  /** Takes one request out of the budget; an empty budget stops reading until there is one again. */
  function spend(): void {
    const now = performance.now();
    tokens = Math.min(limits.burst, tokens + ((now - refilled) / 1000) * limits.perSecond) - 1;
    refilled = now;
    if (tokens >= 1 || resuming !== undefined) return;
    call.pause();
    resuming = setTimeout(() => {
      resuming = undefined;
      call.resume();
    }, (1000 * (2 - tokens)) / limits.perSecond);
  }

  call.on('data', (message: Buffer) => {
    if (ended) return;
    spend();
    try {
      server.take(message);
    } catch (error) {
      stream.end(status.INVALID_ARGUMENT, error instanceof Error ? error.message : String(error));
    }
  });
  call.on('end', () => {
    close();
    call.end();
  });
  call.on('cancelled', close);
  call.on('close', close);
  call.on('error', close);
}

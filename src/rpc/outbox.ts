import type { Duplex } from 'node:stream';

/** What is yet to be written to a socket. */
export interface Outbox {
  /** Bytes that the socket has not been given yet. */
  readonly waiting: number;
  put(...pieces: readonly Uint8Array[]): void;
  /** Ends the socket once it has been given everything. */
  end(): void;
}

/** Bytes that a socket is given at a time. */
const portion = 64 * 1024;

/**
 * Gives a socket what is to be written in portions, the next once it has taken the one before. A TLS socket keeps as much memory as its largest write
 * took for as long as it lives; what waits here may be pieces that many connections share.
 */
export function createOutbox(socket: Duplex): Outbox {
  const pieces: Uint8Array[] = [];
  let waiting = 0;
  let ending = false;

  function writePortion(): void {
    socket.cork();
    for (let room = portion; room > 0;) {
      const piece = pieces.shift();
      if (piece === undefined) break;
      const now = piece.length <= room ? piece : piece.subarray(0, room);
      if (now !== piece) pieces.unshift(piece.subarray(room));
      room -= now.length;
      waiting -= now.length;
      socket.write(now);
    }
    socket.uncork();
  }

  function flush(): void {
    while (waiting > 0 && !socket.writableNeedDrain && !socket.destroyed) writePortion();
    if (ending && waiting === 0) socket.end();
  }

  socket.on('drain', flush);
  return {
    get waiting() { return waiting; },
    put: (...more) => {
      for (const piece of more) {
        if (piece.length > 0) pieces.push(piece);
        waiting += piece.length;
      }
      flush();
    },
    end: () => {
      ending = true;
      flush();
    },
  };
}

/**
 * A byte stream with back pressure: one TCP or TLS connection. The public tier wraps `net.Socket`; another tier may sit on libuv handles.
 * Exactly one reader at a time; whoever takes a link over calls `read` with its own callbacks.
 */
export interface Link {
  /** Starts (or takes over) reading. Data comes in order; after `end` or `close` nothing comes. */
  read(reader: LinkReader): void;
  pause(): void;
  resume(): void;
  /** Puts bytes back, to be read first by the next reader (sniffing). */
  unread(chunk: Buffer): void;
  /** Strings are latin1. Returns false when the buffer is full: wait for `drain`. */
  write(data: Buffer | string): boolean;
  /** As `write`, for bytes that the caller may overwrite afterwards, such as those that a reader was lent. What is passed on in one turn may be written as one. */
  pass(chunk: Buffer): boolean;
  /** Several writes in one turn become one packet. */
  cork(): void;
  uncork(): void;
  /** Half-closes after what is written. */
  end(): void;
  /** At once: of what was written in this turn, some may not go. */
  destroy(): void;
  readonly destroyed: boolean;
  /** Nothing that was written waits: buffers that were given may be used again. */
  readonly settled: boolean;
  readonly memory: Memory;
  readonly remote: Address;
  readonly local: Address;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** Where lent bytes are kept that cannot be used at once. */
export interface Memory {
  /** A copy of bytes. */
  hold(chunk: Buffer): Buffer;
  /** A copy is of no use any more: its memory may be used again. */
  release(chunk: Uint8Array): void;
}

export interface LinkReader {
  /** A chunk is this reader's only until `data` returns: it copies what it keeps. Without it chunks may be kept. */
  readonly borrows?: boolean;
  data(chunk: Buffer): void;
  /** The peer has half-closed. */
  end(): void;
  drain(): void;
  /** Once, at the end of all; with the error code (`ECONNRESET`, …) when it was not orderly. */
  close(errorCode: string | undefined): void;
}

export interface Address {
  readonly ip: string;
  readonly port: number;
}

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
  /** Several writes in one turn become one packet. */
  cork(): void;
  uncork(): void;
  /** Half-closes after what is written. */
  end(): void;
  destroy(): void;
  readonly destroyed: boolean;
  /** Nothing that was written waits: buffers that were given may be used again. */
  readonly settled: boolean;
  readonly remote: Address;
  readonly local: Address;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export interface LinkReader {
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

import { ConnectionError, defaultWindow, errorCode } from './protocol.ts';

/** What the peer may still send on all streams together, in bytes. Source: RFC 9113 section 6.9. */
export class ReceiveWindow {
  readonly #size: number;
  readonly #update: (increment: number) => void;
  #left: number;
  #owed = 0;

  /** `update` tells the peer that it may send more. */
  constructor(size: number, update: (increment: number) => void) {
    this.#size = size;
    this.#left = size;
    this.#update = update;
  }

  /** Tells the peer of a window above the one that every connection begins with. */
  announce(): void {
    if (this.#size > defaultWindow) this.#update(this.#size - defaultWindow);
  }

  /** Bytes came. Throws {@link ConnectionError} when they are too many. */
  received(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new ConnectionError(errorCode.flowControl, 'http2.connection_window_exceeded');
  }

  /** Bytes that came need no memory any more. */
  consumed(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed * 2 < this.#size) return;
    this.#left += this.#owed;
    this.#update(this.#owed);
    this.#owed = 0;
  }
}

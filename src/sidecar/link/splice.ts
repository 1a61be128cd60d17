import type { Link, LinkReader } from './link.ts';

/** Bytes that went each way. */
export interface SpliceResult {
  readonly forward: number;
  readonly backward: number;
}

/** Joins two links byte for byte, with back pressure and half-close, until both are closed; then tells how much went `a → b` and back. */
export function splice(a: Link, b: Link, done: (result: SpliceResult) => void): void {
  const forward = new Direction(a, b);
  const backward = new Direction(b, a);
  let open = 2;
  const closed = (): void => {
    if (--open === 0) done({ forward: forward.bytes, backward: backward.bytes });
  };
  forward.start(backward, closed);
  backward.start(forward, closed);
}

/** Reads one link and writes the other; the drain of its own link lets the opposite direction go on. */
class Direction implements LinkReader {
  readonly borrows = true;
  bytes = 0;
  readonly #from: Link;
  readonly #to: Link;
  #opposite: Direction | undefined;
  #closed: () => void = () => undefined;

  constructor(from: Link, to: Link) {
    this.#from = from;
    this.#to = to;
  }

  start(opposite: Direction, closed: () => void): void {
    this.#opposite = opposite;
    this.#closed = closed;
    this.#from.read(this);
  }

  data(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (!this.#to.pass(chunk)) this.#from.pause();
  }

  end(): void { this.#to.end(); }
  drain(): void { this.#opposite?.resumeSource(); }

  close(errorCode: string | undefined): void {
    if (errorCode === undefined) this.#to.end();
    else this.#to.destroy();
    // A source that waits for room in a link that is gone would wait for ever.
    this.#opposite?.resumeSource();
    this.#closed();
  }

  resumeSource(): void { this.#from.resume(); }
}

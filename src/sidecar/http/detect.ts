import type { Clock } from '../hooks.ts';
import { farewellTime, IdleTimer, type ServerLimits } from '../http1/index.ts';
import type { Link, LinkReader } from '../link/index.ts';

/** No method of HTTP/1.1 begins like HTTP/2's preface. */
const http2Start = 'PRI ';

/** Finds out by the first bytes whether a caller speaks HTTP/2, puts them back, and tells. Bytes may come one at a time. */
export function detectHttp2(link: Link, limits: ServerLimits, clock: Clock, found: (http2: boolean) => void): Detector {
  const detector = new Detector(link, limits, clock, found);
  link.read(detector);
  return detector;
}

/** A connection that has not shown which version it speaks. */
export class Detector implements LinkReader {
  readonly #link: Link;
  readonly #found: (http2: boolean) => void;
  readonly #timer: IdleTimer;
  readonly #headTimeout: number;
  #seen: Buffer | undefined;

  constructor(link: Link, limits: ServerLimits, clock: Clock, found: (http2: boolean) => void) {
    this.#link = link;
    this.#found = found;
    this.#headTimeout = limits.headTimeout;
    this.#timer = new IdleTimer(clock, () => link.destroy());
    this.#timer.arm(limits.idleTimeout);
  }

  /** The connection is to end: a caller that has said nothing yet has a moment to say what it came for. */
  hurry(): void {
    if (this.#seen === undefined) this.#timer.arm(farewellTime);
  }

  data(chunk: Buffer): void {
    if (this.#seen === undefined) this.#timer.arm(this.#headTimeout);
    const seen = this.#seen === undefined ? chunk : Buffer.concat([this.#seen, chunk]);
    this.#seen = seen;
    const start = seen.toString('latin1', 0, http2Start.length);
    if (start.length < http2Start.length && http2Start.startsWith(start)) return;
    this.#timer.stop();
    this.#link.pause();
    this.#link.unread(seen);
    this.#found(start === http2Start);
  }

  end(): void { this.#link.destroy(); }
  drain(): void { /* nothing was written */ }
  close(): void { this.#timer.stop(); }
}

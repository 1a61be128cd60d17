import { milliseconds } from '../../util/envoy-json.ts';
import type { Http2ProtocolOptions } from '../../xds/index.ts';
import type { Clock } from '../hooks.ts';

/** How a connection finds out that its peer is gone without a word, in milliseconds. Source: Envoy, config.core.v3.KeepaliveSettings; its jitter is left out. */
export interface KeepaliveOptions {
  readonly interval: number;
  readonly timeout: number;
}

/** What protocol options say of it; without an interval there is none. */
export function keepaliveOf(options: Http2ProtocolOptions | undefined): KeepaliveOptions | undefined {
  const interval = milliseconds(options?.connectionKeepalive?.interval) ?? 0;
  return interval > 0 ? { interval, timeout: milliseconds(options?.connectionKeepalive?.timeout) ?? interval } : undefined;
}

const mark = Buffer.from('weft-liv', 'latin1');

/** Asks the peer with a PING again and again, and tells when it did not answer one in time. */
export class Keepalive {
  readonly #options: KeepaliveOptions;
  readonly #clock: Clock;
  readonly #ask: (bytes: Buffer) => void;
  readonly #dead: () => void;
  #cancel: () => void = () => undefined;

  constructor(options: KeepaliveOptions, clock: Clock, ask: (bytes: Buffer) => void, dead: () => void) {
    this.#options = options;
    this.#clock = clock;
    this.#ask = ask;
    this.#dead = dead;
    this.#rest();
  }

  /** The peer has answered a PING; other ones than ours say nothing. */
  answered(bytes: Buffer, start: number): void {
    if (mark.compare(bytes, start, start + mark.length) !== 0) return;
    this.#cancel();
    this.#rest();
  }

  stop(): void { this.#cancel(); }

  #rest(): void {
    this.#cancel = this.#clock.after(this.#options.interval, () => {
      this.#ask(mark);
      this.#cancel = this.#clock.after(this.#options.timeout, this.#dead);
    });
  }
}

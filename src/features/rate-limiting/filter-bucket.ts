import { milliseconds } from '../../util/envoy-json.ts';
import type { TokenBucketConfig } from '../../xds/index.ts';

/** Tokens that are used up by requests and filled again at a steady pace. Source: Envoy, type.v3.TokenBucket. */
export class TokenBucket {
  readonly max: number;
  readonly #perFill: number;
  readonly #interval: number;
  readonly #clock: { now(): number };
  #tokens: number;
  #filled: number;

  /** Throws on a bucket that could never be filled. */
  constructor(config: TokenBucketConfig, clock: { now(): number }) {
    this.max = Number(config.maxTokens ?? 0);
    this.#perFill = Number(config.tokensPerFill ?? 1);
    this.#interval = milliseconds(config.fillInterval) ?? 0;
    if (this.max <= 0) throw new Error('a token bucket needs maxTokens above 0');
    if (this.#interval < 50) throw new Error('a token bucket needs a fillInterval of at least 50 ms');
    this.#clock = clock;
    this.#tokens = this.max;
    this.#filled = clock.now();
  }

  /** Takes a token when there is one. */
  take(): boolean {
    this.#fill();
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  get remaining(): number {
    this.#fill();
    return this.#tokens;
  }

  /** Seconds until the next fill, rounded up. */
  get reset(): number {
    this.#fill();
    return Math.ceil((this.#filled + this.#interval - this.#clock.now()) / 1000);
  }

  #fill(): void {
    const fills = Math.floor((this.#clock.now() - this.#filled) / this.#interval);
    if (fills <= 0) return;
    this.#filled += fills * this.#interval;
    this.#tokens = Math.min(this.max, this.#tokens + fills * this.#perFill);
  }
}

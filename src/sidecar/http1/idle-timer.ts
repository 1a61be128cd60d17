import type { Clock } from '../hooks.ts';

/** A deadline that moves often and passes rarely: moving it costs no timer. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #expired: () => void;
  #deadline = Number.POSITIVE_INFINITY;
  #fires = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, expired: () => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  /** Expires in so many milliseconds, unless it is set again or disarmed before; 0 is never. */
  arm(milliseconds: number): void {
    if (milliseconds === 0) {
      this.disarm();
      return;
    }
    this.#deadline = this.#clock.now() + milliseconds;
    if (this.#deadline < this.#fires) this.#schedule(milliseconds);
  }

  disarm(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  stop(): void {
    this.disarm();
    this.#cancel?.();
    this.#cancel = undefined;
    this.#fires = Number.POSITIVE_INFINITY;
  }

  #schedule(milliseconds: number): void {
    this.#cancel?.();
    this.#fires = this.#clock.now() + milliseconds;
    this.#cancel = this.#clock.after(milliseconds, this.#fired);
  }

  readonly #fired = (): void => {
    this.#cancel = undefined;
    this.#fires = Number.POSITIVE_INFINITY;
    const left = this.#deadline - this.#clock.now();
    if (left === Number.POSITIVE_INFINITY) return;
    if (left > 0) {
      this.#schedule(left);
      return;
    }
    this.#deadline = Number.POSITIVE_INFINITY;
    this.#expired();
  };
}

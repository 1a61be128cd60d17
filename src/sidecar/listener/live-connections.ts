import type { Socket } from 'node:net';
import type { Clock } from '../hooks.ts';

/** What the config in force says of a connection that began under an earlier one. */
export type Standing = 'as before' | 'changed' | 'refused';

/** A connection that is being served. */
export interface Live {
  readonly direction: 'inbound' | 'outbound';
  /** Asked after each change of listeners. */
  standing(): Promise<Standing>;
  /** Finishes what is under way, then closes; what has no end of its own goes on until it is cut. */
  drain(): void;
  destroy(): void;
}

/** The connections of a proxy, and how they end: when the config no longer holds for them, and when the proxy does. */
export class LiveConnections {
  readonly #clock: Clock;
  readonly #live = new Map<Socket, Live>();
  readonly #draining = new WeakSet<Live>();
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number { return this.#live.size; }

  /** Counts a connection from its first byte on. What it came for is not known until it is served, and is served also when all is to end. */
  arrived(socket: Socket, direction: Live['direction']): void {
    this.#live.set(socket, { direction, standing: () => Promise.resolve('as before'), drain: () => undefined, destroy: () => socket.destroy() });
    socket.once('close', () => {
      this.#live.delete(socket);
      for (const look of [...this.#waiting]) look();
    });
  }

  /** The connection is served now. */
  served(socket: Socket, live: Live): void {
    const arrival = this.#live.get(socket);
    if (arrival === undefined) return;
    this.#live.set(socket, live);
    if (!this.#draining.has(arrival)) return;
    this.#draining.add(live);
    live.drain();
  }

  /**
   * The listeners have changed: connections that the new ones would refuse end, and those whose filter chain is another one get `drainMs` to end, as in Envoy, where they
   * stay with the old chain for so long.
   */
  reconsider(drainMs: number): void {
    for (const live of [...this.#live.values()]) {
      if (this.#draining.has(live)) continue;
      // Who cannot be judged is not let in.
      void live.standing().catch((): Standing => 'refused').then((standing) => {
        if (standing === 'refused') live.destroy();
        else if (standing === 'changed') this.#drain([live], drainMs);
      });
    }
  }

  /** Ends those of one side, or all: what has not finished by itself after `drainMs`, which may be without end, is cut. */
  drain(direction: Live['direction'] | 'both', drainMs: number): void {
    this.#drain([...this.#live.values()].filter((live) => direction === 'both' || live.direction === direction), drainMs);
  }

  /** Resolves when there are none any more, or after `ms`, which may be without end. */
  async ended(ms: number): Promise<void> {
    if (this.#live.size === 0) return;
    await new Promise<void>((resolve) => {
      const over = (): void => { cancel?.(); this.#waiting.delete(look); resolve(); };
      const look = (): void => { if (this.#live.size === 0) over(); };
      const cancel = Number.isFinite(ms) ? this.#clock.after(ms, over) : undefined;
      this.#waiting.add(look);
    });
  }

  destroy(): void {
    for (const live of [...this.#live.values()]) live.destroy();
  }

  #drain(ending: readonly Live[], drainMs: number): void {
    if (ending.length === 0) return;
    for (const live of ending) {
      if (this.#draining.has(live)) continue;
      this.#draining.add(live);
      live.drain();
    }
    if (Number.isFinite(drainMs)) this.#clock.after(drainMs, () => { for (const live of ending) live.destroy(); });
  }
}

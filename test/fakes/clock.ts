/** A clock that stands until it is moved; it has the shape of the sidecar's. */
export interface FakeClock {
  now(): number;
  after(milliseconds: number, run: () => void): () => void;
  /** Moves on, running what falls due in order, with a turn of the event loop after each. */
  advance(milliseconds: number): Promise<void>;
  /** The time of day jumps; timers do not notice. */
  jump(milliseconds: number): void;
}

/** Makes a clock that stands at `start`. */
export function fakeClock(start = 1_700_000_000_000): FakeClock {
  let now = start;
  let elapsed = 0;
  let counter = 0;
  const timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
  return {
    now: () => now,
    after(milliseconds, run) {
      const id = counter++;
      timers.set(id, { at: elapsed + milliseconds, run });
      return () => { timers.delete(id); };
    },
    async advance(milliseconds) {
      const end = elapsed + milliseconds;
      for (;;) {
        const [id, next] = [...timers].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0] ?? [];
        if (id === undefined || next === undefined) break;
        timers.delete(id);
        now += Math.max(0, next.at - elapsed);
        elapsed = Math.max(elapsed, next.at);
        next.run();
        await turn();
      }
      now += end - elapsed;
      elapsed = end;
      await turn();
    },
    jump(milliseconds) { now += milliseconds; },
  };
}

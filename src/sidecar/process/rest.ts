import type { Clock } from '../hooks.ts';

/** A process that does nothing for a while gives back what its work has left behind. */
export interface RestSettings {
  readonly clock: Clock;
  /** Milliseconds of processor time that the process has used so far. */
  used(): number;
  /** Gives memory back; `thorough` once, after the start: later ones leave alone what makes the next request fast. */
  release(thorough: boolean): void;
}

/** Milliseconds between two looks. */
const period = 2000;
/** Milliseconds of processor time in a period up to which the process counts as quiet. */
const quiet = 20;
/** Periods of quiet before a rest: after the start, when all that made the process ready is garbage, and after work, which may come again soon. */
const patience = { first: 1, later: 15 } as const;
/** Milliseconds of processor time, spent while it was not quiet, that make another rest worth its own 30: any busy period, as a change of config is one. */
const worthwhile = 20;

/** Looks for quiet until it is stopped. */
export function startRest({ clock, used, release }: RestSettings): () => void {
  let before = used();
  let worked = Infinity;
  let periods = 0;
  let first = true;
  const look = (): void => {
    const now = used();
    const spent = now - before;
    before = now;
    if (spent > quiet) { worked += spent; periods = 0; } else periods += 1;
    if (worked >= worthwhile && periods >= (first ? patience.first : patience.later)) {
      release(first);
      first = false;
      worked = 0;
      periods = 0;
      before = used();
    }
    cancel = clock.after(period, look);
  };
  let cancel = clock.after(period, look);
  return () => { cancel(); };
}

import type { Clock } from '../hooks.ts';

/** How far the two clocks of a machine may drift apart before the fine one is set by the other. */
const tolerated = 20;

/**
 * The clock of this machine, with fractions of a millisecond. Between looks it runs evenly; when the time of day jumps (it was set, or the
 * machine slept) it follows.
 */
export function createSystemClock(): Clock {
  let offset = Date.now() - performance.now();
  let looked = performance.now();
  return {
    now() {
      const even = performance.now();
      const fine = even + offset;
      if (even - looked < tolerated) return fine;
      looked = even;
      const coarse = Date.now();
      if (Math.abs(fine - coarse) <= tolerated) return fine;
      offset = coarse - performance.now();
      return coarse;
    },
    after(milliseconds, run) {
      const timer = setTimeout(run, Math.min(milliseconds, 2 ** 31 - 1));
      return () => { clearTimeout(timer); };
    },
  };
}

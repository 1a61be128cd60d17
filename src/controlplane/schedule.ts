import type { Urgency } from './mesh.ts';

/** When pushes happen: bursts of registrations are joined, everything else goes out in the next turn. */
export interface Schedule {
  request(urgency: Urgency): void;
  stop(): void;
}

/** Quiet time that a burst must have, and the longest that it may wait; milliseconds. */
export const debounce = { quiet: 100, longest: 1000 } as const;

/** Runs `push` once for all requests that came together. */
export function createSchedule(push: () => void, delays: { readonly quiet: number; readonly longest: number } = debounce): Schedule {
  let timer: NodeJS.Timeout | undefined;
  let immediate: NodeJS.Immediate | undefined;
  let firstRequest = 0;

  function run(): void {
    clearTimeout(timer);
    timer = undefined;
    immediate = undefined;
    push();
  }

  return {
    request: (urgency) => {
      if (immediate !== undefined) return;
      if (urgency === 'now') {
        immediate = setImmediate(run);
        return;
      }
      const now = performance.now();
      if (timer === undefined) firstRequest = now;
      clearTimeout(timer);
      timer = setTimeout(run, Math.max(0, Math.min(delays.quiet, firstRequest + delays.longest - now)));
    },
    stop: () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    },
  };
}

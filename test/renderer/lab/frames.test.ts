import { describe, expect, it } from 'vitest';
import { pacedFrames, type NextFrame } from '../../../renderer/lab/frames.ts';

/** A browser of 60 frames a second whose time is moved by hand. */
function play(hidden = false): { readonly next: NextFrame; readonly told: number[]; ask(): () => void; pass(milliseconds: number): void } {
  let now = 0;
  let waiting: { at: number; run: () => void }[] = [];
  const wait = (at: number, run: () => void): (() => void) => {
    const each = { at, run };
    waiting.push(each);
    return () => { waiting = waiting.filter(other => other !== each); };
  };
  const told: number[] = [];
  const next = pacedFrames({ now: () => now, hidden: () => hidden, frame: run => wait((Math.floor(now / 16) + 1) * 16, run), after: (milliseconds, run) => wait(now + milliseconds, run) }, 40);
  return {
    next, told, ask: () => next(() => { told.push(now); }),
    pass: milliseconds => {
      const end = now + milliseconds;
      for (; now < end; now += 1) for (const each of waiting.filter(({ at }) => at <= now)) { waiting = waiting.filter(other => other !== each); each.run(); }
    },
  };
}

describe('paced frames', () => {
  it('come at once after a rest, then at most every 40 ms', () => {
    const { told, ask, pass } = play();
    ask();
    pass(20);
    expect(told).toEqual([16]);
    ask();
    pass(30);
    expect(told).toEqual([16]);
    pass(50);
    expect(told).toEqual([16, 64]);
    pass(200);
    ask();
    pass(17);
    expect(told).toHaveLength(3);
  });

  it('need no frames in a hidden window', () => {
    const { told, ask, pass } = play(true);
    ask();
    pass(2);
    expect(told).toHaveLength(1);
  });

  it('do not come when they are no longer wanted, before or after the rest', () => {
    const { told, ask, pass } = play();
    ask()();
    pass(50);
    ask();
    pass(20);
    const cancel = ask();
    pass(41);
    cancel();
    pass(50);
    expect(told).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { Paced } from '../../../renderer/views/stage/paced.ts';

function play(): { readonly paced: Paced<number>; readonly frame: () => void; readonly waits: () => boolean } {
  let next: (() => void) | undefined;
  const paced = new Paced<number>((one, two) => one === two, run => { next = run; });
  return { paced, frame: () => { const run = next; next = undefined; run?.(); }, waits: () => next !== undefined };
}

const values = (count: number, value: number): ReadonlyMap<string, number> => new Map(Array.from({ length: count }, (_, index) => [String(index), value]));

describe('figures of many cards', () => {
  it('are there at once when a card is new, and change a few in a frame', () => {
    const { paced, frame, waits } = play();
    paced.take(values(20, 1));
    expect([paced.get('0'), paced.get('19'), waits()]).toEqual([1, 1, false]);
    paced.take(values(20, 2));
    let frames = 0;
    for (; waits(); frames += 1) {
      const before = [...values(20, 0).keys()].filter(id => paced.get(id) === 2).length;
      frame();
      expect([...values(20, 0).keys()].filter(id => paced.get(id) === 2).length - before).toBeLessThanOrEqual(6);
    }
    expect(frames).toBe(7);
    expect(paced.get('19')).toBe(2);
  });

  it('tell only those whose figures read differently, of the newest value', () => {
    const { paced, frame } = play();
    const told: string[] = [];
    paced.take(new Map([['a', 1], ['b', 1]]));
    paced.subscribe('a', () => told.push('a'));
    paced.subscribe('b', () => told.push('b'));
    paced.take(new Map([['a', 2], ['b', 1]]));
    paced.take(new Map([['a', 3], ['b', 1]]));
    frame();
    expect(told).toEqual(['a']);
    expect(paced.get('a')).toBe(3);
  });

  it('forget cards that are gone, and what was undone before it was shown', () => {
    const { paced, frame } = play();
    paced.take(new Map([['a', 1], ['b', 1]]));
    paced.take(new Map([['a', 2]]));
    expect(paced.get('b')).toBeUndefined();
    paced.take(new Map([['a', 1]]));
    frame();
    expect(paced.get('a')).toBe(1);
  });
});

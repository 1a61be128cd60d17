import { describe, expect, it } from 'vitest';
import { edgeCurve } from '../../../renderer/views/stage/dots/curve.ts';
import { DotModel, type DotRequest, type Seen } from '../../../renderer/views/stage/dots/dot-model.ts';

const dot = (changes: Partial<DotRequest>): DotRequest => ({ key: 'one', outcome: 'ok', edge: 'a>b', start: 1000, travel: 800, reach: 1, ...changes });

function model(...dots: readonly DotRequest[]): DotModel {
  const made = new DotModel();
  made.setEdge('a>b', edgeCurve({ x: 0, y: 0 }, { x: 400, y: 0 }));
  for (const each of dots) made.add(each);
  return made;
}

function seen(of: DotModel, now: number): readonly Seen[] {
  const all: Seen[] = [];
  of.advance(now);
  of.each(now, each => all.push({ ...each }));
  return all;
}

describe('dots and marks', () => {
  it('follow their line in the time that they have, then are gone', () => {
    const one = model(dot({}));
    expect(seen(one, 900)).toEqual([]);
    expect(seen(one, 1400)[0]?.x).toBeCloseTo(200, 0);
    expect(seen(one, 1400)[0]?.mark).toBe(false);
    expect(seen(one, 1801)).toEqual([]);
    expect(one.count).toBe(0);
  });

  it('leave a mark where the request failed, for a while', () => {
    const one = model(dot({ outcome: 'fault', reach: 0.12 }));
    const [mark] = seen(one, 1200);
    expect(mark?.mark).toBe(true);
    expect(mark?.x).toBeCloseTo(48, 0);
    expect(seen(one, 1000 + 800 * 0.12 + 3300)).toEqual([]);
    expect(one.count).toBe(0);
  });

  it('are found under the pointer, the nearest first', () => {
    const one = model(dot({}), dot({ key: 'two', start: 1040 }));
    expect(one.hit(200, 0, 11, 1400)).toBe('one');
    expect(one.hit(181, 0, 11, 1400)).toBe('two');
    expect(one.hit(300, 40, 11, 1400)).toBeUndefined();
  });

  it('take a later report’s word on how a request ended', () => {
    const one = model(dot({}));
    one.change('one', 'denied');
    expect(seen(one, 2000).map(({ outcome, mark }) => [outcome, mark])).toEqual([['denied', true]]);
  });

  it('agree whenever they are looked at: nothing depends on how often', () => {
    const often = model(dot({ outcome: 'timeout' }));
    for (let now = 900; now < 2100; now += 16) often.advance(now);
    expect(seen(often, 2100)).toEqual(seen(model(dot({ outcome: 'timeout' })), 2100));
  });
});

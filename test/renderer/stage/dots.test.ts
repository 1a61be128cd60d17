import { describe, expect, it } from 'vitest';
import { along, curvePath, edgeCurve, pointAt, track } from '../../../renderer/views/stage/dots/curve.ts';
import { ranks, reach, Sequence, travelTime } from '../../../renderer/views/stage/dots/timing.ts';

describe('the way of a dot', () => {
  const curve = edgeCurve({ x: 0, y: 0 }, { x: 300, y: 120 });
  const way = track(curve);

  it('is the line that is drawn', () => {
    const out = { x: 0, y: 0 };
    along(way, 0, out);
    expect(out).toEqual({ x: 0, y: 0 });
    along(way, 1, out);
    expect(out).toEqual({ x: 300, y: 120 });
    for (const share of [0.1, 0.37, 0.5, 0.9]) {
      along(way, share, out);
      const nearest = Math.min(...Array.from({ length: 2001 }, (_, index) => pointAt(curve, index / 2000)).map(point => Math.hypot(point.x - out.x, point.y - out.y)));
      expect(nearest).toBeLessThan(0.6);
    }
    expect(curvePath(curve)).toBe('M0 0C138 0 162 120 300 120');
  });

  it('has the same speed everywhere', () => {
    const steps = Array.from({ length: 20 }, (_, index) => {
      const [one, two] = [{ x: 0, y: 0 }, { x: 0, y: 0 }];
      along(way, index / 20, one);
      along(way, (index + 1) / 20, two);
      return Math.hypot(two.x - one.x, two.y - one.y);
    });
    expect(Math.max(...steps) / Math.min(...steps)).toBeLessThan(1.05);
  });

  it('stays within its ends', () => {
    const out = { x: 0, y: 0 };
    along(way, 7, out);
    expect(out).toEqual({ x: 300, y: 120 });
    along(way, -1, out);
    expect(out).toEqual({ x: 0, y: 0 });
  });
});

describe('the time of a dot', () => {
  it('grows with the request, and is never too short or too long to follow', () => {
    expect(travelTime(0)).toBe(650);
    expect(travelTime(2000)).toBeGreaterThan(travelTime(200));
    expect(travelTime(60_000)).toBe(travelTime(3000));
  });

  it('ends at the caller when the request never left it', () => {
    expect(reach({ flags: ['FI'], details: 'fault_filter_abort' })).toBeLessThan(0.2);
    expect(reach({ flags: ['UT'], details: 'response_timeout' })).toBe(1);
    expect(reach({ flags: [], details: 'via_upstream' })).toBe(1);
  });

  it('plays the hops of a request in the order of the graph', () => {
    const sequence = new Sequence(90);
    expect(sequence.start('r', 2, 1000)).toBe(1180);
    expect(sequence.start('r', 1, 1010)).toBe(1090);
    expect(sequence.start('r', 0, 1020)).toBe(1020);
    expect(sequence.start('', 3, 1020)).toBe(1020);
    expect(sequence.start('deep', 30, 1000)).toBe(1200);
  });

  it('knows the columns, circles or not', () => {
    const edges = [['in', 'page'], ['page', 'details'], ['page', 'reviews'], ['reviews', 'ratings'], ['ratings', 'reviews']].map(([source, target]) => ({ source: source as string, target: target as string }));
    expect([...ranks(['in', 'page', 'details', 'reviews', 'ratings'], edges).values()].slice(0, 4)).toEqual([0, 1, 2, 2]);
  });
});

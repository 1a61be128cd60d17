import { describe, expect, it } from 'vitest';
import { columns } from '../../../renderer/views/stage/layout/columns.ts';
import { loosen, neighbour, place, settle, youth, type Box } from '../../../renderer/views/stage/layout/place.ts';

const box = (x: number, y: number): Box => ({ x, y, width: 200, height: 70 });

describe('places of cards', () => {
  it('never move what stands', () => {
    const fixed = new Map([['a', box(500, 300)], ['b', box(800, 310)]]);
    const proposal = new Map([['a', box(0, 0)], ['b', box(300, 0)], ['c', box(600, 0)]]);
    const result = place(fixed, proposal, [{ source: 'b', target: 'c' }]);
    expect(result.get('a')).toEqual({ x: 500, y: 300 });
    expect(result.get('b')).toEqual({ x: 800, y: 310 });
    expect(result.get('c')).toEqual({ x: 1100, y: 310 });
  });

  it('put a new card where nothing lies below it', () => {
    const result = place(new Map([['a', box(0, 0)], ['b', box(300, 0)]]), new Map([['a', box(0, 0)], ['b', box(300, 20)], ['c', box(300, 0)]]), [{ source: 'a', target: 'c' }]);
    expect(result.get('c')?.y).toBeGreaterThanOrEqual(98);
  });
});

describe('a card that was placed just now', () => {
  // The innermost call is told first: whoever makes it seems to be called by nobody.
  const first = settle({ positions: new Map(), settled: new Set() }, new Map([['page', box(0, 0)], ['reviews', box(0, 100)], ['ratings', box(300, 100)]]), [{ source: 'reviews', target: 'ratings' }, { source: 'page', target: 'details' }]);
  const since = new Map([['reviews', 1000], ['ratings', 1000], ['page', -Infinity]]);
  const proposal = new Map([['page', box(0, 0)], ['reviews', box(300, 0)], ['ratings', box(600, 0)]]);
  const edges = [{ source: 'page', target: 'reviews' }, { source: 'reviews', target: 'ratings' }];

  it('moves behind the one that calls it', () => {
    const next = settle(loosen(first, since, 1000 + youth - 1), proposal, edges);
    expect([...next.positions].map(([id, { x }]) => [id, x])).toEqual([['page', 0], ['reviews', 300], ['ratings', 600]]);
  });

  it('stays once it is no longer new', () => {
    expect(settle(loosen(first, since, 1000 + youth), proposal, edges).positions).toEqual(first.positions);
  });
});

describe('layouts that end one after another', () => {
  const edges = [{ source: 'in', target: 'page' }];
  const first = settle({ positions: new Map(), settled: new Set() }, new Map([['in', box(0, 0)], ['page', box(300, 0)], ['curl', box(0, 200)]]), edges);

  it('leave what the first settled, and put no card on another', () => {
    // Asked for before the first had ended: it knows nothing of where the cards stand.
    const late = settle(first, new Map([['curl', box(0, 0)], ['in', box(0, 90)], ['page', box(300, 40)]]), [...edges, { source: 'curl', target: 'page' }]);
    expect(late.positions.get('in')).toEqual({ x: 0, y: 0 });
    expect(late.positions.get('page')).toEqual({ x: 300, y: 0 });
    expect(late.positions.get('curl')?.y).toBeGreaterThanOrEqual(98);
    expect([...late.settled].sort()).toEqual(['curl', 'in', 'page']);
  });

  it('may still move a card that nothing was connected to', () => expect(first.settled.has('curl')).toBe(false));
});

describe('the plain layout', () => {
  it('has a column for each rank, with no card on another', () => {
    const size = { width: 200, height: 70 };
    const result = columns(new Map([['in', size], ['a', size], ['b', size]]), [{ source: 'in', target: 'a' }, { source: 'in', target: 'b' }]);
    expect([...result.values()].map(({ x, y }) => [x, y])).toEqual([[0, 0], [268, 0], [268, 110]]);
  });
});

describe('walking with arrows', () => {
  const boxes = new Map([['left', box(0, 0)], ['middle', box(300, 20)], ['right', box(600, 0)], ['below', box(310, 200)]]);
  it('goes to the nearest card in that direction', () => {
    expect(neighbour(boxes, 'left', 'right')).toBe('middle');
    expect(neighbour(boxes, 'middle', 'right')).toBe('right');
    expect(neighbour(boxes, 'middle', 'down')).toBe('below');
    expect(neighbour(boxes, 'below', 'up')).toBe('middle');
    expect(neighbour(boxes, 'left', 'left')).toBeUndefined();
  });
});

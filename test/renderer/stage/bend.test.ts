import { describe, expect, it } from 'vitest';
import { edgeCurve, pointAt } from '../../../renderer/views/stage/dots/curve.ts';
import { onlyCallers } from '../../../renderer/views/stage/layout/callers.ts';
import { bendsOf, ends } from '../../../renderer/views/stage/layout/bend.ts';
import type { Box } from '../../../renderer/views/stage/layout/place.ts';

const box = (x: number, y: number, height = 72): Box => ({ x, y, width: 200, height });
const edge = { id: 'curl>details', source: 'curl', target: 'details' };

describe('the left edge of the graph', () => {
  it('has who calls and is never called, whatever is learned of it first', () => {
    const edges = [['in', 'page'], ['page', 'details'], ['curl', 'details']].map(([source, target]) => ({ source: source as string, target: target as string }));
    expect([...onlyCallers(edges)].sort()).toEqual(['curl', 'in']);
  });
});

describe('lines between cards', () => {
  it('are straight where nothing is in their way', () => {
    expect(bendsOf([edge], new Map([['curl', box(0, 0)], ['details', box(300, 40)], ['far', box(300, 400)]])).size).toBe(0);
  });

  it('pass a card instead of running behind it', () => {
    const boxes = new Map([['curl', box(0, 90)], ['productpage', box(284, 20)], ['details', box(568, 0)]]);
    const bend = bendsOf([edge], boxes).get(edge.id);
    expect(bend).toBeDefined();
    const curve = edgeCurve(...ends(box(0, 90), box(568, 0)), bend);
    const behind = Array.from({ length: 101 }, (_, index) => pointAt(curve, index / 100)).filter(({ x, y }) => x > 284 && x < 484 && y > 20 && y < 92);
    expect(behind).toEqual([]);
  });

  it('take the way that hides least where every way is blocked', () => {
    const wall = Array.from({ length: 12 }, (_, index): [string, Box] => [`wall-${index}`, box(284, -500 + index * 90)]);
    expect(() => bendsOf([edge, { id: 'gone', source: 'curl', target: 'nowhere' }], new Map([['curl', box(0, 0)], ['details', box(568, 0)], ...wall]))).not.toThrow();
  });
});

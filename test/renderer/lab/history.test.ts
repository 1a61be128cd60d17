import { describe, expect, it } from 'vitest';
import { History } from '../../../renderer/lab/history.ts';
import type { Graph } from '../../../src/contract/index.ts';

function graph(time: number, rps: number, id = 'default/a'): Graph {
  return { time, nodes: [{ id, kind: 'service', name: 'a', namespace: 'default', versions: [], figures: { rps, errorShare: 0.5, p50: 1, p99: 2 } }], edges: [] };
}

describe('the figures of the last minutes', () => {
  it('are columns of one thing, oldest first', () => {
    const history = new History();
    history.add(graph(1000, 4));
    history.add(graph(2000, 6));
    history.add(graph(2000, 9)); // Told twice.
    expect(history.of('default/a')).toEqual({ time: [1, 2], rps: [4, 6], errors: [2, 3], p50: [1, 1], p99: [2, 2] });
    expect(history.of('default/b').time).toEqual([]);
  });

  it('are the same object until there is more, so that a chart is not drawn again', () => {
    const history = new History();
    history.add(graph(1000, 4));
    const before = history.of('default/a');
    expect(history.of('default/a')).toBe(before);
    history.add(graph(2000, 6));
    expect(history.of('default/a')).not.toBe(before);
  });

  it('are kept for a while, not for ever', () => {
    const history = new History(3);
    for (let second = 1; second <= 5; second += 1) history.add(graph(second * 1000, second));
    expect(history.of('default/a').rps).toEqual([3, 4, 5]);
    history.clear();
    expect(history.of('default/a').rps).toEqual([]);
  });
});

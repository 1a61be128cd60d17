import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apportion, balance, currentWeights, sameWeights, setWeight } from '../../../renderer/features/routing/weights.ts';

const sum = (weights: Readonly<Record<string, number>>): number => Object.values(weights).reduce((all, each) => all + each, 0);

describe('weights', () => {
  it('share what one slider leaves, in proportion', () => {
    expect(setWeight({ v1: 50, v2: 25, v3: 25 }, 'v1', 80)).toEqual({ v1: 80, v2: 10, v3: 10 });
    expect(setWeight({ v1: 100, v2: 0, v3: 0 }, 'v1', 70)).toEqual({ v1: 70, v2: 15, v3: 15 });
    expect(setWeight({ v1: 100 }, 'v1', 70)).toEqual({ v1: 100 });
  });

  it('always are whole numbers that sum to 100', () => {
    const any = fc.dictionary(fc.stringMatching(/^v[0-9]$/), fc.integer({ min: 0, max: 100 }), { minKeys: 2, maxKeys: 6 });
    fc.assert(fc.property(any, fc.integer({ min: -20, max: 140 }), (raw, value) => {
      const weights = balance(raw);
      const next = setWeight(weights, Object.keys(weights)[0] ?? '', value);
      expect([sum(weights), sum(next)]).toEqual([100, 100]);
      expect(Object.values(next).every(each => Number.isInteger(each) && each >= 0)).toBe(true);
    }));
  });

  it('lose nothing when they are shared', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 8 }), fc.integer({ min: 0, max: 100 }), (parts, total) => {
      expect(apportion(parts, total).reduce((all, each) => all + each, 0)).toBe(total);
    }));
  });

  it('are even when the rules say nothing', () => {
    expect(currentWeights(['v1', 'v2', 'v3'], undefined)).toEqual({ v1: 34, v2: 33, v3: 33 });
    expect(currentWeights(['v1', 'v2', 'v3'], { v1: 50, v3: 50 })).toEqual({ v1: 50, v2: 0, v3: 50 });
    expect(sameWeights({ v1: 100 }, { v1: 100, v2: 0 })).toBe(true);
  });
});

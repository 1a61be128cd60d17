import { describe, expect, it } from 'vitest';
import { HopRing } from '../../../renderer/lab/hops.ts';
import { parseFilter } from '../../../renderer/views/traffic/filter.ts';
import { extend } from '../../../renderer/views/traffic/use-hops.ts';
import { bookinfoScenario } from '../../fakes/scenario.ts';

function filled(pages: number): HopRing {
  const scenario = bookinfoScenario(() => ({ faults: [{ host: 'ratings', namespace: 'default', abort: { status: 500, percent: 100 } }], weights: [{ host: 'reviews', namespace: 'default', weights: { v3: 100 } }], mtls: {} }));
  const ring = new HopRing(200);
  for (let page = 0; page < pages; page += 1) ring.add(scenario.page(1000 + page), record => record.source.pod !== '');
  return ring;
}

describe('the filter', () => {
  it('wants all words, anywhere', () => {
    const { hops } = extend(filled(20), parseFilter('Reviews GET ratings', []), undefined);
    expect(hops.length).toBeGreaterThan(5);
    expect(hops.every(hop => hop.record.service.startsWith('ratings'))).toBe(true);
  });

  it('wants one of the outcomes', () => {
    const { hops } = extend(filled(20), parseFilter('', ['fault']), undefined);
    expect(hops.length).toBeGreaterThan(5);
    expect(hops.every(hop => hop.outcome === 'fault')).toBe(true);
  });

  it('gives the same list step by step as at once', () => {
    const scenario = bookinfoScenario(() => ({ faults: [], weights: [], mtls: {} }));
    const ring = new HopRing(50);
    const filter = parseFilter('get', []);
    let kept = extend(ring, filter, undefined);
    for (let page = 0; page < 60; page += 1) {
      ring.add(scenario.page(1000 + page), record => record.source.pod !== '');
      kept = extend(ring, filter, kept);
    }
    expect(kept.hops.map(hop => hop.key)).toEqual(extend(ring, filter, undefined).hops.map(hop => hop.key));
    expect(kept.hops.length).toBeLessThanOrEqual(50);
  });
});

import { describe, expect, it } from 'vitest';
import type { RequestRecord } from '../../../src/contract/index.ts';
import { HopRing } from '../../../renderer/lab/hops.ts';
import { parseFilter } from '../../../renderer/views/traffic/filter.ts';
import { extend } from '../../../renderer/views/traffic/hop-list.ts';
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

  it('lists a request under the outcome that the callee reports later', () => {
    const scenario = bookinfoScenario(() => ({ faults: [], weights: [], mtls: {} }));
    const filter = parseFilter('', ['denied']);
    const ring = new HopRing(50);
    let denied: readonly RequestRecord[] = [];
    while (denied.length < 2) denied = scenario.background(1000).filter(record => record.path === '/login');
    ring.add(denied.filter(record => record.reporter === 'source'), () => true);
    const before = extend(ring, filter, undefined);
    ring.add(denied.filter(record => record.reporter === 'destination'), () => true);
    expect([before.hops.length, extend(ring, filter, before).hops.length]).toEqual([0, 1]);
  });
});

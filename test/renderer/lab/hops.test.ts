import { describe, expect, it } from 'vitest';
import type { RequestRecord } from '../../../src/contract/index.ts';
import { HopRing } from '../../../renderer/lab/hops.ts';
import { bookinfoScenario } from '../../fakes/scenario.ts';

const [sample] = bookinfoScenario(() => ({ faults: [], weights: [], mtls: {} })).page(1000).filter(record => record.reporter === 'source');
const record = (change: Partial<RequestRecord>): RequestRecord => ({ ...(sample as RequestRecord), flags: [], details: 'via_upstream', status: 200, retries: 0, ...change });
const caller = record({ key: 'a', spanId: 's1' });
const callee = record({ key: 'b', reporter: 'destination', spanId: 's2', parentSpanId: 's1' });
const always = (): boolean => true;

describe('the ring of hops', () => {
  it('shows a request once, whichever report comes first', () => {
    for (const order of [[caller, callee], [callee, caller]]) {
      const ring = new HopRing();
      for (const each of order) ring.add([each], always);
      expect(ring.total).toBe(1);
      expect(ring.newest(0)).toMatchObject({ key: 'a', others: [{ key: 'b' }] });
      expect(ring.find('b')).toBe(ring.newest(0));
    }
  });

  it('joins reports that share a span, as B3 may', () => {
    const ring = new HopRing();
    ring.add([caller, record({ key: 'b', reporter: 'destination', spanId: 's1', parentSpanId: '' })], always);
    expect(ring.newest(0)?.others).toHaveLength(1);
  });

  it('shows the callee’s report alone when the caller has no proxy', () => {
    const ring = new HopRing();
    ring.add([callee], () => false);
    expect(ring.newest(0)?.key).toBe('b');
  });

  it('learns from the callee that a request was denied', () => {
    const ring = new HopRing();
    ring.add([record({ key: 'a', spanId: 's1', status: 403 })], always);
    expect(ring.newest(0)?.outcome).toBe('client-error');
    const { changed } = ring.add([record({ key: 'b', reporter: 'destination', spanId: 's2', parentSpanId: 's1', status: 403, details: 'rbac_access_denied_matched_policy[none]' })], always);
    expect(changed).toHaveLength(1);
    expect(ring.newest(0)?.outcome).toBe('denied');
  });

  it('forgets the oldest, and what belonged to it', () => {
    const ring = new HopRing(3);
    for (let index = 0; index < 5; index += 1) ring.add([record({ key: `k${index}`, spanId: `s${index}` })], always);
    expect([ring.newest(0)?.key, ring.newest(2)?.key, ring.newest(3)]).toEqual(['k4', 'k2', undefined]);
    expect([ring.find('k1'), ring.size, ring.total]).toEqual([undefined, 3, 5]);
  });

  it('takes a record that comes twice only once', () => {
    const ring = new HopRing();
    ring.add([caller], always);
    ring.add([caller], always);
    expect(ring.total).toBe(1);
  });
});

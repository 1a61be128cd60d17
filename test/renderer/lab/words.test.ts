import { describe, expect, it } from 'vitest';
import type { RequestRecord } from '../../../src/contract/index.ts';
import { account, faultShort, faultWords, flagWords, leadingFlag, shortHost, shortPrincipal } from '../../../renderer/lab/words.ts';
import { bookinfoScenario } from '../../fakes/scenario.ts';

const [sample] = bookinfoScenario(() => ({ faults: [], weights: [], mtls: {} })).page(1000).filter(record => record.reporter === 'source' && record.service.startsWith('details'));
const record = (change: Partial<RequestRecord>): RequestRecord => ({ ...(sample as RequestRecord), ...change });

describe('a request in words', () => {
  it('says what, why and what to do of a missing endpoint, with the line of YAML', () => {
    const origin = { file: 'reviews-dr.yaml', line: 9, kind: 'DestinationRule', name: 'reviews' };
    const said = account(record({
      status: 503, flags: ['UH'], service: 'reviews.default.svc.cluster.local', cluster: 'outbound|9080|v4|reviews.default.svc.cluster.local',
      decision: [{ stage: 'endpoint', what: 'none', why: 'the subset is not defined', origin }],
    }));
    expect(said.what).toBe('503 UH: no healthy endpoint for reviews v4.');
    expect(said.why).toBe(`${flagWords.UH.means} The subset is not defined.`);
    expect(said.advice).toBe(flagWords.UH.advice);
    expect(said.origin).toBe(origin);
  });

  it('blames the fault before anything else', () => {
    expect(leadingFlag(['DI', 'FI'])).toBe('FI');
    expect(account(record({ status: 500, flags: ['DI', 'FI'] })).what).toBe('500 FI: abort injected for details.');
  });

  it('says for how many requests a fault is meant', () => {
    const decision = [{ stage: 'filter', what: 'delay 800 ms', why: '10 % of requests' }] as const;
    expect(account(record({ status: 200, flags: ['DI'], decision })).why).toBe(`${flagWords.DI.means} The rule asks for it at 10 % of requests.`);
  });

  it('tells an error of the app from one of the mesh', () => {
    expect(account(record({ status: 500, flags: [] })).why).toContain('app’s own');
  });

  it('believes the callee when it denied the request', () => {
    const other = record({ reporter: 'destination', status: 403, details: 'rbac_access_denied_matched_policy[none]' });
    expect(account(record({ status: 403, flags: [] }), [other]).what).toBe('403 denied by details’s own proxy.');
  });

  it('says of a good one how long it took', () => {
    expect(account(record({ status: 200, flags: [], duration: 38.2, retries: 0 })).what).toBe('details v1 answered with 200 in 38 ms.');
    expect(account(record({ status: 200, flags: [], duration: 1200, retries: 2 })).what).toBe('details v1 answered with 200 in 1.20 s after 2 retries.');
  });

  it('explains every flag in a sentence each', () => {
    for (const [flag, words] of Object.entries(flagWords)) {
      expect(words.means, flag).toMatch(/^[A-Z].*\.$/);
      expect(words.advice, flag).toMatch(/^[A-Z].*\.$/);
    }
  });
});

describe('names', () => {
  it('shortens hosts of the cluster and leaves others as they are', () => {
    expect(shortHost('reviews.default.svc.cluster.local')).toBe('reviews');
    expect(shortHost('reviews.shop.svc.cluster.local')).toBe('reviews.shop');
    expect(shortHost('api.example.com')).toBe('api.example.com');
  });

  it('leaves the trust domain out of identities', () => {
    expect(shortPrincipal('spiffe://cluster.local/ns/default/sa/bookinfo-reviews')).toBe('ns/default/sa/bookinfo-reviews');
  });

  it('says faults in a few words', () => {
    const fault = { delay: { milliseconds: 7000, percent: 20 }, abort: { status: 500, percent: 10 } };
    expect(faultWords(fault)).toBe('delay 7 s at 20 %, abort 500 at 10 %');
    expect(faultShort(fault)).toBe('+7 s at 20 % · 500 at 10 %');
  });
});

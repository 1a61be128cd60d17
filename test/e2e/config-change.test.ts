import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bookinfo, hasPeer, noEngine, rule, startLab, steady, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const path = '/api/v1/products/0/ratings';

/** A rule on the path of the traffic, different at each turn. */
const variant = (turn: number): { path: string; text: string } => ({
  path: 'ratings-rule.yaml',
  text: `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: ratings\nspec:\n  hosts: [ratings]\n  http:\n  - name: turn-${turn}\n    timeout: ${5 + (turn % 7)}s\n    headers:\n      response:\n        set:\n          x-turn: "${turn}"\n    route:\n    - destination: { host: ratings, subset: ${turn % 2 === 0 ? 'v1' : 'all'} }\n`,
});
const subsets = { path: 'ratings-subsets.yaml', text: 'apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata:\n  name: ratings\nspec:\n  host: ratings\n  subsets:\n  - { name: v1, labels: { version: v1 } }\n  - { name: all, labels: {} }\n' };

describe.skipIf(why !== undefined)(`a change of rules under traffic${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab('test-change', [...bookinfo().map((file) => file), subsets, variant(0)]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  it('is in force and acknowledged everywhere, fifty times, and no request fails', async () => {
    const { ingressUrl } = await lab.status();
    await until('the path answers', async () => (await lab.get(path)).status === 200);
    // Connections are opened and code is compiled before the rate is asked for.
    const warm = steady(new URL(path, ingressUrl), 50, 4);
    await until('warm', () => warm.sent >= 190);
    await warm.stop();
    const traffic = steady(new URL(path, ingressUrl), 200, 120);
    const took: number[] = [];
    for (let turn = 1; turn <= 50; turn += 1) {
      const started = performance.now();
      const { applied, version } = await lab.core.apply({ lab: lab.name, files: [variant(turn)] });
      expect(applied).toBe(true);
      await until('acknowledged', async () => (await lab.status()).version === version && (await lab.status()).proxies.every((proxy) => proxy.sent === proxy.acknowledged), 5_000);
      took.push(performance.now() - started);
    }
    await traffic.stop();
    took.sort((a, b) => a - b);
    console.log(`50 changes under ${traffic.sent} requests: acknowledged in p50 ${Math.round(took[25] ?? 0)} ms, p95 ${Math.round(took[47] ?? 0)} ms, max ${Math.round(took[49] ?? 0)} ms; ${traffic.failed.length} failed`);
    expect(traffic.failed).toEqual([]);
    expect((await lab.core.get({ lab: lab.name, kind: 'vs', name: 'ratings' }))[0]).toMatchObject({ spec: { http: [{ name: 'turn-50' }] } });
  });

  it('that is wrong changes nothing and says why, with file and line', async () => {
    const before = (await lab.status()).version;
    const wrong = { path: 'wrong.yaml', text: 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: wrong\nspec:\n  hosts: [ratings]\n  http:\n  - route:\n    - destination: { host: ratings }\n      weight: -5\n' };
    const result = await lab.core.apply({ lab: lab.name, files: [wrong] });
    expect(result.applied).toBe(false);
    expect(result.diagnostics.some((one) => one.level === 'error' && one.file === 'wrong.yaml' && one.line === 10)).toBe(true);
    expect((await lab.status()).version).toBe(before);
    expect((await lab.get(path)).status).toBe(200);
  });
});

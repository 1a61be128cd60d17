import { afterEach, beforeEach, expect, it } from 'vitest';
import type { UpstreamState, UpstreamStatus } from '../../src/contract/index.ts';
import { pod, startFixture, until, type Fixture } from './fixture.ts';

let lab: Fixture;
beforeEach(async () => {
  lab = await startFixture();
  await lab.core.setPods([pod('a'), pod('b')]);
});
afterEach(() => lab.close());

const none = { connections: 0, pending: 0, requests: 0, retries: 0 };
const state = (cluster: string): UpstreamState => ({
  cluster, service: 'reviews.default.svc.cluster.local', limits: { connections: 1 }, use: none, overflows: { ...none, pending: 3 }, panic: false,
  hosts: [{
    address: '10.0.0.5:9080', pod: 'default/reviews-v1', workload: 'reviews-v1', version: 'v1', locality: '', priority: 0, healthy: false, connections: 0, requests: 0, succeeded: 4, failed: 5, ejections: 1,
    ejection: { since: 1, until: 2, reason: 'consecutive-5xx-errors' },
  }],
});

it('tells core what each proxy sees, drops what is torn, and forgets a proxy that went', async () => {
  const told: (readonly UpstreamStatus[])[] = [];
  lab.core.on('upstreams', (upstreams) => { told.push(upstreams); });
  await lab.core.subscribe();
  const [a, b] = [await lab.proxy('a'), await lab.proxy('b')];
  a.say({ upstreams: [state('one'), state('two')] });
  b.say({ upstreams: [state('one'), { cluster: 'torn' } as unknown as UpstreamState] });
  const seen = (): readonly string[] => (told.at(-1) ?? []).map(({ proxy, cluster }) => `${proxy} ${cluster}`).sort();
  await until('both are told', () => seen().length === 3);
  expect(seen()).toEqual(['default/a one', 'default/a two', 'default/b one']);
  expect(told.at(-1)?.[0]).toEqual({ proxy: 'default/a', ...state('one') });
  a.say({ upstreams: [state('two')] });
  await until('what is gone is gone', () => seen().length === 2);
  expect(await lab.core.upstreams()).toEqual(told.at(-1));
  b.socket.destroy();
  await until('the proxy is forgotten', () => seen().join() === 'default/a two');
});

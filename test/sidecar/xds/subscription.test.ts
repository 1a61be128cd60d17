import { describe, expect, test } from 'vitest';
import { createSubscriptions } from '../../../src/sidecar/xds/subscription.ts';
import { typeUrl, type DiscoveryRequest, type DiscoveryResponse, type ResourceType, type RouteConfiguration, type VirtualHost } from '../../../src/xds/index.ts';

function make(apply: (type: ResourceType, resources: readonly unknown[]) => Promise<void> = () => Promise.resolve()) {
  const sent: DiscoveryRequest[] = [];
  const subscriptions = createSubscriptions({ send: (request) => { sent.push(request); }, apply, log: () => undefined });
  const response = (type: ResourceType, version: string, resources: unknown = []) => subscriptions.received({ typeUrl: typeUrl[type], versionInfo: version, nonce: `n${version}`, resources: resources as [] });
  return { sent, subscriptions, response };
}

describe('a subscription', () => {
  test('asks for all six types, clusters first, and says its version when it comes back', async () => {
    const { sent, subscriptions, response } = make();
    subscriptions.subscribe();
    expect(sent.map((request) => request.typeUrl)).toEqual([typeUrl.cluster, typeUrl.endpoint, typeUrl.listener, typeUrl.route, typeUrl.secret, typeUrl.names]);
    expect(sent.every(({ versionInfo, responseNonce }) => versionInfo === '' && responseNonce === '')).toBe(true);
    await response('route', '5');
    sent.length = 0;
    subscriptions.subscribe();
    expect(sent[3]).toEqual({ typeUrl: typeUrl.route, versionInfo: '5', responseNonce: '' });
  });

  test('acknowledges when a response is in force, and not before', async () => {
    let release: () => void = () => undefined;
    const { sent, response } = make(() => new Promise((resolve) => { release = resolve; }));
    const done = response('cluster', '1');
    await Promise.resolve();
    expect(sent).toEqual([]);
    release();
    await done;
    expect(sent).toEqual([{ typeUrl: typeUrl.cluster, versionInfo: '1', responseNonce: 'n1' }]);
  });

  test('rejects with the reason and the version that stays', async () => {
    const { sent, subscriptions, response } = make((_, resources) => (resources.length > 0 ? Promise.reject(new Error('bad regex')) : Promise.resolve()));
    await response('route', '1');
    await response('route', '2', [{}]);
    await response('route', '3', 'not a list');
    expect(sent[1]).toEqual({ typeUrl: typeUrl.route, versionInfo: '1', responseNonce: 'n2', errorDetail: { code: 3, message: 'bad regex' } });
    expect(sent[2]?.errorDetail?.message).toContain('no list');
    expect(subscriptions.status('route')).toMatchObject({ version: '1' });
    await response('route', '4');
    expect(subscriptions.status('route')).toEqual({ version: '4', rejected: '' });
  });

  test('applies one type in order, and another type meanwhile', async () => {
    const log: string[] = [];
    const waiting = new Map<string, () => void>();
    const { response } = make((type, [name]) => new Promise((resolve) => { log.push(`${type} ${String(name)}`); waiting.set(`${type} ${String(name)}`, resolve); }));
    const first = response('listener', '1', ['a']);
    const second = response('listener', '2', ['b']);
    const other = response('route', '1', ['c']);
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(log).toEqual(['listener a', 'route c']);
    for (const key of ['route c', 'listener a']) waiting.get(key)?.();
    await Promise.all([first, other]);
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(log.at(-1)).toBe('listener b');
    waiting.get('listener b')?.();
    await second;
  });

  test('applies changes to the set that is in force, and asks for all of it when they are for another', async () => {
    const applied: (readonly unknown[])[] = [];
    const { sent, subscriptions } = make((_, resources) => {
      applied.push(resources);
      return resources.some((resource) => (resource as { readonly bad?: true }).bad === true) ? Promise.reject(new Error('bad')) : Promise.resolve();
    });
    const receive = (versionInfo: string, resources: readonly unknown[], since?: string, removed?: readonly string[]): Promise<void> =>
      subscriptions.received({ typeUrl: typeUrl.cluster, versionInfo, nonce: `n${versionInfo}`, resources, ...(since === undefined ? {} : { since }), ...(removed === undefined ? {} : { removed }) });
    await receive('1', [{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
    await receive('2', [{ name: 'b', type: 'EDS' }, { name: 'd' }], '1', ['c']);
    expect(applied[1]).toEqual([{ name: 'a' }, { name: 'b', type: 'EDS' }, { name: 'd' }]);
    await receive('3', [{ name: 'a', bad: true }], '2', []);
    await receive('4', [], '2', ['a']);
    expect(applied[3]).toEqual([{ name: 'b', type: 'EDS' }, { name: 'd' }]);
    sent.length = 0;
    await receive('6', [], '5', ['b']);
    expect(applied).toHaveLength(4);
    expect(sent).toEqual([{ typeUrl: typeUrl.cluster, versionInfo: '', responseNonce: '' }]);
    await receive('6', [{ name: 'z' }]);
    expect(applied[4]).toEqual([{ name: 'z' }]);
  });

  test('puts changed hosts into a route table, leaves the others as they are, and asks for all where it has no such table', async () => {
    const applied: (readonly unknown[])[] = [];
    const { sent, subscriptions } = make((_, resources) => {
      applied.push(resources);
      return Promise.resolve();
    });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name, domains: [name] })) as [VirtualHost, VirtualHost, VirtualHost];
    const next: VirtualHost = { name: 'b', domains: ['other'] };
    const receive = (versionInfo: string, more: Partial<DiscoveryResponse>): Promise<void> => subscriptions.received({ typeUrl: typeUrl.route, versionInfo, nonce: versionInfo, resources: [], ...more });
    await receive('1', { resources: [{ name: '80', virtualHosts: [a, b, c], validateClusters: false }, { name: '81' }] });
    await receive('2', { since: '1', patches: [{ name: '80', removed: ['b', 'c'], put: [{ at: 0, host: { name: 'new', domains: ['new'] } }, { at: 2, host: next }] }] });
    expect(applied[1]).toEqual([{ name: '80', virtualHosts: [{ name: 'new', domains: ['new'] }, a, next], validateClusters: false }, { name: '81' }]);
    expect((applied[1]?.[0] as RouteConfiguration).virtualHosts?.[1]).toBe(a);
    sent.length = 0;
    await receive('3', { since: '2', patches: [{ name: '82', removed: [], put: [] }] });
    expect(applied).toHaveLength(2);
    expect(sent).toEqual([{ typeUrl: typeUrl.route, versionInfo: '', responseNonce: '' }]);
  });
});

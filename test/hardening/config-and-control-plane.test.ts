import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import * as grpc from '@grpc/grpc-js';
import { createCodec } from '../../src/controlplane/grpc/codec.ts';
import { istioCompiler } from '../../src/controlplane/istio-compiler.ts';
import { createSchedule } from '../../src/controlplane/schedule.ts';
import { typeUrl } from '../../src/xds/index.ts';
import { pod, startFixture, until, type Fixture } from '../controlplane/fixture.ts';
import { echoFiles, echoPod } from '../controlplane/grpc-fixture.ts';
import { get, sidecarBench, type SidecarBench } from '../fakes/sidecar-pair.ts';

// One test for each line of what trusted meshes promise about config and its control plane.

let bench: SidecarBench;
beforeAll(async () => { bench = await sidecarBench(); });
afterEach(() => bench.close());

const service = (...names: readonly string[]): { path: string; text: string }[] => [{ path: 'a.yaml', text: names.map((name) => JSON.stringify({ kind: 'Service', name })).join('\n') }];

async function lab(options: Parameters<typeof startFixture>[0] = {}): Promise<Fixture> {
  const made = await startFixture(options);
  bench.defer(() => made.close());
  return made;
}

describe('make before break', () => {
  test('clusters come before the routes that use them, and are removed last', async () => {
    const { core, proxy } = await lab();
    await core.setPods([pod('a')]);
    await core.setFiles(service('old', 'stays'));
    const client = await proxy('a');
    await until('the first config is there', () => client.names('names') !== undefined);
    expect(client.pushes.map(({ type }) => type)).toEqual(['cluster', 'endpoint', 'listener', 'route', 'secret', 'names']);
    client.pushes.length = 0;
    await core.setFiles(service('stays', 'new'));
    await until('the old cluster is gone', () => client.names('cluster')?.includes('old') === false);
    const steps = client.pushes.filter(({ type }) => type === 'cluster' || type === 'route').map(({ type, names }) => `${type} ${names.toSorted().join()}`);
    expect(steps).toEqual(['cluster new,old,stays', 'route new,stays', 'cluster new,stays']);
  });

  test('clusters are not removed while the new routes are rejected', async () => {
    const { core, proxy } = await lab();
    await core.setPods([pod('a')]);
    await core.setFiles(service('old'));
    const client = await proxy('a', { reject: {} });
    await until('the first config is there', () => client.names('names') !== undefined);
    client.options = { reject: { route: 'no' } };
    await core.setFiles(service('new'));
    await until('the rejection is known', async () => (await core.status()).proxies[0]?.rejected !== undefined);
    expect(client.names('cluster')?.toSorted()).toEqual(['new', 'old']);
  });

  test('a client that asks for some clusters or listeners by name gets all of them, after every change', async () => {
    const { core, control } = await lab({ compiler: istioCompiler });
    const codec = createCodec(() => undefined);
    await core.setPods([echoPod('echo-v1', 'v1', '127.0.0.2')]);
    await core.setFiles(echoFiles(7000, undefined));
    const client = new grpc.Client(`127.0.0.1:${control.discoveryPort}`, grpc.credentials.createInsecure());
    bench.defer(() => { client.close(); });
    const bytes = (message: Buffer): Buffer => message;
    const call = client.makeBidiStreamRequest('/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources', bytes, bytes);
    const sets: string[][] = [];
    const say = (more: object): void => { call.write(Buffer.from(codec.encode('envoy.service.discovery.v3.DiscoveryRequest', { typeUrl: typeUrl.cluster, resourceNames: ['outbound|7070|v1|echo.default.svc.cluster.local'], ...more }))); };
    call.on('error', () => undefined).on('data', (message: Buffer) => {
      const { resources = [], versionInfo = '', nonce = '' } = codec.decode('envoy.service.discovery.v3.DiscoveryResponse', message) as { resources?: { name: string }[]; versionInfo?: string; nonce?: string };
      sets.push(resources.map(({ name }) => name));
      say({ versionInfo, responseNonce: nonce });
    });
    say({ node: { id: 'sidecar~127.0.0.1~client.default~default.svc.cluster.local', metadata: { GENERATOR: 'grpc' } } });
    await until('the clusters', () => sets.length === 1);
    await core.setFiles(echoFiles(7000, undefined, ['apiVersion: v1\nkind: Service\nmetadata: { name: other }\nspec: { selector: { app: echo }, ports: [{ name: grpc, port: 7071, targetPort: 7000 }] }']));
    await until('the change', () => sets.length >= 2);
    for (const set of sets) for (const name of ['outbound|7070||echo.default.svc.cluster.local', 'outbound|7070|v1|echo.default.svc.cluster.local', 'outbound|7070|v2|echo.default.svc.cluster.local']) expect(set).toContain(name);
    expect(sets.at(-1)).toContain('outbound|7071||other.default.svc.cluster.local');
    call.cancel();
  });

  test('EDS entries carry locality, weight, health and an IP address', async () => {
    const { core, proxy } = await lab({ compiler: istioCompiler });
    await core.setPods([pod('a'), echoPod('echo-v1', 'v1', '127.0.0.2'), echoPod('echo-v2', 'v2', '127.0.0.3')]);
    await core.setFiles(echoFiles(7000, undefined));
    const client = await proxy('a');
    interface Assignment { readonly clusterName: string; readonly endpoints: readonly { readonly locality?: object; readonly loadBalancingWeight?: number; readonly lbEndpoints: readonly { readonly healthStatus?: string; readonly loadBalancingWeight?: number; readonly endpoint: { readonly address: { readonly socketAddress: { readonly address: string; readonly portValue: number } } } }[] }[] }
    const echo = await new Promise<Assignment>((resolve, reject) => {
      let found: Assignment | undefined;
      until('endpoints', () => (found = (client.resources('endpoint') as readonly Assignment[]).find(({ clusterName }) => clusterName === 'outbound|7070||echo.default.svc.cluster.local')) !== undefined).then(() => { if (found !== undefined) resolve(found); }, reject);
    });
    const entries = echo.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints);
    expect(entries.map(({ endpoint }) => endpoint.address.socketAddress).toSorted((one, other) => one.address.localeCompare(other.address))).toEqual([{ address: '127.0.0.2', portValue: 7000 }, { address: '127.0.0.3', portValue: 7000 }]);
    for (const group of echo.endpoints) expect(group).toMatchObject({ locality: expect.any(Object) as object, loadBalancingWeight: expect.any(Number) as number });
    for (const entry of entries) expect(entry).toMatchObject({ healthStatus: 'HEALTHY', loadBalancingWeight: expect.any(Number) as number });
  });

  test('a proxy that comes back says which version it runs on, and is not sent it again', async () => {
    const { plane, outbound } = await bench.pair('http', 'STRICT', await bench.httpServer());
    const versions = (): Map<string, string> => new Map(plane.seen('default/client').requests.map((request) => [request.typeUrl, request.versionInfo]));
    // Traffic flows before the last acknowledgement is in.
    await until('everything is acknowledged', () => [...versions().values()].every((version) => version !== ''));
    const before = versions();
    await plane.stop();
    const count = plane.seen('default/client').requests.length;
    await plane.start();
    await until('it is back', () => plane.seen('default/client').requests.length >= count + before.size);
    const again = plane.seen('default/client').requests.slice(count, count + before.size);
    expect(new Map(again.map((request) => [request.typeUrl, request.versionInfo]))).toEqual(before);
    expect(await get(outbound)).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('the control plane', () => {
  test('dead, costs nobody anything: proxies live on their last config, and what changed meanwhile comes', async () => {
    const { plane, outbound } = await bench.pair('http', 'STRICT', await bench.httpServer());
    await plane.stop();
    for (let call = 0; call < 20; call += 1) expect(await get(outbound)).toMatch(/^HTTP\/1\.1 200/);
    plane.push('default/client', { route: [{ name: '80', virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, directResponse: { status: 418 } }] }] }] });
    expect(await get(outbound)).toMatch(/^HTTP\/1\.1 200/);
    await plane.start();
    await until('the change', async () => (await get(outbound)).startsWith('HTTP/1.1 418'));
  });

  test('waits 100 ms for a burst to end, and one second at most', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const pushes: number[] = [];
      const start = performance.now();
      const schedule = createSchedule(() => { pushes.push(Math.round(performance.now() - start)); });
      schedule.request('soon');
      vi.advanceTimersByTime(99);
      expect(pushes).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(pushes).toEqual([100]);
      for (let at = 0; at < 50; at += 1) { schedule.request('soon'); vi.advanceTimersByTime(50); }
      // A burst that does not end: a push a second after each first request.
      expect(pushes.slice(1, 3)).toEqual([1100, 2100]);
      schedule.stop();
    } finally {
      vi.useRealTimers();
    }
  });

  test('joins a burst of registrations into few pushes', async () => {
    const { core, proxy } = await lab();
    const pods = Array.from({ length: 20 }, (_none, at) => pod(`p${at}`, { ip: `10.0.1.${at + 1}`, labels: { app: 'reviews' }, sidecar: false, ready: true, tokenHash: '' }));
    await core.setPods([pod('a')]);
    await core.setFiles(service('reviews'));
    const client = await proxy('a');
    await until('the first config is there', () => client.names('names') !== undefined);
    client.pushes.length = 0;
    for (let count = 1; count <= pods.length; count += 1) await core.setPods([pod('a'), ...pods.slice(0, count)]);
    await until('all endpoints', () => JSON.stringify(client.resources('endpoint')).includes('10.0.1.20'));
    expect(client.pushes.filter(({ type }) => type === 'endpoint').length).toBeLessThan(10);
  });

  test('a slow client costs only itself, and gets the newest config when it answers', async () => {
    const { core, proxy } = await lab();
    await core.setPods([pod('slow'), pod('quick', { ip: '10.0.0.5' })]);
    await core.setFiles(service('v0'));
    const slow = await proxy('slow', { silent: true });
    const quick = await proxy('quick');
    await until('both have the first config', () => slow.pushes.length === 6 && quick.names('names') !== undefined);
    for (let change = 1; change <= 20; change += 1) await core.setFiles(service(`v${change}`));
    await until('the quick one has the last', () => quick.names('cluster')?.join() === 'v20');
    expect(slow.pushes).toHaveLength(6);
  });

  test('a hostile client costs only itself: silence, garbage, endless lines, floods of connections', async () => {
    const { core, proxy, dial } = await lab({ limits: { firstLineWithin: 300, maxFirstLine: 4096 } });
    await core.setPods([pod('a')]);
    await core.setFiles(service('one'));
    const good = await proxy('a');
    await until('the good one is served', () => good.names('names') !== undefined);
    const attacks = ['', 'GET / HTTP/1.1\r\n\r\n', 'x'.repeat(100_000), '{"hello":{"node":"x","proxy":"default/a","token":"guess"}}\n', '{"request":{}}\n', '\u0000'.repeat(5000)];
    const closed = Array.from({ length: 10 }, () => attacks).flat().map(async (text) => {
      const socket = await dial().catch(() => undefined);
      if (socket === undefined) return;
      socket.on('error', () => undefined).resume();
      if (text !== '') socket.write(text);
      await new Promise((resolve) => { socket.once('close', resolve); });
    });
    await core.setFiles(service('two'));
    await until('the good one is still served', () => good.names('cluster')?.join() === 'two');
    await Promise.all(closed);
    expect(good.closed()).toBe(false);
    expect((await core.status()).proxies).toMatchObject([{ proxy: 'default/a', connected: true }]);
  }, 30_000);

  test.each([
    ['the node of another pod', { node: 'sidecar~10.0.0.9~b.default~default.svc.cluster.local' }], ['another kind of proxy', { type: 'router' as const }], ['the token of another pod', { token: 'token-b' }], ['another pod’s name', { proxy: 'default/b' }],
  ])('a node id must agree with what the connection proves: %s is refused', async (_name, options) => {
    const { core, proxy } = await lab();
    await core.setPods([pod('a'), pod('b', { ip: '10.0.0.9' })]);
    const client = await proxy('a', options);
    await until('it is cut off', () => client.closed());
    expect(client.pushes).toEqual([]);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { LabFailure, type PodRegistration, type SidecarSettings } from '../../../src/contract/index.ts';
import { rememberRegistries } from '../../../src/core/images/index.ts';
import { createLab, findPod, ingress, label, labs, listPods, mendPods, openControl, reconcilePods, removeLab, watchLab, type Reconciled, type ReconcileOptions } from '../../../src/core/pods/index.ts';
import { sidecarNode } from '../../../src/core/pods/sidecar-node.ts';
import { parseManifests, type Resource } from '../../../src/manifest/index.ts';
import { fakeEngine, fakeImage, type FakeContainer, type FakeEngine } from '../../fakes/engine.ts';

const resourcesOf = (text: string): readonly Resource[] => parseManifests([{ path: 'a.yaml', text }]).resources;
const deployment = (name: string, image: string, replicas = 1, extra = ''): string =>
  `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: ${name}}\nspec: {replicas: ${replicas}, selector: {matchLabels: {app: ${name}}}, template: {metadata: {labels: {app: ${name}, version: v1}}, spec: {containers: [{name: app, image: ${image}, ports: [{containerPort: 9080, name: http}]}]${extra}}}}\n---\n`;
const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n---\n';
const gateway = 'apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw}\nspec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}\n---\n';

async function lab(images: 'auto' | 'pull' | 'stand-in' = 'stand-in', consent: readonly string[] = []): Promise<FakeEngine> {
  const engine = fakeEngine();
  engine.imgs.push(fakeImage('nginx'));
  await createLab(engine, { lab: 'demo', image: 'weft/runtime:x', images, consent });
  return engine;
}

const registered: (readonly PodRegistration[])[] = [];
afterEach(() => { registered.length = 0; });
const reconcile = (engine: FakeEngine, text: string, over: Partial<ReconcileOptions> = {}): Promise<Reconciled> =>
  reconcilePods(engine, 'demo', resourcesOf(text), { image: 'weft/runtime:x', registry: rememberRegistries(), register: async (pods) => { registered.push(pods); }, ...over });
const named = (engine: FakeEngine, part: string): FakeContainer => {
  const found = [...engine.all.values()].find(({ spec }) => spec.name.includes(part));
  if (found === undefined) throw new Error(`no container ${part}`);
  return found;
};

describe('making pods', () => {
  it('makes sandbox, sidecar and app, told of before they start', async () => {
    const engine = await lab();
    let whenRegistered = 0;
    const { created, problems } = await reconcile(engine, service + deployment('web', 'nginx'), { register: async (pods) => { registered.push(pods); whenRegistered = engine.all.size; } });
    expect(problems).toEqual([]);
    expect(created).toEqual([expect.stringMatching(/^default\/web-[a-z0-9]{10}-[a-z0-9]{5}$/)]);
    expect(whenRegistered).toBe(1);
    expect(registered).toEqual([[expect.objectContaining({ workload: 'web', namespace: 'default', sidecar: true, kind: 'workload', ports: [{ name: 'http', port: 9080, protocol: 'TCP' }], ip: expect.stringMatching(/\.0?3$/) as string, tokenHash: expect.stringMatching(/^[0-9a-f]{64}$/) as string })]]);
    const sandbox = named(engine, '_sandbox');
    expect(sandbox.spec).toMatchObject({ capabilities: ['NET_ADMIN', 'SETGID', 'SETUID'], network: { aliases: ['web.default', 'web.default.svc', 'web.default.svc.cluster.local'] }, restart: 'always' });
    expect(named(engine, '_istio-proxy').spec).toMatchObject({ user: '1337:1337', capabilities: [], readOnlyRoot: true, network: { container: sandbox.spec.name }, command: ['sidecar'], env: sidecarNode.env });
    expect(named(engine, '_istio-proxy').spec.entrypoint).toEqual(['node', ...sidecarNode.flags, '/weft/main.mjs']);
    const settings = JSON.parse(named(engine, '_istio-proxy').spec.env['WEFT'] ?? '') as SidecarSettings;
    expect(settings).toMatchObject({ type: 'sidecar', namespace: 'default', controlPlane: { port: 15012 }, proxy: created[0] });
    expect([...engine.all.values()].every(({ spec, state }) => state === 'running' && spec.labels[label.lab] === 'demo')).toBe(true);
  });

  it('makes nothing the second time, and has the same names after a fresh start', async () => {
    const engine = await lab();
    const first = await reconcile(engine, deployment('web', 'nginx', 2));
    expect(await reconcile(engine, deployment('web', 'nginx', 2))).toMatchObject({ created: [], removed: [], kept: expect.arrayContaining([...first.created]) as string[] });
    expect((await reconcile(await lab(), deployment('web', 'nginx', 2))).created).toEqual(first.created);
  });

  it('makes proxies anew in another trust domain, and only those', async () => {
    const engine = await lab();
    const bare = deployment('bare', 'nginx').replace('labels: {app: bare, version: v1}}', "labels: {app: bare, version: v1}, annotations: {sidecar.istio.io/inject: 'false'}}");
    const mesh = 'apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: mesh}\nspec: {profile: minimal, meshConfig: {trustDomain: new-td}}\n---\n';
    const first = await reconcile(engine, deployment('web', 'nginx') + bare);
    const second = await reconcile(engine, deployment('web', 'nginx') + bare + mesh);
    expect([second.removed, second.kept]).toEqual([[expect.stringContaining('default/web-')], first.created.filter((name) => name.includes('bare'))]);
    expect((JSON.parse(named(engine, '_istio-proxy').spec.env['WEFT'] ?? '') as SidecarSettings).trustDomain).toBe('new-td');
  });

  it('scales by making and removing only the difference', async () => {
    const engine = await lab();
    await reconcile(engine, deployment('web', 'nginx', 1));
    expect((await reconcile(engine, deployment('web', 'nginx', 3))).created).toHaveLength(2);
    const down = await reconcile(engine, deployment('web', 'nginx', 1));
    expect([down.created.length, down.removed.length]).toEqual([0, 2]);
    expect(registered.at(-1)).toHaveLength(1);
  });

  it('starts the new pods of a changed workload, waits for them, then removes the old', async () => {
    const engine = await lab();
    const { created: [old] } = await reconcile(engine, deployment('web', 'nginx'));
    let during: readonly string[] = [];
    const { created, removed } = await reconcile(engine, deployment('web', 'nginx', 1, ', terminationGracePeriodSeconds: 1'), { ready: async () => { during = (await listPods(engine, 'demo')).map(({ name }) => name); } });
    expect(removed).toEqual([old]);
    expect(during).toHaveLength(2);
    expect((await listPods(engine, 'demo')).map(({ namespace, name }) => `${namespace}/${name}`)).toEqual(created);
  });

  it('makes a bare pod anew only after the old one has gone', async () => {
    const engine = await lab();
    const pod = (grace: number): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: one}\nspec: {terminationGracePeriodSeconds: ${grace}, containers: [{name: app, image: nginx}]}\n`;
    await reconcile(engine, pod(1));
    expect(await reconcile(engine, pod(2))).toMatchObject({ created: ['default/one'], removed: ['default/one'], problems: [] });
  });

  it('makes anew what a killed start has left half-way', async () => {
    const engine = await lab();
    await reconcile(engine, deployment('web', 'nginx'));
    engine.all.delete(named(engine, '_app').id);
    expect(await reconcile(engine, deployment('web', 'nginx'))).toMatchObject({ created: [expect.any(String)], removed: [expect.any(String)] });
  });

  it('runs init containers one after the other before the app', async () => {
    const engine = await lab();
    const order: string[] = [];
    engine.exit = ({ spec }) => { order.push(spec.labels[label.container] ?? '', named(engine, '_app').state); return 0; };
    await reconcile(engine, deployment('web', 'nginx', 1, ', initContainers: [{name: a, image: nginx}, {name: b, image: nginx}]'));
    expect(order).toEqual(['a', 'created', 'b', 'created']);
    expect(named(engine, '_app').state).toBe('running');
  });

  it('leaves pods without a sidecar uncaptured', async () => {
    const engine = await lab();
    const text = 'apiVersion: v1\nkind: Pod\nmetadata: {name: plain, labels: {sidecar.istio.io/inject: "false"}}\nspec: {containers: [{name: app, image: nginx}]}\n';
    await reconcile(engine, text);
    expect(named(engine, '_sandbox').spec).toMatchObject({ capabilities: [], entrypoint: ['sleep'] });
    expect([...engine.all.values()].some(({ spec }) => spec.name.includes('istio-proxy'))).toBe(false);
    expect(registered[0]?.[0]).toMatchObject({ sidecar: false, tokenHash: '', ready: true });
  });

  it('publishes the ingress gateway on the loopback address', async () => {
    const engine = await lab();
    await reconcile(engine, gateway);
    expect((await ingress(engine, 'demo')).map(({ port }) => port)).toEqual([80, 443, 8080, 8443, 15_443, 31_400]);
    expect(await listPods(engine, 'demo')).toMatchObject([{ kind: 'gateway', namespace: 'istio-system', workload: 'istio-ingressgateway', phase: 'Running', ready: true }]);
  });
});

describe('a port that is taken in the meantime', () => {
  const taken = new LabFailure('port-taken', 'Port 8080 on 127.0.0.1 is taken by another program.');
  it('is given up for a free one', async () => {
    const engine = await lab();
    engine.fail('startContainer', taken);
    expect((await reconcile(engine, gateway, { isFree: async () => true })).problems).toEqual([]);
    expect((await ingress(engine, 'demo')).every(({ hostPort }) => hostPort >= 32_768)).toBe(true);
  });
  it('is told when no other will do', async () => {
    const engine = await lab();
    engine.fail('startContainer', taken, 2);
    await expect(reconcile(engine, gateway, { isFree: async () => true })).rejects.toMatchObject({ code: 'port-taken' });
  });
});

describe('what keeps a pod from starting', () => {
  it('is told of that pod, and others start', async () => {
    const engine = await lab('pull');
    engine.fail('pullImage', new LabFailure('image-unavailable', 'no such image'));
    const { problems } = await reconcile(engine, deployment('bad', 'nope') + deployment('web', 'nginx'));
    expect(problems).toMatchObject([{ failure: { code: 'image-unavailable' } }]);
    const pods = await listPods(engine, 'demo');
    expect(pods.find(({ workload }) => workload === 'bad')).toMatchObject({ phase: 'Pending', ready: false, message: expect.stringContaining('no such image') as string, containers: [{ image: 'nope', state: 'waiting' }, {}] });
    expect(pods.find(({ workload }) => workload === 'web')).toMatchObject({ phase: 'Running', ready: true });
    expect(registered.at(-1)?.map(({ workload }) => workload)).toEqual(['web']);
  });
  it('is tried again the next time', async () => {
    const engine = await lab('pull');
    engine.fail('pullImage', new LabFailure('image-unavailable', 'no such image'));
    await reconcile(engine, deployment('bad', 'nope'));
    expect(await reconcile(engine, deployment('bad', 'nope'))).toMatchObject({ problems: [], created: [expect.any(String)] });
  });
  it('ends everything when it is the engine’s', async () => {
    const engine = await lab();
    engine.fail('startContainer', new LabFailure('engine-disk-full', 'no space'));
    await expect(reconcile(engine, deployment('web', 'nginx'))).rejects.toMatchObject({ code: 'engine-disk-full' });
  });
  it('names what the capture said', async () => {
    const engine = await lab();
    engine.print = () => 'iptables-restore: no table nat\n';
    expect((await reconcile(engine, deployment('web', 'nginx'))).problems).toMatchObject([{ failure: { code: 'pod-failed', message: expect.stringContaining('no table nat') as string } }]);
  });
  it('is missing consent, item by item', async () => {
    const text = deployment('web', 'nginx', 1, ', hostNetwork: true');
    const engine = await lab();
    await expect(reconcile(engine, text)).rejects.toMatchObject({ code: 'consent-required', message: expect.stringContaining('hostNetwork') as string });
    expect(engine.all.size).toBe(1);
    await expect(reconcile(engine, text, { consent: ['Deployment default/web: hostNetwork'] })).resolves.toMatchObject({ problems: [] });
    await expect(reconcile(await lab('stand-in', ['Deployment default/web: hostNetwork']), text)).resolves.toMatchObject({ problems: [] });
  });
});

describe('images', () => {
  const bookinfo = 'docker.io/istio/examples-bookinfo-details-v1:1.20';
  it.each([
    ['stand-in', false, 'bookinfo-details-v1', 0],
    ['auto', false, 'bookinfo-details-v1', 1],
    ['auto', true, undefined, 1],
    ['pull', true, undefined, 1],
  ] as const)('with %s and a registry that answers: %s', async (mode, answers, standIn, pulls) => {
    const engine = await lab(mode);
    if (!answers) engine.fail('pullImage', new LabFailure('image-unavailable', 'lookup registry: no such host'), 9);
    await reconcile(engine, deployment('details', bookinfo));
    expect((await listPods(engine, 'demo'))[0]?.containers[0]?.standIn).toBe(standIn);
    expect(engine.calls.filter((call) => call === 'pullImage')).toHaveLength(pulls);
    // A stand-in that runs already stays, and no registry is asked again.
    await reconcile(engine, deployment('details', bookinfo, 2));
    expect(engine.calls.filter((call) => call === 'pullImage')).toHaveLength(pulls);
  });
});

describe('a lab', () => {
  it('is found by its labels alone, and removed without a trace', async () => {
    const engine = await lab();
    await reconcile(engine, deployment('web', 'nginx', 1, ', volumes: [{name: v, emptyDir: {}}]').replace('ports:', 'volumeMounts: [{name: v, mountPath: /v}], ports:'));
    expect(await labs(engine)).toEqual([{ name: 'demo', phase: 'running', pods: 1, ready: 1 }]);
    const control = await openControl(engine, 'demo');
    expect(control).toMatchObject({ host: '127.0.0.1', root: expect.stringContaining('BEGIN CERTIFICATE') as string });
    expect(engine.vols).toHaveLength(2);
    await removeLab(engine, 'demo');
    expect([engine.all.size, engine.vols.length, engine.nets.map(({ name }) => name)]).toEqual([0, 0, ['bridge']]);
    await removeLab(engine, 'demo');
    await expect(openControl(engine, 'demo')).rejects.toMatchObject({ code: 'lab-not-found' });
  });
  it('that a killed start has left shows as failed', async () => {
    const engine = fakeEngine();
    await engine.createVolume({ name: 'x', labels: { [label.lab]: 'half' } });
    expect(await labs(engine)).toEqual([{ name: 'half', phase: 'failed', pods: 0, ready: 0 }]);
  });
  it('is made once', async () => {
    await expect(createLab(await lab(), { lab: 'demo', image: 'x', images: 'auto', consent: [] })).rejects.toMatchObject({ code: 'lab-exists' });
  });
  it.each(['', '../x', 'A', 'x'.repeat(41), 'a_b'])('refuses the name “%s”', async (name) => {
    await expect(createLab(fakeEngine(), { lab: name, image: 'x', images: 'auto', consent: [] })).rejects.toMatchObject({ code: 'usage' });
  });
  it('finds pods by name, with or without namespace, and by workload', async () => {
    const engine = await lab();
    const { created: [name = ''] } = await reconcile(engine, deployment('web', 'nginx'));
    for (const spelling of [name, name.slice('default/'.length), 'web', 'default/web']) expect((await findPod(engine, 'demo', spelling)).name).toBe(name);
    await expect(findPod(engine, 'demo', 'nope')).rejects.toMatchObject({ code: 'pod-not-found', help: expect.stringContaining(name) as string });
  });
});

describe('after a crash', () => {
  it('of the engine, everything runs again with the same addresses', async () => {
    const engine = await lab();
    await reconcile(engine, deployment('web', 'nginx'));
    const ip = (await listPods(engine, 'demo'))[0]?.ip;
    for (const container of engine.all.values()) { container.state = 'exited'; container.exitCode = 137; }
    expect((await listPods(engine, 'demo'))[0]).toMatchObject({ phase: 'Pending', ready: false });
    await mendPods(engine, 'demo');
    expect([...engine.all.values()].map(({ state }) => state)).toEqual(['running', 'running', 'running', 'running']);
    expect((await listPods(engine, 'demo'))[0]).toMatchObject({ phase: 'Running', ready: true, ip });
  });
  it('of a sandbox alone, its members follow into the new network', async () => {
    const engine = await lab();
    await reconcile(engine, deployment('web', 'nginx'));
    await engine.killContainer(named(engine, '_sandbox').id, 'KILL');
    await mendPods(engine, 'demo');
    const sandbox = named(engine, '_sandbox');
    expect(named(engine, '_app').started).toBeGreaterThan(sandbox.started);
    expect(named(engine, '_istio-proxy').started).toBeGreaterThan(sandbox.started);
  });
  it('mends nothing that is well', async () => {
    const engine = await lab();
    await reconcile(engine, deployment('web', 'nginx'));
    const before = engine.calls.filter((call) => call === 'startContainer').length;
    await mendPods(engine, 'demo');
    expect(engine.calls.filter((call) => call === 'startContainer')).toHaveLength(before);
  });
  it('the watch connects again and mends', async () => {
    const engine = await lab();
    await reconcile(engine, deployment('web', 'nginx'));
    let changes = 0;
    const stop = watchLab(engine, 'demo', () => { changes++; });
    await expect.poll(() => engine.calls.includes('events')).toBe(true);
    for (const container of engine.all.values()) { container.state = 'exited'; container.exitCode = 137; }
    engine.fail('events', new LabFailure('engine-gone', 'gone'), 2);
    engine.drop();
    await expect.poll(() => [...engine.all.values()].every(({ state }) => state === 'running'), { timeout: 5000 }).toBe(true);
    expect(changes).toBeGreaterThan(1);
    stop();
  });
});

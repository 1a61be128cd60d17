import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectEngine, findEngine, hostProbes, type Engine } from '../../src/core/docker/index.ts';
import { ensureImage, imageLabel, rememberRegistries } from '../../src/core/images/index.ts';
import { createLab, ingress, label, labs, listPods, mendPods, podExec, podLogs, reconcilePods, removeLab, type PodStream, type Reconciled } from '../../src/core/pods/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';

const { engine: found, tried } = await findEngine(hostProbes(process.env));
const lab = 'docker-pods-test';

/** Roles that say what they were told: this is about containers, not about what runs in them. */
const bundle = `
import http from 'node:http'; import net from 'node:net'; import { writeFileSync } from 'node:fs'; import { execFileSync } from 'node:child_process';
const role = process.argv[2]; const weft = JSON.parse(process.env.WEFT ?? '{}');
process.on('SIGTERM', () => process.exit(0));
const koffi = (await import('koffi')).default;
console.log(role, process.getuid(), koffi.version);
if (role === 'init') { execFileSync('iptables-restore', ['--noflush'], { input: '*nat\\n:WEFT_TEST - [0:0]\\n-A PREROUTING -p tcp --dport 7777 -j REDIRECT --to-ports 9080\\nCOMMIT\\n' }); console.log(String(execFileSync('iptables-save', ['-t', 'nat']))); }
if (role === 'control-plane') { writeFileSync(weft.stateDir + '/state', weft.lab); net.createServer((socket) => socket.end('control')).listen(15012); }
if (role === 'sidecar') { net.createServer((socket) => socket.end('sidecar')).listen(15006); http.createServer((request, response) => response.end('gateway')).listen(80); }
if (role === 'stand-in') http.createServer((request, response) => response.end(JSON.stringify({ name: weft.name, uid: process.getuid() }))).listen(9080);
`;

const manifests = `
apiVersion: v1
kind: Service
metadata: {name: details}
spec: {selector: {app: details}, ports: [{port: 9080, name: http}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red, tool.conf: "a = 1"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: details-v1}
spec:
  selector: {matchLabels: {app: details}}
  template:
    metadata: {labels: {app: details, version: v1}}
    spec:
      securityContext: {fsGroup: 2000}
      volumes: [{name: conf, configMap: {name: settings}}, {name: shared, emptyDir: {}}, {name: fast, emptyDir: {medium: Memory}}]
      initContainers:
      - {name: prepare, image: curlimages/curl, command: [sh, -c, "echo prepared > /shared/note"], volumeMounts: [{name: shared, mountPath: /shared}]}
      containers:
      - {name: details, image: "docker.io/istio/examples-bookinfo-details-v1:1.20", ports: [{containerPort: 9080}], volumeMounts: [{name: shared, mountPath: /shared}, {name: fast, mountPath: /fast}]}
      - name: tools
        image: curlimages/curl
        command: [sleep, infinity]
        env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}]
        volumeMounts: [{name: conf, mountPath: /conf}, {name: shared, mountPath: /shared}, {name: conf, mountPath: /etc/tool.conf, subPath: tool.conf}]
---
apiVersion: v1
kind: Pod
metadata: {name: plain, labels: {sidecar.istio.io/inject: "false"}}
spec: {containers: [{name: curl, image: curlimages/curl, command: [sleep, infinity]}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]}
`;

/** Everything on the engine that is not of another lab: what must be the same before and after. */
async function inventory(engine: Engine): Promise<readonly string[]> {
  const mine = ({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean => (labels[label.lab] ?? lab) === lab && labels[imageLabel] === undefined;
  const [containers, volumes, networks, images] = await Promise.all([engine.containers({}), engine.volumes({}), engine.networks(), engine.images({})]);
  return [...containers.filter(mine).map(({ name }) => `container ${name}`), ...volumes.filter(mine).map(({ name }) => `volume ${name}`), ...networks.filter(mine).map(({ name }) => `network ${name}`), ...images.filter(mine).map(({ id }) => `image ${id}`)].sort();
}

async function text({ output, exitCode }: PodStream): Promise<{ text: string; code: number | undefined }> {
  let all = '';
  for await (const chunk of output) all += String(chunk);
  return { text: all, code: await exitCode?.() };
}

describe.skipIf(found === undefined)(`pods on a real engine${found === undefined ? ` (skipped, no engine: ${tried.join('; ')})` : ''}`, () => {
  const engine = found as Engine;
  const registry = rememberRegistries();
  let folder = '';
  let image = '';
  let before: readonly string[] = [];
  const reconcile = (files: string): Promise<Reconciled> => reconcilePods(engine, lab, parseManifests([{ path: 'a.yaml', text: files }]).resources, { image, registry, register: async () => undefined });
  const run = async (pod: string, container: string, ...command: string[]): Promise<string> => (await text(await podExec(engine, { lab, pod, container }, { command, tty: false }))).text.trim();

  beforeAll(async () => {
    await removeLab(engine, lab);
    folder = await mkdtemp(join(tmpdir(), 'weft-pods-'));
    await writeFile(join(folder, 'main.mjs'), bundle);
    const source = { main: join(folder, 'main.mjs'), nodeModules: [join(import.meta.dirname, '../../node_modules')] };
    const made = await ensureImage(engine, source, { registry });
    console.log(`image: ${made.made} in ${made.took} ms`);
    expect(made.took).toBeLessThan(60_000);
    expect(await ensureImage(engine, source, { registry })).toMatchObject({ reference: made.reference, made: 'nothing' });
    image = made.reference;
    before = await inventory(engine);
    await createLab(engine, { lab, image, images: 'stand-in', consent: [] });
    const started = performance.now();
    expect((await reconcile(manifests)).problems).toEqual([]);
    console.log(`three pods in ${Math.round(performance.now() - started)} ms`);
  }, 180_000);

  afterAll(async () => {
    await removeLab(engine, lab);
    await engine.removeImage(image);
    await rm(folder, { recursive: true });
    expect((await inventory(engine)).filter((item) => !before.includes(item))).toEqual([]);
    expect((await labs(engine)).some(({ name }) => name === lab)).toBe(false);
  });

  it('run with all their containers', async () => {
    await expect.poll(async () => (await listPods(engine, lab)).map(({ workload, phase, ready }) => [workload, phase, ready]).sort()).toEqual([['details-v1', 'Running', true], ['istio-ingressgateway', 'Running', true], ['plain', 'Running', true]]);
    const details = (await listPods(engine, lab)).find(({ workload }) => workload === 'details-v1');
    expect(details?.containers.map(({ name, standIn, state }) => [name, standIn, state])).toEqual([['details', 'bookinfo-details-v1', 'running'], ['tools', 'curl', 'running'], ['istio-proxy', undefined, 'running']]);
    expect((await listPods(engine, lab)).find(({ workload }) => workload === 'plain')).toMatchObject({ sidecar: false });
  });

  it('share a network, and have Kubernetes’ names in DNS without a sidecar', async () => {
    await expect.poll(() => run('details-v1', 'tools', 'curl', '-s', 'http://127.0.0.1:9080/')).toBe('{"name":"bookinfo-details-v1","uid":1000}');
    for (const host of ['details', 'details.default', 'details.default.svc.cluster.local']) expect(await run('plain', 'curl', 'curl', '-s', `http://${host}:9080/`)).toContain('bookinfo-details-v1');
  });

  it('have their capture rules, and nobody who could change them', async () => {
    // 7777 is redirected by what the init role wrote into the pod's network.
    expect(await run('plain', 'curl', 'curl', '-s', 'http://details:7777/')).toContain('bookinfo-details-v1');
    const [sandbox] = await engine.containers({ [label.lab]: lab, [label.role]: 'sandbox', [label.pod]: `default/${(await listPods(engine, lab)).find(({ workload }) => workload === 'details-v1')?.name ?? ''}` });
    const status = await text(await engine.exec(sandbox?.id ?? '', { command: ['cat', '/proc/1/status'], tty: false, user: '65534' }).then((session) => ({ output: session.output, close: () => { session.close(); } })));
    expect(status.text).toMatch(/Uid:\s+65534\s+65534/);
    expect(status.text).toMatch(/CapEff:\s+0+\n/);
    expect(status.text).toMatch(/NoNewPrivs:\s+1/);
    expect(await run('details-v1', 'istio-proxy', 'id', '-u')).toBe('1337');
    expect(await run('details-v1', 'istio-proxy', 'sh', '-c', 'grep -h CapEff /proc/1/status; touch /x 2>&1 | grep -o "Read-only"')).toMatch(/CapEff:\s+0{16}\s+Read-only/);
  });

  it('see their volumes and environment', async () => {
    expect(await run('details-v1', 'tools', 'sh', '-c', 'cat /shared/note /conf/colour; echo; cat /etc/tool.conf; echo; echo $COLOUR; touch /conf/x 2>&1 | grep -o "Read-only"; stat -c %g:%a /shared')).toBe('prepared\nred\na = 1\nred\nRead-only\n2000:2777');
    const name = (await listPods(engine, lab)).find(({ workload }) => workload === 'details-v1')?.name ?? '';
    expect(await run('details-v1', 'tools', 'sh', '-c', 'echo $POD; hostname')).toBe(`${name}\n${name}`);
    expect(await run('details-v1', 'details', 'sh', '-c', 'touch /fast/x && grep " /fast " /proc/mounts | cut -d" " -f3')).toBe('tmpfs');
  });

  it('can be reached into: a terminal, its size, an exit code, the log', async () => {
    const shell = await podExec(engine, { lab, pod: 'details-v1', container: 'tools' }, { command: ['sh'], tty: true, columns: 101, rows: 33 });
    shell.input?.write('stty size; exit 7\n');
    const { text: output, code } = await text(shell);
    expect(output).toContain('33 101');
    expect(code).toBe(7);
    expect((await text(await podLogs(engine, { lab, pod: 'details-v1' }, { follow: false }))).text).toMatch(/^stand-in 1000/);
  });

  it('let the gateway in on the loopback address', async () => {
    const [http] = await ingress(engine, lab);
    expect(http?.port).toBe(80);
    await expect.poll(async () => await (await fetch(`http://127.0.0.1:${http?.hostPort}/`)).text()).toBe('gateway');
  });

  it('come back after a crash of all of them, with their addresses', async () => {
    const ips = async (): Promise<readonly string[]> => (await listPods(engine, lab)).map(({ workload, ip }) => `${workload} ${ip}`).sort();
    const addresses = await ips();
    for (const { id } of await engine.containers({ [label.lab]: lab, [label.pod]: '' })) await engine.killContainer(id, 'KILL');
    await mendPods(engine, lab);
    await expect.poll(async () => (await listPods(engine, lab)).every(({ ready }) => ready), { timeout: 20_000 }).toBe(true);
    expect(await ips()).toEqual(addresses);
    await expect.poll(() => run('plain', 'curl', 'curl', '-s', 'http://details:7777/'), { timeout: 10_000 }).toContain('bookinfo-details-v1');
  });

  it('that are not asked for any more go, the others stay', async () => {
    const pods = (await listPods(engine, lab)).map(({ name }) => name);
    const { removed, created } = await reconcile(manifests.replace(/---\napiVersion: v1\nkind: Pod[^]*?---/, '---'));
    expect([removed, created]).toEqual([['default/plain'], []]);
    expect((await listPods(engine, lab)).map(({ name }) => name).sort()).toEqual(pods.filter((name) => name !== 'plain').sort());
  });
});

describe.skipIf(found === undefined)('a real engine’s refusals', () => {
  const engine = found as Engine;
  const labels = { [label.lab]: `${lab}-refusals` };
  const confined = { labels, env: {}, network: 'none', capabilities: [], noNewPrivileges: true, memoryBytes: 64 * 2 ** 20, pids: 16, restart: 'no' } as const;
  afterAll(() => removeLab(engine, `${lab}-refusals`));

  it('of an image that is not there', async () => {
    await expect(engine.createContainer({ ...confined, name: 'weft-docker-pods-none', image: 'weft.invalid/none:1' })).rejects.toMatchObject({ code: 'image-unavailable' });
    await expect(engine.pullImage('weft.invalid/none:1')).rejects.toMatchObject({ code: 'image-unavailable', help: expect.any(String) as string });
  });

  it('of a port that is taken', async () => {
    const [image] = await engine.images({ [imageLabel]: 'runtime' });
    const server = createServer();
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const id = await engine.createContainer({ ...confined, network: { name: 'bridge', aliases: [] }, name: 'weft-docker-pods-port', image: image?.id ?? '', entrypoint: ['sleep'], command: ['5'], publish: [{ container: 80, protocol: 'tcp', host: port }] });
      await expect(engine.startContainer(id)).rejects.toMatchObject({ code: 'port-taken', message: expect.stringContaining(String(port)) as string });
    } finally {
      server.close();
    }
  });

  it('to be there', async () => {
    const gone = await connectEngine({ source: 'test', address: { socket: join(tmpdir(), 'nobody-listens.sock') } });
    await expect(gone.containers({})).rejects.toMatchObject({ code: 'engine-gone' });
  });
});

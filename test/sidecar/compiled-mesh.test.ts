import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PodRegistration, SidecarSettings } from '../../src/contract/index.ts';
import { istioCompiler } from '../../src/controlplane/istio-compiler.ts';
import { createSystemClock } from '../../src/sidecar/config/system-clock.ts';
import type { Address } from '../../src/sidecar/link/index.ts';
import { startSidecar, type Sidecar } from '../../src/sidecar/main.ts';
import { hash, startFixture, type Fixture } from '../controlplane/fixture.ts';
import { until } from '../fakes/wait.ts';

const service = (name: string): string => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: default}
spec: {selector: {app: ${name}}, ports: [{name: http, port: 9080}]}
`;
const rule = (version: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: default}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews, subset: ${version}}}]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: default}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
`;
const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
`;
const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec: {selector: {istio: ingressgateway}, servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ['*']}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: default}
spec: {hosts: ['*'], gateways: [edge], http: [{match: [{uri: {prefix: /reviews}}], route: [{destination: {host: reviews, port: {number: 9080}}}]}]}
`;

/** Pods have loopback addresses; their applications stand at another one, where capture would have led the sidecar. */
const podIp = (index: number): string => `127.77.0.${index}`;
const appIp = (index: number): string => `127.78.0.${index}`;

interface Running {
  readonly name: string;
  readonly sidecar: Sidecar;
  /** Where its application's next outbound connections were meant to go. */
  target: Address;
}

describe.skipIf(process.platform !== 'linux')('sidecars on the real control plane and compile (needs all of 127/8)', () => {
  const closing: (() => Promise<void> | void)[] = [];
  const running = new Map<string, Running>();
  let lab: Fixture;
  let vip = '';

  function registration(name: string, app: string, version: string, index: number): PodRegistration {
    const router = app === 'istio-ingressgateway';
    return {
      name, namespace: 'default', ip: podIp(index), labels: { app, version, ...(router ? { istio: 'ingressgateway' } : {}) }, annotations: {}, serviceAccount: app, workload: name,
      ports: [{ port: router ? 8080 : 9080, protocol: 'TCP' }], sidecar: !router, ready: false, kind: router ? 'gateway' : 'workload', tokenHash: hash(`token-${name}`),
    };
  }

  async function startPod({ name, labels, ip, kind, serviceAccount }: PodRegistration, index: number): Promise<void> {
    const app = createHttp((request, response) => { response.end(`${name} ${request.url} ${request.headers['x-forwarded-client-cert'] ?? ''}`); }).listen(9080, appIp(index));
    await once(app, 'listening');
    closing.push(() => { app.closeAllConnections(); app.close(); });
    const type = kind === 'gateway' ? 'router' : 'sidecar';
    const settings: SidecarSettings = {
      node: `${type}~${ip}~${name}.default~default.svc.cluster.local`, proxy: `default/${name}`, type, ip, namespace: 'default', serviceAccount, workload: name, labels, trustDomain: 'cluster.local', domainSuffix: 'cluster.local',
      controlPlane: { host: '127.0.0.1', port: lab.control.port }, token: `token-${name}`, roots: lab.root.certificate, probes: [], recordsPerSecond: 1000,
    };
    const pod: { target: Address } = { target: { ip: '', port: 0 } };
    const sidecar = await startSidecar(settings, {
      clock: createSystemClock(), random: Math.random, resolve: () => Promise.resolve([]), dns: { ip: '127.0.0.1', port: 9 }, probeSource: undefined, output: () => undefined,
      originalDestination: (socket) => (socket.localPort === 9080 ? { ip: appIp(index), port: 9080 } : pod.target),
      bind: ({ port }) => (port === 15006 ? { host: ip, port: 9080 } : { host: ip, port: 0 }),
    });
    closing.push(() => sidecar.stop(100));
    running.set(name, Object.assign(pod, { name, sidecar }));
  }

  const get = (host: string, port: number, path: string): Promise<string> => new Promise((resolve) => {
    const socket = connect(port, host);
    let said = '';
    socket.on('data', (chunk: Buffer) => { said += chunk.toString('latin1'); });
    socket.on('error', (error: NodeJS.ErrnoException) => { said += `[${error.code}]`; });
    socket.on('close', () => { resolve(said); });
    socket.write(`GET ${path} HTTP/1.1\r\nhost: reviews:9080\r\nconnection: close\r\n\r\n`);
  });
  const call = async (from: string, target: Address, path: string): Promise<string> => {
    const pod = running.get(from);
    if (pod === undefined) throw new Error(`There is no pod ${from}.`);
    pod.target = target;
    const found = registration(from, '', '', 0);
    return await get(podIp([...running.keys()].indexOf(found.name) + 2), pod.sidecar.port(15001) ?? 0, path);
  };
  const apply = async (...texts: string[]): Promise<void> => {
    const result = await lab.core.setFiles([{ path: 'all.yaml', text: ['apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n', service('reviews'), service('productpage'), ...texts].join('---\n') }]);
    expect(result.diagnostics.filter(({ level }) => level === 'error')).toEqual([]);
    await until('all proxies to have it', async () => {
      const status = await lab.core.status();
      return status.proxies.length === running.size && status.proxies.every(({ acknowledged }) => Number(acknowledged) >= Number(result.version));
    });
  };

  beforeAll(async () => {
    lab = await startFixture({ compiler: istioCompiler });
    closing.push(() => lab.close());
    const pods = [registration('productpage-v1', 'productpage', 'v1', 2), registration('reviews-v1', 'reviews', 'v1', 3), registration('reviews-v2', 'reviews', 'v2', 4), registration('gateway', 'istio-ingressgateway', 'v1', 5)];
    await lab.core.setNetwork({ virtualIpCidr: '127.79.0.0/17' });
    await lab.core.setPods(pods);
    for (const [at, one] of pods.entries()) await startPod(one, at + 2);
    await apply(rule('v1'), gateway);
    vip = (await lab.core.virtualIps())['default/reviews'] ?? '';
    await until('the sidecars to be ready', () => [...running.values()].every(({ sidecar }) => sidecar.ready));
    await until('the endpoints', async () => (await call('productpage-v1', { ip: vip, port: 9080 }, '/x')).includes('200 OK'));
  }, 60_000);
  afterAll(async () => { for (const close of closing.reverse()) await close(); });

  test('a service is called by its virtual address over mTLS, by the rule that is in force', async () => {
    expect(await call('productpage-v1', { ip: vip, port: 9080 }, '/one')).toMatch(/200 OK[^]*reviews-v1 \/one .*URI=spiffe:\/\/cluster\.local\/ns\/default\/sa\/productpage/);
    await apply(rule('v2'), gateway);
    expect(await call('productpage-v1', { ip: vip, port: 9080 }, '/two')).toContain('reviews-v2 /two');
  }, 20_000);

  test('the gateway takes calls from outside', async () => {
    const port = await until('the gateway’s port', () => running.get('gateway')?.sidecar.port(8080));
    expect(await get(podIp(5), port, '/reviews/1')).toMatch(/200 OK[^]*reviews-v[12] \/reviews\/1/);
    expect(await get(podIp(5), port, '/nothing')).toContain('404');
  });

  test('STRICT refuses plaintext from the next connection on, PERMISSIVE takes it', async () => {
    expect(await get(podIp(3), 9080, '/plain')).toContain('reviews-v1 /plain');
    await apply(rule('v1'), gateway, strict);
    expect(await get(podIp(3), 9080, '/plain')).not.toContain('200 OK');
    expect(await call('productpage-v1', { ip: vip, port: 9080 }, '/mtls')).toContain('reviews-v1 /mtls');
  }, 20_000);

  test('records of both sides reach the control plane, with the peers', async () => {
    const records = await until('both records', async () => {
      const found = (await lab.core.records({})).filter(({ path }) => path === '/mtls');
      return found.length === 2 && found;
    });
    expect(records.find(({ reporter }) => reporter === 'source')).toMatchObject({ mtls: true, service: 'reviews.default.svc.cluster.local', destination: { workload: 'reviews-v1' } });
    expect(records.find(({ reporter }) => reporter === 'destination')).toMatchObject({ mtls: true, source: { workload: 'productpage-v1' } });
  });

  test('restarting the control plane loses no call', async () => {
    const answers: string[] = [];
    let over = false;
    const calls = (async () => { while (!over) answers.push((await call('productpage-v1', { ip: vip, port: 9080 }, '/again')).slice(9, 15)); })();
    await lab.restart();
    await until('all to be back', () => answers.length > 20);
    over = true;
    await calls;
    expect(new Set(answers)).toEqual(new Set(['200 OK']));
  }, 20_000);
});

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PodRegistration } from '../../src/contract/index.ts';
import { incrementalCompiler, istioCompiler } from '../../src/controlplane/istio-compiler.ts';
import { hash, startFixture, until, type Fixture, type ProxyClient } from './fixture.ts';

const peer = join(process.env['PEER_DIR'] ?? join(import.meta.dirname, '../../../shared/peer'), 'istio-samples');
const file = (path: string): { path: string; text: string } => ({ path, text: readFileSync(join(peer, path), 'utf8') });

function registration(app: string, version: string, index: number, kind: PodRegistration['kind'] = 'workload'): PodRegistration {
  const gateway = kind === 'gateway';
  return {
    name: `${app}-${version}`, namespace: gateway ? 'istio-system' : 'default', ip: `10.1.0.${index}`, labels: gateway ? { app, istio: 'ingressgateway' } : { app, version }, annotations: {},
    serviceAccount: gateway ? 'istio-ingressgateway' : `bookinfo-${app}`, workload: `${app}-${version}`, ports: [{ port: gateway ? 8080 : 9080, protocol: 'TCP' }], sidecar: !gateway, ready: false, kind, tokenHash: hash(`token-${app}-${version}`),
  };
}

describe('the reader', () => {
  const service = (name: string, port: number): string => `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}, name: http}]}\n`;

  it('gives what reading everything anew gives, also where a resource is written twice', () => {
    const { read } = incrementalCompiler();
    const plain = (result: ReturnType<typeof read>): unknown => ({ names: result.resources.map(({ metadata, body, origin }) => [metadata.namespace, metadata.name, body, origin]), diagnostics: result.diagnostics.map((one) => JSON.stringify(one)).sort() });
    const a = { path: 'a', text: service('a', 80) };
    const b = { path: 'b', text: `${service('b', 80)}---\nnonsense: [` };
    for (const files of [[a], [a, b], [b, a], [a, { path: 'c', text: service('a', 81) }], [a, { ...a, path: 'd', namespace: 'other' }], [{ ...a, namespace: 'other' }], [a, b]]) {
      expect(plain(read(files))).toEqual(plain(istioCompiler.read(files)));
    }
  });
});

describe.skipIf(!existsSync(peer))('Bookinfo through the real compile (skipped without Istio’s samples)', () => {
  const pods = [['productpage', 'v1'], ['details', 'v1'], ['reviews', 'v1'], ['reviews', 'v2'], ['reviews', 'v3'], ['ratings', 'v1']].map(([app = '', version = ''], index) => registration(app, version, index + 2));
  const all = [...pods, registration('istio-ingressgateway', 'latest', 20, 'gateway')];
  const proxies: ProxyClient[] = [];
  let lab: Fixture;

  const inSync = async (version: string): Promise<void> => until(`version ${version} is everywhere`, async () => {
    const status = await lab.core.status();
    return status.proxies.length === all.length && status.proxies.every(({ acknowledged }) => Number(acknowledged) >= Number(version));
  });

  beforeAll(async () => {
    lab = await startFixture({ compiler: incrementalCompiler() });
    await lab.core.setNetwork({ virtualIpCidr: '10.1.128.0/17' });
    await lab.core.setPods(all);
    const result = await lab.core.setFiles([file('bookinfo/platform/kube/bookinfo.yaml'), file('bookinfo/networking/bookinfo-gateway.yaml'), file('bookinfo/networking/destination-rule-all.yaml')]);
    expect(result.diagnostics.filter(({ level }) => level === 'error')).toEqual([]);
    expect(result.applied).toBe(true);
    for (const pod of all) {
      const type = pod.kind === 'gateway' ? 'router' : 'sidecar';
      const proxy = await lab.proxy(pod.name, { subscribe: true, type, node: `${type}~${pod.ip}~${pod.name}.${pod.namespace}~${pod.namespace}.svc.cluster.local`, proxy: `${pod.namespace}/${pod.name}` });
      proxy.say({ readiness: { ready: true } });
      proxies.push(proxy);
    }
    await inSync(result.version);
  }, 30_000);
  afterAll(() => lab.close());

  it('gives sidecars Istio’s clusters, routes and names', () => {
    const [productpage] = proxies;
    expect(productpage?.names('cluster')).toEqual(expect.arrayContaining(['outbound|9080||reviews.default.svc.cluster.local', 'outbound|9080|v2|reviews.default.svc.cluster.local', 'inbound|9080||']));
    expect(productpage?.names('listener')).toEqual(expect.arrayContaining(['virtualOutbound', 'virtualInbound']));
    expect(JSON.stringify(productpage?.resources('names'))).toContain('reviews.default.svc.cluster.local');
  });

  it('has all endpoints once the pods are ready', async () => {
    await until('the three reviews are endpoints', () => {
      const assignment = proxies[0]?.resources('endpoint').find((one) => (one as { clusterName?: string }).clusterName === 'outbound|9080||reviews.default.svc.cluster.local');
      const text = JSON.stringify(assignment);
      return ['10.1.0.4', '10.1.0.5', '10.1.0.6'].every((ip) => text.includes(ip));
    });
  });

  it('gives the gateway its routes', () => {
    const gateway = proxies.at(-1);
    expect(JSON.stringify(gateway?.resources('route'))).toContain('/productpage');
  });

  it('has rule after rule acknowledged everywhere within 500 ms, without taking a cluster away that routes still name', async () => {
    const base = await lab.core.files();
    const took: number[] = [];
    for (const rule of ['virtual-service-all-v1', 'virtual-service-reviews-test-v2', 'virtual-service-reviews-50-v3', 'virtual-service-ratings-test-delay', 'virtual-service-reviews-v3']) {
      const before = performance.now();
      const { version, applied } = await lab.core.setFiles([...base, file(`bookinfo/networking/${rule}.yaml`)]);
      expect(applied).toBe(true);
      await inSync(version);
      took.push(Math.round(performance.now() - before));
    }
    console.log(`rule change to all of ${all.length} proxies: ${took.join(', ')} ms`);
    // The median: the machine of the test may be busy with others.
    expect([...took].sort((a, b) => a - b)[2]).toBeLessThan(500);
  });

  it('reads the mesh config of the ConfigMap istio', async () => {
    const base = await lab.core.files();
    const mesh = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n    outboundTrafficPolicy: {mode: REGISTRY_ONLY}\n    trustDomain: other\n';
    const { version } = await lab.core.setFiles([...base, { path: 'mesh.yaml', text: mesh }]);
    await inSync(version);
    expect(JSON.stringify(proxies[0]?.resources('listener'))).toContain('BlackHoleCluster');
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noEngine, startLab, until, type TestLab } from './support/index.ts';

const httpbin = (version: string): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: httpbin-${version}
spec:
  selector:
    matchLabels: { app: httpbin, version: ${version} }
  template:
    metadata:
      labels: { app: httpbin, version: ${version} }
    spec:
      containers:
      - image: docker.io/kennethreitz/httpbin
        name: httpbin
        ports:
        - containerPort: 80
`;
const base = `${httpbin('v1')}---\n${httpbin('v2')}---
apiVersion: v1
kind: Service
metadata:
  name: httpbin
  labels: { app: httpbin }
spec:
  ports:
  - name: http
    port: 8000
    targetPort: 80
  selector: { app: httpbin }
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: curl
spec:
  selector:
    matchLabels: { app: curl }
  template:
    metadata:
      labels: { app: curl }
    spec:
      containers:
      - name: curl
        image: curlimages/curl
        command: ["/bin/sleep", "3650d"]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: httpbin
spec:
  host: httpbin
  subsets:
  - { name: v1, labels: { version: v1 } }
  - { name: v2, labels: { version: v2 } }
`;
const route = (mirror: string): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: httpbin
spec:
  hosts: [httpbin]
  http:
  - route:
    - destination: { host: httpbin, subset: v1 }
      weight: 100
${mirror}`;
const mirrored = '    mirror: { host: httpbin, subset: v2 }\n    mirrorPercentage: { value: 100.0 }\n';

describe.skipIf(noEngine !== undefined)(`Istio’s task page on mirroring${noEngine === undefined ? '' : ` (skipped: ${noEngine})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab('test-mirror', [{ path: 'httpbin.yaml', text: base }, { path: 'route.yaml', text: route('') }]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  const at = async (version: string, path: string): Promise<number> => (await lab.records({ text: path })).filter((record) => record.reporter === 'destination' && record.destination.version === version && record.path === path).length;

  it('sends everything to v1 and nothing to v2', async () => {
    for (let i = 0; i < 5; i += 1) expect((await lab.exec('curl', 'curl', '-sS', 'http://httpbin:8000/headers?before')).output).toContain('Host');
    await until('five at v1', async () => await at('v1', '/headers?before') === 5);
    expect(await at('v2', '/headers?before')).toBe(0);
  });

  it('sends a copy of each request to v2, marked as a shadow, and answers from v1', async () => {
    await lab.apply([{ path: 'route.yaml', text: route(mirrored) }]);
    for (let i = 0; i < 5; i += 1) expect((await lab.exec('curl', 'curl', '-sS', 'http://httpbin:8000/headers?mirrored')).output).toContain('Host');
    await until('five at v1 and their shadows at v2', async () => await at('v1', '/headers?mirrored') === 5 && await at('v2', '/headers?mirrored') === 5);
    const shadows = (await lab.records({ text: '/headers?mirrored' })).filter((record) => record.reporter === 'destination' && record.destination.version === 'v2');
    expect(shadows.every((record) => /^httpbin-shadow(:8000)?$|^httpbin:8000-shadow$/.test(record.authority))).toBe(true);
  });
});

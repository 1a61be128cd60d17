import { describe, expect, it } from 'vitest';
import { compile, compileFor, defaultMeshConfig, prepareSnapshot, type MeshSnapshot, type PodInfo, type ProxyNode } from '../../src/compile/index.ts';
import { createOutlooks } from '../../src/compile/outlook.ts';
import { createSerializer, type TypeSet } from '../../src/controlplane/ads/resources.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import { bookinfo, bookinfoPods, nodeOf, snapshot, subsets } from './lab.ts';

const node = (name: string, more: Partial<ProxyNode> = {}): ProxyNode => ({
  id: `sidecar~10.0.0.1~${name}.a~a.svc.cluster.local`, type: 'sidecar', name, namespace: 'a', ip: '10.0.0.1', labels: { app: name, version: 'v1' }, annotations: {}, serviceAccount: 'default', ...more,
});

describe('sharing config between proxies', () => {
  it('makes once for all of whom the same is true, as far as it was read', () => {
    const outlooks = createOutlooks<string>();
    let made = 0;
    const make = (seen: ProxyNode): string => {
      made++;
      return seen.namespace === 'a' ? `a ${seen.labels['version'] ?? 'none'}` : 'elsewhere';
    };
    expect(outlooks.of(node('one'), defaultMeshConfig, make)).toBe('a v1');
    expect(outlooks.of(node('two', { ip: '10.0.0.2' }), defaultMeshConfig, make)).toBe('a v1');
    expect(made).toBe(1);
    expect(outlooks.of(node('three', { labels: { version: 'v2' } }), defaultMeshConfig, make)).toBe('a v2');
    expect(outlooks.of(node('four', { labels: {} }), defaultMeshConfig, make)).toBe('a none');
    expect(outlooks.of(node('five', { namespace: 'b', labels: { version: 'v3' } }), defaultMeshConfig, make)).toBe('elsewhere');
    expect(outlooks.of(node('six', { namespace: 'b' }), defaultMeshConfig, make)).toBe('elsewhere');
    expect(made).toBe(4);
  });

  it('takes reading all labels for having read each of them', () => {
    const outlooks = createOutlooks<string>();
    const make = (seen: ProxyNode): string => Object.values({ ...seen.labels }).join();
    expect(outlooks.of(node('one', { labels: { a: '1' } }), defaultMeshConfig, make)).toBe('1');
    expect(outlooks.of(node('one', { labels: { a: '1', b: '2' } }), defaultMeshConfig, make)).toBe('1,2');
  });

  it('gives each proxy what it would get alone', () => {
    const { resources, diagnostics } = parseManifests([{ path: 'mesh.yaml', text: manifests }]);
    expect(diagnostics.filter(({ level }) => level === 'error')).toEqual([]);
    const pod = (name: string, namespace: string, ip: string, labels: Readonly<Record<string, string>>): PodInfo => ({ name, namespace, ip, labels, annotations: {}, serviceAccount: 'default', workload: name, ports: [{ port: 80, protocol: 'TCP' }], sidecar: true, ready: true });
    const pods = [pod('web-1', 'a', '10.0.0.1', { app: 'web', version: 'v1' }), pod('web-2', 'a', '10.0.0.2', { app: 'web', version: 'v2' }), pod('db-0', 'a', '10.0.0.3', { app: 'db' }), pod('db-1', 'a', '10.0.0.4', { app: 'db' }), pod('far', 'b', '10.0.0.5', { app: 'far' })];
    const mesh: MeshSnapshot = { resources, pods, mesh: defaultMeshConfig, virtualIps: new Map([['a/web', '10.1.0.1'], ['b/far', '10.1.0.2']]) };
    const index = prepareSnapshot(mesh);
    const serialize = createSerializer();
    const versions = new Set<string>();
    for (const { name, namespace, ip, labels } of pods) {
      const proxy = node(name, { namespace, ip, labels, id: `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local` });
      const shared = compileFor(index, proxy);
      const alone = compile(mesh, proxy);
      expect(shared).toEqual(alone);
      const sets = serialize(shared, []);
      expect(onWire(sets.cluster)).toEqual(alone.clusters);
      expect(onWire(sets.listener)).toEqual(alone.listeners);
      expect([...sets.listener.resources.keys()]).toEqual(alone.listeners.map((listener) => listener.name));
      expect(sets.listener.version).toBe(createSerializer()(alone, []).listener.version);
      versions.add(sets.route.version);
    }
    expect(versions.size).toBeGreaterThan(1);
  });

  it('is one outbound config for all proxies of a namespace where no rule tells them apart', () => {
    const index = prepareSnapshot(snapshot([bookinfo, subsets]));
    const configs = bookinfoPods.filter(({ namespace }) => namespace === 'default').map((pod) => compileFor(index, nodeOf(pod)));
    const { routes, endpoints, names } = configs[0] ?? {};
    expect(routes?.length).toBeGreaterThan(0);
    expect(configs).toHaveLength(6);
    for (const config of configs) {
      expect(config.routes).toBe(routes);
      expect(config.endpoints).toBe(endpoints);
      expect(config.names).toBe(names);
    }
  });
});

function onWire({ pieces }: TypeSet): unknown {
  return JSON.parse(`[${Buffer.concat(pieces).toString()}]`);
}

const manifests = `
apiVersion: v1
kind: Service
metadata: { name: web, namespace: a }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: db, namespace: a }
spec: { clusterIP: None, selector: { app: db }, ports: [{ name: tcp, port: 5432 }] }
---
apiVersion: v1
kind: Service
metadata: { name: far, namespace: b }
spec: { selector: { app: far }, ports: [{ name: http, port: 80 }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web, namespace: a }
spec:
  hosts: [web]
  http:
  - match: [{ sourceLabels: { version: v2 } }]
    route: [{ destination: { host: far.b.svc.cluster.local } }]
  - route: [{ destination: { host: web } }]
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: narrow, namespace: b }
spec: { egress: [{ hosts: ["./*"] }] }
`;

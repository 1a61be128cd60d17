import { afterEach, describe, expect, it, vi } from 'vitest';
import { compileFor, prepareSnapshot, type SnapshotIndex } from '../../src/compile/index.ts';
import { jsonResponse, readJsonRequest } from '../../src/controlplane/ads/json-wire.ts';
import { createSerializer, pushOrder, type ConfigSet } from '../../src/controlplane/ads/resources.ts';
import { createAdsSession, type AdsSession, type Push } from '../../src/controlplane/ads/session.ts';
import { istioCompiler } from '../../src/controlplane/istio-compiler.ts';
import { createMesh, proxyNode, type Mesh } from '../../src/controlplane/mesh.ts';
import { emptyState } from '../../src/controlplane/state/state.ts';
import { typeUrl, type ProxyConfig, type ResourceType } from '../../src/xds/index.ts';
import { manifestsOf, podsOf, withRuleChanged, type MeshSize } from '../bench/mesh-of-size.ts';

afterEach(() => { vi.restoreAllMocks(); });

const size: MeshSize = { services: 40, proxies: 80, rules: 20, servicesPerNamespace: 10 };
/** Of service 4: one port, and subsets v1, of which the pod is, and v2. */
const lost = 'pod-4';

describe('a pod that is not ready any more', () => {
  it('makes, writes and sends nothing but the endpoints of its service, however long they were as they are', async () => {
    const lab = meshOf(size);
    await lab.send(lab.serialize(lab.compile()));
    let before: readonly ConfigSet[] = [];
    for (let rule = 1; rule <= 4; rule++) {
      lab.change(rule);
      await lab.send(before = lab.serialize(lab.compile()));
    }
    lab.pushes.length = 0;

    lab.lose(lost);
    const configs = lab.compile();
    expect(Object.fromEntries(lab.made())).toEqual({ backendOf: 1, peersOf: 1, allAssignments: 1, assignments: 1, keptEndpoints: 1 });

    const written = vi.spyOn(JSON, 'stringify');
    const after = lab.serialize(configs);
    expect(written).toHaveBeenCalledTimes(2);
    written.mockRestore();
    for (const [at, target] of after.entries()) expect(pushOrder.filter((type) => target[type] !== before[at]?.[type])).toEqual(['endpoint']);

    await lab.send(after);
    expect(lab.pushes.map(({ type }) => type)).toEqual(Array.from({ length: size.proxies }, () => 'endpoint'));
    const [sent = '', ...others] = new Set(lab.pushes.map((push) => Buffer.concat(jsonResponse({ ...push, nonce: '' })).toString()));
    expect(others).toEqual([]);
    const { resources, removed } = JSON.parse(sent) as { readonly resources: readonly { readonly clusterName: string }[]; readonly removed: readonly string[] };
    const host = 'service-4.team-0.svc.cluster.local';
    expect(resources.map(({ clusterName }) => clusterName)).toEqual([`outbound|8084||${host}`, `outbound|8084|v1|${host}`]);
    expect(removed).toEqual([]);
  });
});

describe('namespaces that all see the same', () => {
  it('have one list of clusters, of listeners and of endpoints', () => {
    const lab = meshOf(size);
    const sets = lab.serialize(lab.compile());
    expect(new Set(lab.mesh.pods.map(({ namespace }) => namespace)).size).toBe(4);
    const layers = sets.map(({ cluster, listener, endpoint }) => [cluster.layers?.[0], listener.layers?.[0], endpoint]);
    for (const type of [0, 1, 2]) expect(new Set(layers.map((parts) => parts[type])).size).toBe(1);
  });
});

const noSecrets: readonly [] = [];

interface SizedMesh {
  readonly mesh: Mesh;
  /** What went out. */
  readonly pushes: Push[];
  compile(): readonly ProxyConfig[];
  /** What the last compile had to make. */
  made(): ReadonlyMap<string, number>;
  serialize(configs: readonly ProxyConfig[]): readonly ConfigSet[];
  send(targets: readonly ConfigSet[]): Promise<void>;
  change(rule: number): void;
  lose(pod: string): void;
}

function meshOf(of: MeshSize): SizedMesh {
  let index: SnapshotIndex | undefined;
  const files = manifestsOf(of);
  const mesh = createMesh(emptyState, istioCompiler, 'cluster.local', () => undefined);
  mesh.setNetwork('10.128.0.0/16');
  mesh.setFiles(files);
  mesh.setPods(podsOf(of));
  const toWire = createSerializer();
  const pushes: Push[] = [];
  const sessions = mesh.pods.map(() => acknowledging(pushes));
  return {
    mesh, pushes,
    compile: () => {
      const prepared = index = prepareSnapshot(mesh.snapshot(), index);
      return mesh.pods.map((pod) => compileFor(prepared, proxyNode(pod, 'cluster.local')));
    },
    made: () => index?.recall.made() ?? new Map<string, number>(),
    serialize: (configs) => configs.map((config) => toWire(config, noSecrets)),
    send: async (targets) => {
      for (const [at, target] of targets.entries()) sessions[at]?.update(target, mesh.version);
      await new Promise((resolve) => { setImmediate(resolve); });
      expect(sessions.map((session) => session.status().acknowledged)).toEqual(sessions.map(() => mesh.version));
    },
    change: (rule) => mesh.setFiles(withRuleChanged(files, rule)),
    lose: (pod) => mesh.setPods(podsOf(of).map((one) => ({ ...one, ready: one.name !== pod }))),
  };
}

/** A sidecar's session; the sidecar takes all that it is sent. */
function acknowledging(pushes: Push[]): AdsSession {
  const session = createAdsSession({
    delta: false, pushed: () => undefined, rejected: () => undefined, changed: () => undefined,
    send: (push) => {
      pushes.push(push);
      queueMicrotask(() => answer(push.type, push.set.version, push.nonce));
    },
  });
  const answer = (type: ResourceType, versionInfo: string, responseNonce: string): void => {
    const request = readJsonRequest({ typeUrl: typeUrl[type], versionInfo, responseNonce });
    if (request !== undefined) session.request(request);
  };
  for (const type of pushOrder) answer(type, '', '');
  return session;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile, compileFor, defaultMeshConfig, meshConfigFrom, prepareSnapshot, type MeshSnapshot, type PodInfo, type ProxyNode, type SnapshotIndex } from '../../src/compile/index.ts';
import { alike, keptList } from '../../src/compile/keep.ts';
import { createRecall, type Recall } from '../../src/compile/recall.ts';
import { parseManifests, type Resource } from '../../src/manifest/index.ts';
import { nodeOf, pod } from './lab.ts';

describe('recall', () => {
  it('makes once for the same inputs, and forgets what two snapshots did not use', () => {
    let made = 0;
    const make = (owner: { readonly name: string }, number: number, other: object | undefined): string => {
      made++;
      return `${owner.name} ${number} ${other === undefined ? 'alone' : 'not alone'}`;
    };
    const owner = { name: 'a' };
    const other = {};
    const first = createRecall();
    expect([first.of(make, owner, 1, undefined), first.of(make, owner, 1, undefined), first.of(make, owner, 1, other), first.of(make, owner, 2, other)]).toEqual(['a 1 alone', 'a 1 alone', 'a 1 not alone', 'a 2 not alone']);
    expect(made).toBe(3);
    first.of(make, { name: 'a' }, 1, undefined);
    expect(made).toBe(4);
    const second = first.next();
    second.of(make, owner, 1, undefined);
    expect(made).toBe(4);
    const third = second.next();
    third.of(make, owner, 1, undefined);
    expect(made).toBe(4);
    third.of(make, owner, 2, other);
    expect(made).toBe(5);
  });
});

describe('what a result was made from', () => {
  const [owner, other] = [{ name: 'a' }, { name: 'b' }];
  const made = { parts: 0, wholes: 0 };
  const part = (of: object): object => {
    made.parts++;
    return { of };
  };
  const whole = (of: object, second: object, recall: Recall): readonly object[] => {
    made.wholes++;
    return [recall.of(part, of), recall.of(part, second)];
  };

  it('is remembered for as long as the result, and forgotten with it', () => {
    const recall = createRecall();
    const before = recall.of(whole, owner, other, recall);
    for (let snapshot = 0; snapshot < 4; snapshot++) recall.next().of(whole, owner, other, recall);
    expect(made).toEqual({ parts: 2, wholes: 1 });
    const after = recall.next().of(whole, owner, {}, recall);
    expect(made).toEqual({ parts: 3, wholes: 2 });
    expect(after[0]).toBe(before[0]);
    recall.next();
    recall.next();
    recall.of(part, owner);
    expect(made.parts).toBe(4);
  });

  it('is counted, by name, for as long as the snapshot lasts', () => {
    const recall = createRecall();
    recall.of(whole, owner, other, recall);
    expect(recall.made()).toEqual(new Map([['whole', 1], ['part', 2]]));
    recall.next().of(whole, owner, other, recall);
    expect(recall.made()).toEqual(new Map());
  });
});

describe('keeping what says the same', () => {
  it('compares by content, functions by identity', () => {
    const one = (): void => undefined;
    expect(alike({ a: [1, { b: new Map([['c', new Set(['d'])]]) }], one }, { a: [1, { b: new Map([['c', new Set(['d'])]]) }], one })).toBe(true);
    expect(alike({ a: 1 }, { a: 1, b: undefined })).toBe(false);
    expect(alike({ one }, { one: () => undefined })).toBe(false);
    expect(alike(new Map([['a', 1]]), new Map([['a', 2]]))).toBe(false);
    expect(alike([], {})).toBe(false);
  });

  it('gives the former list only when every item stays in its place', () => {
    const before = [{ name: 'a' }, { name: 'b' }];
    const key = ({ name }: { readonly name: string }): string => name;
    expect(keptList(before, [{ name: 'a' }, { name: 'b' }], key)).toBe(before);
    const turned = keptList(before, [{ name: 'b' }, { name: 'a' }], key);
    expect(turned).not.toBe(before);
    expect(turned[0]).toBe(before[1]);
  });
});

describe('compiling what changed', () => {
  it('gives every proxy what a compile of everything gives, after any edits', () => {
    fc.assert(fc.property(fc.array(edit, { minLength: 2, maxLength: 8 }), (edits) => {
      let state: State = { files: new Map(Object.entries(start)), pods: startPods, mesh: {} };
      let before = prepared(state, undefined);
      for (const change of edits) {
        state = change(state);
        const after = prepared(state, before);
        for (const node of nodes(state)) expect(compileFor(after, node)).toEqual(compile(after.snapshot, node));
        before = after;
      }
    }), { numRuns: 25 });
  }, 120_000);

  it('keeps every resource that a changed rule does not touch', () => {
    const state: State = { files: new Map(Object.entries(start)), pods: startPods, mesh: {} };
    const first = prepared(state, undefined);
    const [web] = nodes(state);
    if (web === undefined) throw new Error('no proxy');
    const before = compileFor(first, web);
    const after = compileFor(prepared({ ...state, files: new Map([...state.files, ['rule.yaml', virtualService('web', 'a', 'fault: { abort: { httpStatus: 555, percentage: { value: 100 } } }')]]) }, first), web);
    expect(after.clusters).toEqual(before.clusters);
    expect(after.clusters.every((cluster, at) => cluster === before.clusters[at])).toBe(true);
    expect(after.listeners.every((listener, at) => listener === before.listeners[at])).toBe(true);
    expect(after.endpoints).toBe(before.endpoints);
    expect(after.names).toBe(before.names);
    expect(after.routes.filter((route, at) => route !== before.routes[at]).map(({ name }) => name)).toEqual(['80']);
  });
});

interface State {
  readonly files: ReadonlyMap<string, string>;
  readonly pods: readonly PodInfo[];
  readonly mesh: object;
}

/** Files that did not change keep their resources, as in the control plane. */
const parsed = new Map<string, readonly Resource[]>();

function resourcesOf(path: string, text: string): readonly Resource[] {
  const key = `${path}\n${text}`;
  const known = parsed.get(key) ?? parseManifests([{ path, text }]).resources;
  parsed.set(key, known);
  return known;
}

function prepared({ files, pods, mesh }: State, before: SnapshotIndex | undefined): SnapshotIndex {
  const resources = [...files].flatMap(([path, text]) => resourcesOf(path, text));
  const virtualIps = new Map(resources.filter(({ kind }) => kind === 'Service').map(({ metadata }) => [`${metadata.namespace}/${metadata.name}`, `10.1.0.${metadata.name.length + metadata.namespace.charCodeAt(0)}`]));
  const snapshot: MeshSnapshot = { resources, pods: pods.map((one) => ({ ...one })), mesh: meshConfigFrom(mesh, defaultMeshConfig), virtualIps };
  return prepareSnapshot(snapshot, before);
}

function nodes({ pods }: State): readonly ProxyNode[] {
  return pods.map((one) => nodeOf(one, one.kind === 'gateway' ? 'router' : 'sidecar'));
}

const startPods: readonly PodInfo[] = [
  pod('web', 'v1', '10.0.0.1', { namespace: 'a' }), pod('web', 'v2', '10.0.0.2', { namespace: 'a' }), pod('db', 'v1', '10.0.0.3', { namespace: 'a' }), pod('far', 'v1', '10.0.0.4', { namespace: 'b' }),
  pod('gate', 'v1', '10.0.0.9', { namespace: 'istio-system', labels: { istio: 'ingressgateway' }, kind: 'gateway' }),
];

function service(name: string, namespace: string, more: string): string {
  return `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: { selector: { app: ${name} }, ${more} }\n`;
}

function virtualService(host: string, namespace: string, more: string): string {
  return `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${host}, namespace: ${namespace} }\nspec:\n  hosts: [${host}]\n  http: [{ match: [{ sourceLabels: { version: v2 } }], route: [{ destination: { host: far.b.svc.cluster.local } }] }, { ${more}, route: [{ destination: { host: ${host}, subset: v1 } }, { destination: { host: far.b.svc.cluster.local }, weight: 10 }] }]\n`;
}

function istio(api: string, kind: string, namespace: string, spec: string): string {
  return `apiVersion: ${api}.istio.io/v1\nkind: ${kind}\nmetadata: { name: one, namespace: ${namespace} }\nspec: ${spec}\n`;
}

const start: Readonly<Record<string, string>> = {
  'web.yaml': service('web', 'a', 'ports: [{ name: http, port: 80, targetPort: 9080 }, { name: tcp, port: 70, targetPort: 9070 }]'),
  'db.yaml': service('db', 'a', 'clusterIP: None, ports: [{ name: tcp, port: 5432 }]'),
  'far.yaml': service('far', 'b', 'ports: [{ port: 80, targetPort: 9080 }]'),
  'rule.yaml': virtualService('web', 'a', 'timeout: 3s'),
};

/** Texts that a file may have; an empty one removes it. */
const variants: Readonly<Record<string, readonly string[]>> = {
  'web.yaml': [start['web.yaml'] ?? '', `# a comment moves the lines\n${start['web.yaml'] ?? ''}`, service('web', 'a', 'ports: [{ name: http, port: 81, targetPort: 9080 }]'), ''],
  'far.yaml': [start['far.yaml'] ?? '', service('far', 'b', 'ports: [{ name: tls, port: 443 }, { name: http, port: 8080 }]'), ''],
  'rule.yaml': [start['rule.yaml'] ?? '', virtualService('web', 'a', 'retries: { attempts: 7 }'), virtualService('"*.a.svc.cluster.local"', 'a', 'timeout: 1s').replace('name: "*.a.svc.cluster.local"', 'name: wild'), ''],
  'destination.yaml': ['', ...['ROUND_ROBIN', 'PASSTHROUGH'].map((simple) => istio('networking', 'DestinationRule', 'a', `{ host: web, trafficPolicy: { loadBalancer: { simple: ${simple} } }, subsets: [{ name: v1, labels: { version: v1 } }] }`)),
    istio('networking', 'DestinationRule', 'a', '{ host: "*.svc.cluster.local", exportTo: ["."], trafficPolicy: { loadBalancer: { consistentHash: { httpHeaderName: x-user } } } }'),
    istio('networking', 'DestinationRule', 'b', '{ host: far, workloadSelector: { matchLabels: { version: v1 } }, trafficPolicy: { tls: { mode: DISABLE }, outlierDetection: {}, loadBalancer: { localityLbSetting: { failoverPriority: [version] } } } }')],
  'peers.yaml': ['', ...['STRICT', 'DISABLE'].map((mode) => istio('security', 'PeerAuthentication', 'a', `{ mtls: { mode: ${mode} } }`)), istio('security', 'PeerAuthentication', 'a', '{ selector: { matchLabels: { app: web } }, portLevelMtls: { "9080": { mode: DISABLE } } }')],
  'policy.yaml': ['', istio('security', 'AuthorizationPolicy', 'a', '{ rules: [{ to: [{ operation: { methods: [GET] } }] }] }'), istio('security', 'AuthorizationPolicy', 'istio-system', '{ selector: { matchLabels: { version: v2 } }, action: DENY, rules: [{}] }')],
  'sidecar.yaml': ['', istio('networking', 'Sidecar', 'a', '{ egress: [{ hosts: ["./*"] }] }'), istio('networking', 'Sidecar', 'a', '{ workloadSelector: { labels: { version: v2 } }, outboundTrafficPolicy: { mode: REGISTRY_ONLY }, egress: [{ hosts: ["b/*"] }], ingress: [{ port: { number: 9080, name: http, protocol: HTTP }, defaultEndpoint: "127.0.0.1:1" }] }')],
  'logs.yaml': ['', istio('telemetry', 'Telemetry', 'a', '{ accessLogging: [{ disabled: true }] }'), istio('telemetry', 'Telemetry', 'a', '{ selector: { matchLabels: { version: v2 } }, accessLogging: [{ disabled: true, match: { mode: CLIENT } }] }')],
  'outside.yaml': ['', istio('networking', 'ServiceEntry', 'b', '{ hosts: [one.example, "*.wild.example"], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: NONE }'), istio('networking', 'ServiceEntry', 'b', '{ hosts: [one.example], exportTo: ["."], ports: [{ number: 443, name: tls, protocol: TLS }], resolution: DNS, endpoints: [{ address: 1.2.3.4, locality: r/z }, { address: 1.2.3.5, locality: r/y }] }')],
  'gateway.yaml': ['', istio('networking', 'Gateway', 'a', '{ selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }')],
};

const editFile = fc.constantFrom(...Object.entries(variants)).chain(([path, texts]) => fc.constantFrom(...texts).map((text) => ({ files, ...rest }: State): State => {
  const next = new Map(files);
  if (text === '') next.delete(path);
  else next.set(path, text);
  return { ...rest, files: next };
}));
const editPod = fc.tuple(fc.nat(4), fc.constantFrom<Partial<PodInfo>>({ ready: false }, { ready: true }, { sidecar: false }, { serviceAccount: 'other' }, { labels: { app: 'web', version: 'v3' } }, { labels: { app: 'web', version: 'v1', 'istio-locality': 'r.z' } }))
  .map(([at, change]) => ({ pods, ...rest }: State): State => ({ ...rest, pods: pods.map((one, number) => (number === at && one.kind !== 'gateway' ? { ...one, ...change } : one)) }));
const editMesh = fc.constantFrom({}, { enableAutoMtls: false }, { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }, { accessLogFile: '' }, { trustDomainAliases: ['old'] }).map((mesh) => (state: State): State => ({ ...state, mesh }));
const edit = fc.oneof({ weight: 5, arbitrary: editFile }, { weight: 2, arbitrary: editPod }, { weight: 1, arbitrary: editMesh });

import { gatewayServices, type MeshConfig, type MeshSnapshot, type ProxyNode } from '../compile/index.ts';
import type { PodRegistration } from '../contract/index.ts';
import { withInstalled, type Diagnostic, type Resource, type SourceFile } from '../manifest/index.ts';
import type { Compiler } from './compiler.ts';
import type { StoredState } from './state/state.ts';
import { allocateVirtualIps, virtualIpKeys } from './virtual-ips.ts';

/** How urgent a change is: rules and readiness go out at once, registrations may come in bursts. */
export type Urgency = 'now' | 'soon';

/** What a proxy, or core, says about a pod. */
export interface Readiness {
  readonly ready: boolean;
  readonly message?: string;
}

/** Manifests, pods and addresses of the lab: the one place that changes them. Every change makes a new version. */
export interface Mesh {
  readonly version: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly resources: readonly Resource[];
  readonly config: MeshConfig;
  readonly files: readonly SourceFile[];
  readonly pods: readonly PodRegistration[];
  readonly virtualIps: Readonly<Record<string, string>>;
  readonly readiness: Readonly<Record<string, Readiness>>;
  /** `namespace/pod/container` → restarts by its probes. */
  readonly restarts: Readonly<Record<string, number>>;
  /** All that is worth keeping. */
  readonly stored: StoredState;
  /** The pod of a proxy, by `namespace/pod`. */
  pod(proxy: string): PodRegistration | undefined;
  /** Nothing changes when a manifest has an error. */
  setFiles(files: readonly SourceFile[]): { readonly applied: boolean; readonly diagnostics: readonly Diagnostic[] };
  setPods(pods: readonly PodRegistration[]): void;
  setNetwork(virtualIpCidr: string): void;
  setReadiness(proxy: string, readiness: Readiness): void;
  countRestarts(proxy: string, container: string, count: number): void;
  snapshot(): MeshSnapshot;
}

/** `namespace/pod`. */
export function podKey(pod: { readonly namespace: string; readonly name: string }): string {
  return `${pod.namespace}/${pod.name}`;
}

const notReported: Readiness = { ready: false, message: 'The sidecar has not reported yet.' };

/** Makes the mesh from what was stored; `changed` hears of every change after it was made. */
export function createMesh(stored: StoredState, compiler: Compiler, trustDomain: string, changed: (urgency: Urgency) => void): Mesh {
  let state = stored;
  let read = compiler.read(state.files);
  let resources = inOrderOfAge(withInstalled(read.resources), state.ages);
  let config = compiler.mesh(resources, trustDomain);
  let byKey = new Map(state.pods.map((pod) => [podKey(pod), pod]));

  function change(next: Partial<StoredState>, urgency: Urgency): void {
    state = { ...state, ...next, version: state.version + 1 };
    changed(urgency);
  }

  /** Sidecars say it themselves; pods without one are as ready as core says. */
  function readinessOf(pod: PodRegistration): Readiness {
    return pod.sidecar || pod.kind === 'gateway' ? state.readiness[podKey(pod)] ?? notReported : { ready: pod.ready };
  }

  return {
    get version() { return String(state.version); },
    get diagnostics() { return read.diagnostics; },
    get resources() { return resources; },
    get config() { return config; },
    get files() { return state.files; },
    get pods() { return state.pods; },
    get virtualIps() { return state.virtualIps; },
    get readiness() { return Object.fromEntries(state.pods.map((pod) => [podKey(pod), readinessOf(pod)])); },
    get restarts() { return state.restarts; },
    get stored() { return state; },
    pod: (proxy) => byKey.get(proxy),
    setFiles: (files) => {
      const next = compiler.read(files);
      if (next.diagnostics.some(({ level }) => level === 'error')) return { applied: false, diagnostics: next.diagnostics };
      if (sameFiles(files, state.files)) return { applied: true, diagnostics: read.diagnostics };
      read = next;
      const all = withInstalled(read.resources);
      const ages = agesOf(all, state.ages);
      resources = inOrderOfAge(all, ages);
      config = compiler.mesh(resources, trustDomain);
      change({ files, ages, virtualIps: allocateVirtualIps(state.virtualIps, virtualIpKeys([...resources, ...gatewayServices(resources)]), state.virtualIpCidr) }, 'now');
      return { applied: true, diagnostics: read.diagnostics };
    },
    setPods: (pods) => {
      if (JSON.stringify(pods) === JSON.stringify(state.pods)) return;
      byKey = new Map(pods.map((pod) => [podKey(pod), pod]));
      const before = new Map(state.pods.map((pod) => [podKey(pod), pod]));
      // A pod that was made anew under its old name (another token) has to report by itself again.
      const sameMade = (key: string): boolean => byKey.has(key) && before.get(key)?.tokenHash === byKey.get(key)?.tokenHash;
      const kept = Object.entries(state.readiness).filter(([key]) => sameMade(key));
      const restarts = Object.entries(state.restarts).filter(([key]) => sameMade(key.slice(0, key.lastIndexOf('/'))));
      change({ pods, readiness: Object.fromEntries(kept), restarts: Object.fromEntries(restarts) }, 'soon');
    },
    setNetwork: (virtualIpCidr) => {
      if (virtualIpCidr === state.virtualIpCidr) return;
      change({ virtualIpCidr, virtualIps: allocateVirtualIps(state.virtualIps, virtualIpKeys([...resources, ...gatewayServices(resources)]), virtualIpCidr) }, 'now');
    },
    setReadiness: (proxy, readiness) => {
      const known = state.readiness[proxy];
      if (!byKey.has(proxy) || (known?.ready === readiness.ready && known.message === readiness.message)) return;
      change({ readiness: { ...state.readiness, [proxy]: readiness } }, 'now');
    },
    countRestarts: (proxy, container, count) => {
      const key = `${proxy}/${container}`;
      if (byKey.has(proxy)) change({ restarts: { ...state.restarts, [key]: (state.restarts[key] ?? 0) + count } }, 'soon');
    },
    snapshot: () => ({
      resources,
      mesh: config,
      virtualIps: new Map(Object.entries(state.virtualIps)), withoutKubeProxy: true,
      pods: state.pods.map((pod) => ({ ...pod, ready: readinessOf(pod).ready })),
    }),
  };
}

/** The node that compile makes a config for. Its id is Istio's: `sidecar~IP~POD.NS~NS.svc.DOMAIN`. */
export function proxyNode(pod: PodRegistration, domainSuffix: string): ProxyNode {
  const type = pod.kind === 'gateway' ? 'router' : 'sidecar';
  const { name, namespace, ip, labels, annotations, serviceAccount } = pod;
  return { id: `${type}~${ip}~${name}.${namespace}~${namespace}.svc.${domainSuffix}`, type, name, namespace, ip, labels, annotations, serviceAccount };
}

function resourceKey({ kind, metadata }: Resource): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}

/** Keeps the age of what was there before; the rest is younger, in the order of the files. */
function agesOf(resources: readonly Resource[], known: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  let next = Object.values(known).reduce((highest, age) => Math.max(highest, age), 0) + 1;
  return Object.fromEntries(resources.map((resource) => {
    const key = resourceKey(resource);
    return [key, known[key] ?? next++];
  }));
}

function inOrderOfAge(resources: readonly Resource[], ages: Readonly<Record<string, number>>): readonly Resource[] {
  const age = (resource: Resource): number => ages[resourceKey(resource)] ?? Number.MAX_SAFE_INTEGER;
  return [...resources].sort((a, b) => age(a) - age(b));
}

function sameFiles(a: readonly SourceFile[], b: readonly SourceFile[]): boolean {
  return a.length === b.length && a.every((file, index) => file.path === b[index]?.path && file.text === b[index].text && file.namespace === b[index].namespace);
}

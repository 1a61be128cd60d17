import { localityOf } from '../features/load-balancing/compile-locality.ts';
import { collectorAnnotation, ofKind, type TypedResource } from '../manifest/index.ts';
import type { WorkloadEntry } from '../features/service-entry/manifest.ts';
import { selects, type MeshEndpoint } from './model.ts';
import type { MeshSnapshot, PodInfo } from './types.ts';

type ServiceResource = TypedResource<'Service'>;
type EntryResource = TypedResource<'ServiceEntry'>;
type PortSpec = { readonly name: string; readonly number: number; readonly target: number | string };

/** Where endpoints come from, indexed once per snapshot. */
export interface EndpointSources {
  readonly pods: ReadonlyMap<string, readonly PodInfo[]>;
  readonly podByIp: ReadonlyMap<string, PodInfo>;
  readonly workloadEntries: readonly TypedResource<'WorkloadEntry'>[];
  /** Slices and Endpoints by `namespace/service`. */
  readonly slices: ReadonlyMap<string, readonly Slice[]>;
}

interface Slice {
  readonly endpoints: readonly { readonly addresses: readonly string[]; readonly ready: boolean }[];
  readonly ports: readonly { readonly name: string; readonly port: number }[];
}

const sliceOwner = 'kubernetes.io/service-name';
const tlsModeLabel = 'security.istio.io/tlsMode';

/** Indexes pods, EndpointSlices, Endpoints and WorkloadEntries. */
export function endpointSources(snapshot: MeshSnapshot): EndpointSources {
  const pods = new Map<string, PodInfo[]>();
  for (const pod of snapshot.pods) pods.set(pod.namespace, [...(pods.get(pod.namespace) ?? []), pod]);
  const slices = new Map<string, Slice[]>();
  const add = (key: string, slice: Slice): void => { slices.set(key, [...(slices.get(key) ?? []), slice]); };
  for (const { metadata, spec } of ofKind(snapshot.resources, 'EndpointSlice')) {
    const endpoints = spec.endpoints.map(({ addresses, conditions }) => ({ addresses, ready: conditions.ready }));
    add(`${metadata.namespace}/${metadata.labels[sliceOwner] ?? ''}`, { endpoints, ports: spec.ports });
  }
  for (const { metadata, spec } of ofKind(snapshot.resources, 'Endpoints')) {
    for (const { addresses, notReadyAddresses, ports } of spec.subsets) {
      const endpoints = [...addresses.map(({ ip }) => ({ addresses: [ip], ready: true })), ...notReadyAddresses.map(({ ip }) => ({ addresses: [ip], ready: false }))];
      add(`${metadata.namespace}/${metadata.name}`, { endpoints, ports });
    }
  }
  return { pods, podByIp: new Map(snapshot.pods.map((pod) => [pod.ip, pod])), workloadEntries: ofKind(snapshot.resources, 'WorkloadEntry'), slices };
}

/** Where the lab's own collector answers. */
const controlPlaneHost = 'istiod.istio-system.svc';

/** The endpoints of a Kubernetes service: selected pods and WorkloadEntries, then what slices add. */
export function endpointsOfService(sources: EndpointSources, { spec, metadata }: ServiceResource): readonly MeshEndpoint[] {
  const ports = spec.ports.map((port) => ({ name: port.name, number: port.port, target: port.targetPort ?? port.port }));
  if (spec.type === 'ExternalName') return [plainEndpoint(spec.externalName.toLowerCase(), metadata.namespace, new Map(ports.map(({ number }) => [number, number])))];
  if (metadata.annotations[collectorAnnotation] === 'true') return [plainEndpoint(controlPlaneHost, metadata.namespace, new Map(ports.map(({ number, target }) => [number, Number(target)])))];
  const found = Object.keys(spec.selector).length === 0 ? [] : selected(sources, metadata.namespace, spec.selector, ports);
  const known = new Set(found.map(({ address }) => address));
  const sliced = (sources.slices.get(`${metadata.namespace}/${metadata.name}`) ?? []).flatMap((slice) => sliceEndpoints(sources, slice, metadata.namespace, ports));
  const all = [...found, ...sliced.filter(({ address }) => !known.has(address))];
  return spec.publishNotReadyAddresses ? all.map((endpoint) => ({ ...endpoint, ready: true })) : all;
}

/** The endpoints of a ServiceEntry for one of its hosts. */
export function endpointsOfEntry(sources: EndpointSources, { spec, metadata }: EntryResource, host: string): readonly MeshEndpoint[] {
  const ports = spec.ports.map((port) => ({ name: port.name, number: port.number, target: port.targetPort === 0 ? port.number : port.targetPort }));
  if (spec.workloadSelector !== undefined) return selected(sources, metadata.namespace, spec.workloadSelector.labels, ports);
  const written = spec.endpoints.map((entry) => workloadEndpoint(sources, entry, metadata.namespace, ports, spec.location === 'MESH_INTERNAL'));
  const byName = spec.resolution === 'DNS' || spec.resolution === 'DNS_ROUND_ROBIN';
  return written.length === 0 && byName && !host.startsWith('*') ? [plainEndpoint(host, metadata.namespace, new Map(ports.map(({ number, target }) => [number, Number(target)])))] : written;
}

function selected(sources: EndpointSources, namespace: string, selector: Readonly<Record<string, string>>, ports: readonly PortSpec[]): readonly MeshEndpoint[] {
  const pods = (sources.pods.get(namespace) ?? []).filter(({ labels }) => selects(selector, labels)).map((pod) => podEndpoint(pod, targets(ports, ({ target }) => podPort(pod, target))));
  const entries = sources.workloadEntries.filter((entry) => entry.metadata.namespace === namespace && selects(selector, { ...entry.metadata.labels, ...entry.spec.labels }))
    .map((entry) => workloadEndpoint(sources, { ...entry.spec, labels: { ...entry.metadata.labels, ...entry.spec.labels } }, namespace, ports, true));
  return [...pods, ...entries];
}

function podPort(pod: PodInfo, target: number | string): number | undefined {
  return typeof target === 'number' ? target : (pod.ports.find(({ name }) => name === target)?.port ?? (/^\d+$/.test(target) ? Number(target) : undefined));
}

function podEndpoint(pod: PodInfo, ports: ReadonlyMap<number, number>): MeshEndpoint {
  return {
    address: pod.ip, labels: pod.labels, ports, ready: pod.ready, mesh: takesMtls(pod), namespace: pod.namespace,
    serviceAccount: pod.serviceAccount, workload: pod.workload, pod: pod.name, locality: localityOf(pod.labels), weight: 1,
  };
}

function sliceEndpoints(sources: EndpointSources, slice: Slice, namespace: string, ports: readonly PortSpec[]): readonly MeshEndpoint[] {
  const served = targets(ports, ({ name }) => slice.ports.find((port) => port.name === name)?.port ?? (slice.ports.length === 1 && ports.length === 1 ? slice.ports[0]?.port : undefined));
  return slice.endpoints.flatMap(({ addresses, ready }) => addresses.map((address) => {
    const pod = sources.podByIp.get(address);
    return pod === undefined ? { ...plainEndpoint(address, namespace, served), ready } : podEndpoint(pod, served);
  }));
}

function workloadEndpoint(sources: EndpointSources, entry: WorkloadEntry, namespace: string, ports: readonly PortSpec[], internal: boolean): MeshEndpoint {
  const served = targets(ports, ({ name, target }) => entry.ports[name] ?? Number(target));
  const pod = sources.podByIp.get(entry.address);
  const plain = plainEndpoint(entry.address, namespace, served);
  return {
    ...plain,
    labels: entry.labels,
    mesh: internal && (takesMtls(pod) ?? entry.labels[tlsModeLabel] === 'istio'),
    ready: pod?.ready ?? true,
    pod: pod?.name ?? '',
    locality: entry.locality !== '' ? entry.locality : localityOf(pod?.labels ?? entry.labels),
    workload: pod?.workload ?? '',
    serviceAccount: entry.serviceAccount !== '' ? entry.serviceAccount : (pod?.serviceAccount ?? ''),
    weight: entry.weight === 0 ? 1 : entry.weight,
  };
}

/** Whether callers may speak mTLS to a pod by themselves; `undefined` when it is no pod. */
function takesMtls(pod: PodInfo): boolean;
function takesMtls(pod: PodInfo | undefined): boolean | undefined;
function takesMtls(pod: PodInfo | undefined): boolean | undefined {
  return pod === undefined ? undefined : pod.sidecar && pod.kind !== 'gateway';
}

function plainEndpoint(address: string, namespace: string, ports: ReadonlyMap<number, number>): MeshEndpoint {
  return { address, namespace, ports, labels: {}, ready: true, mesh: false, serviceAccount: '', workload: '', pod: '', locality: '', weight: 1 };
}

function targets(ports: readonly PortSpec[], target: (port: PortSpec) => number | undefined): ReadonlyMap<number, number> {
  return new Map(ports.flatMap((port) => {
    const number = target(port);
    return number === undefined ? [] : [[port.number, number] as const];
  }));
}

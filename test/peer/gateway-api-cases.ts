import { parseManifests, podTemplates, type Resource } from '../../src/manifest/index.ts';
import { managedGateways, type MeshSnapshot, type PodInfo, defaultMeshConfig } from '../../src/compile/index.ts';
import { readPeer } from './cases.ts';

/** A request of a case. Values that the peer computes while it runs (`$ref`, `$op`) are not strings. */
export interface PeerRow {
  readonly line: number;
  readonly TestCaseName?: string;
  readonly Backend?: unknown;
  readonly Namespace?: unknown;
  readonly Request: { readonly Host?: unknown; readonly Path?: unknown; readonly Method?: string; readonly Protocol?: string; readonly Headers?: Readonly<Record<string, string>> };
  readonly ExpectedRequest?: { readonly Request?: { readonly Host?: string; readonly Path?: string; readonly Method?: string; readonly Headers?: Readonly<Record<string, string>> }; readonly AbsentHeaders?: readonly string[] };
  readonly RedirectRequest?: { readonly Scheme?: string; readonly Host?: string; readonly Port?: string; readonly Path?: string };
  readonly Response?: { readonly StatusCode?: unknown; readonly StatusCodes?: readonly unknown[]; readonly Headers?: Readonly<Record<string, string>>; readonly AbsentHeaders?: readonly string[]; readonly $ref?: string };
  readonly MirroredTo?: readonly { readonly BackendRef: { readonly Name: string; readonly Namespace?: string } }[];
}

/** One conformance test. */
export interface PeerTest {
  readonly shortName: string;
  readonly manifests: readonly string[];
  readonly mesh: boolean;
  readonly cases: readonly PeerRow[];
  readonly mustChecks: readonly string[];
}

/** The tests of the suite. */
export function readTests(): readonly PeerTest[] {
  return JSON.parse(readPeer('gateway-api/conformance.json')) as readonly PeerTest[];
}

/** A manifest with the placeholders that the suite fills in. */
export function manifestText(path: string): string {
  return readPeer(`gateway-api/${path}`).replaceAll('{GATEWAY_CLASS_NAME}', 'istio').replaceAll('{GATEWAY_CONTROLLER_NAME}', 'istio.io/gateway-controller');
}

/** The namespaces of mesh tests get sidecars. */
const injected = /^gateway-conformance-mesh/;
/** Objects that a test wants to be missing or broken. */
const broken = /non-?exist|does-not-exist|malformed|invalid|missing/;

/** The base manifests and those of a test, with the secrets and endpoints that the suite makes by program. */
export function resourcesOf(test: PeerTest, material: Material = pretended): readonly Resource[] {
  const files = [test.mesh ? 'mesh/manifests.yaml' : 'base/manifests.yaml', ...test.manifests];
  const { resources } = parseManifests(files.map((path) => ({ path, text: manifestText(path) })));
  return [...resources, ...parseManifests([{ path: 'made.yaml', text: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: made(resources, material) }) }]).resources];
}

/** Certificates for the names that tests refer to. */
export interface Material {
  readonly chain: string;
  readonly key: string;
  readonly authority: string;
}
const pem = (what: string): string => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
const pretended: Material = { chain: pem('CERTIFICATE'), key: pem('PRIVATE KEY'), authority: pem('CERTIFICATE') };

interface Named { readonly kind?: string; readonly name?: string; readonly namespace?: string }

/** The Secrets and ConfigMaps that gateways, policies and pods refer to and nobody has written. */
export function made(resources: readonly Resource[], material: Material): readonly object[] {
  const written = new Set(resources.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`));
  const wanted = new Map<string, object>();
  const want = (kind: string, name: string, namespace: string): void => {
    const key = `${kind} ${namespace}/${name}`;
    if (name === '' || broken.test(name) || written.has(key)) return;
    const metadata = { name, namespace };
    wanted.set(key, kind === 'ConfigMap' ? { apiVersion: 'v1', kind, metadata, data: { 'ca.crt': material.authority } } : { apiVersion: 'v1', kind, metadata, type: 'kubernetes.io/tls', stringData: { 'tls.crt': material.chain, 'tls.key': material.key, 'ca.crt': material.authority } });
  };
  for (const { body, metadata } of resources) {
    for (const reference of referencesIn(body)) want(reference.kind ?? 'Secret', reference.name ?? '', reference.namespace ?? metadata.namespace);
    for (const [, secret] of JSON.stringify(body).matchAll(/"secretName":"([^"]+)"/g)) want('Secret', secret ?? '', metadata.namespace);
    for (const [, map] of JSON.stringify(body).matchAll(/"configMap":\{"name":"([^"]+)"/g)) want('ConfigMap', map ?? '', metadata.namespace);
  }
  return [...wanted.values()];
}

function referencesIn(value: unknown): readonly Named[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return Object.entries(value).flatMap(([key, item]): readonly Named[] => (key === 'certificateRefs' || key === 'caCertificateRefs' ? (item as readonly Named[]) : key === 'clientCertificateRef' ? [item as Named] : referencesIn(item)));
}

/** The resources as a running mesh: a pod for each replica, one for each gateway, a virtual IP for each service. */
export function snapshotOf(resources: readonly Resource[]): MeshSnapshot {
  let next = 1;
  const address = (): string => `10.1.${next >> 8}.${next++ & 0xff}`;
  const workloads = podTemplates(resources).flatMap(({ workload, namespace, labels, annotations, replicas, spec, serviceAccount }) => Array.from({ length: replicas }, (_, at): PodInfo => ({
    name: `${workload}-${at}`, namespace, labels, annotations, serviceAccount, workload, ip: address(), sidecar: injected.test(namespace), ready: true,
    ports: spec.containers.flatMap(({ ports }) => ports.map(({ containerPort, name }) => ({ port: containerPort, protocol: 'TCP' as const, ...(name === '' ? {} : { name }) }))),
  })));
  const gateways = managedGateways(resources).map(({ name, namespace, labels, annotations }): PodInfo => ({ name: `${name}-0`, namespace, labels, annotations, serviceAccount: name, workload: name, ip: address(), ports: [], sidecar: true, ready: true }));
  const services = resources.filter(({ kind }) => kind === 'Service');
  return { resources: withEndpoints(resources, workloads), pods: [...workloads, ...gateways], mesh: defaultMeshConfig, virtualIps: new Map(services.map(({ metadata }, at) => [`${metadata.namespace}/${metadata.name}`, `10.2.0.${at + 1}`])) };
}

/** Slices without endpoints are filled by the suite, with the pods of its first backend. */
function withEndpoints(resources: readonly Resource[], pods: readonly PodInfo[]): readonly Resource[] {
  const endpoints = pods.filter(({ workload }) => workload === 'infra-backend-v1').map(({ ip }) => ({ addresses: [ip], conditions: { ready: true } }));
  return resources.flatMap((resource) => {
    if (resource.kind !== 'EndpointSlice' || resource.body['addressType'] !== 'IPv4' || Array.isArray(resource.body['endpoints'])) return [resource];
    return parseManifests([{ path: 'slices.yaml', text: JSON.stringify({ ...resource.body, endpoints }) }]).resources;
  });
}

import { defaultMeshConfig, type MeshSnapshot, type PodInfo, type ProxyNode } from '../../src/compile/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';

/** A running pod for tests: `reviews`, `v1` at an address. */
export function pod(app: string, version: string, ip: string, more: Partial<PodInfo> = {}): PodInfo {
  return {
    name: `${app}-${version}-0`, namespace: 'default', ip, labels: { app, version }, annotations: {}, serviceAccount: `bookinfo-${app}`, workload: `${app}-${version}`,
    ports: [{ port: 9080, protocol: 'TCP' }], sidecar: true, ready: true, ...more,
  };
}

/** Bookinfo's pods and an ingress gateway. */
export const bookinfoPods: readonly PodInfo[] = [
  pod('productpage', 'v1', '10.0.0.2'), pod('details', 'v1', '10.0.0.3'), pod('ratings', 'v1', '10.0.0.4'),
  pod('reviews', 'v1', '10.0.0.5'), pod('reviews', 'v2', '10.0.0.6'), pod('reviews', 'v3', '10.0.0.7'),
  pod('istio-ingressgateway', 'v1', '10.0.0.8', { namespace: 'istio-system', labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' } }),
];

/** The services of Bookinfo, written short. */
export const bookinfo = ['productpage', 'details', 'ratings', 'reviews'].map((name) => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 9080 }] }
`).join('---');

/** Subsets v1, v2 and v3 of reviews. */
export const subsets = `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }, { name: v3, labels: { version: v3 } }]
`;

/** A snapshot of YAML documents and pods; virtual IPs are 10.0.128.1, .2, … in the order of the services. */
export function snapshot(documents: readonly string[], pods: readonly PodInfo[] = bookinfoPods): MeshSnapshot {
  const { resources } = parseManifests([{ path: 'mesh.yaml', text: documents.join('\n---\n') }]);
  const services = resources.filter(({ kind }) => kind === 'Service');
  return { resources, pods, mesh: defaultMeshConfig, virtualIps: new Map(services.map(({ metadata }, at) => [`${metadata.namespace}/${metadata.name}`, `10.0.128.${at + 1}`])) };
}

/** The proxy of a pod. */
export function nodeOf({ name, namespace, ip, labels, annotations, serviceAccount }: PodInfo, type: ProxyNode['type'] = 'sidecar'): ProxyNode {
  return { id: `${type}~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`, type, name, namespace, ip, labels, annotations, serviceAccount };
}

/** The first pod of an app. */
export function podOf(app: string): PodInfo {
  const found = bookinfoPods.find(({ labels }) => labels.app === app);
  if (found === undefined) throw new Error(`no pod of ${app}`);
  return found;
}

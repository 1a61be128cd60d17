import type { MtlsMode, Switches } from '../../src/contract/index.ts';
import type { SourceFile } from '../../src/manifest/index.ts';

/** A workload of the fake lab. */
export interface FakeWorkload {
  readonly app: string;
  readonly version: string;
  readonly kind: 'workload' | 'gateway';
  readonly pods: number;
}

/** Bookinfo, with a client of its own that is not always welcome. */
export const bookinfo: readonly FakeWorkload[] = [
  { app: 'istio-ingressgateway', version: 'latest', kind: 'gateway', pods: 1 },
  { app: 'productpage', version: 'v1', kind: 'workload', pods: 2 },
  { app: 'details', version: 'v1', kind: 'workload', pods: 1 },
  { app: 'reviews', version: 'v1', kind: 'workload', pods: 2 },
  { app: 'reviews', version: 'v2', kind: 'workload', pods: 1 },
  { app: 'reviews', version: 'v3', kind: 'workload', pods: 2 },
  { app: 'ratings', version: 'v1', kind: 'workload', pods: 2 },
  { app: 'curl', version: 'latest', kind: 'workload', pods: 1 },
  { app: 'mongodb', version: 'v1', kind: 'workload', pods: 1 },
];

const service = (name: string, versions: readonly string[]): string => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
  labels:
    app: ${name}
spec:
  ports:
  - port: 9080
    name: http
  selector:
    app: ${name}
---
${versions.map(version => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}-${version}
spec:
  replicas: 1
  selector:
    matchLabels: { app: ${name}, version: ${version} }
  template:
    metadata:
      labels: { app: ${name}, version: ${version} }
    spec:
      containers:
      - name: ${name}
        image: docker.io/istio/examples-bookinfo-${name}-${version}:1.20.3
        ports:
        - containerPort: 9080
`).join('---\n')}`;

const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: bookinfo-gateway
spec:
  selector:
    istio: ingressgateway
  servers:
  - port: { number: 8080, name: http, protocol: HTTP }
    hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: bookinfo
spec:
  hosts: ["*"]
  gateways: [bookinfo-gateway]
  http:
  - match:
    - uri: { exact: /productpage }
    - uri: { prefix: /static }
    route:
    - destination:
        host: productpage
        port: { number: 9080 }
    retries:
      attempts: 2
      perTryTimeout: 2s
`;

const destinationRules = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: reviews
spec:
  host: reviews
  trafficPolicy:
    loadBalancer:
      simple: RANDOM
  subsets:
  - name: v1
    labels: { version: v1 }
  - name: v2
    labels: { version: v2 }
  - name: v3
    labels: { version: v3 }
`;

/** The VirtualService of a host as the switches make it. */
function virtualService(host: string, switches: Switches): string {
  const fault = switches.faults.find(each => each.host === host);
  const weights = switches.weights.find(each => each.host === host)?.weights;
  const lines = ['apiVersion: networking.istio.io/v1', 'kind: VirtualService', 'metadata:', `  name: ${host}`, 'spec:', `  hosts: [${host}]`, '  http:'];
  const rule: string[] = [];
  if (fault !== undefined) {
    rule.push('fault:');
    if (fault.delay !== undefined) rule.push('  delay:', `    fixedDelay: ${fault.delay.milliseconds / 1000}s`, `    percentage: { value: ${fault.delay.percent} }`);
    if (fault.abort !== undefined) rule.push('  abort:', `    httpStatus: ${fault.abort.status}`, `    percentage: { value: ${fault.abort.percent} }`);
  }
  if (host === 'ratings') rule.push('timeout: 3s');
  rule.push('route:');
  for (const [version, weight] of Object.entries(weights ?? { '': 100 })) {
    rule.push('- destination:', `    host: ${host}`, ...(version === '' ? [] : [`    subset: ${version}`]), `  weight: ${weight}`);
  }
  return `${[...lines, ...rule.map((line, index) => `  ${index === 0 ? '- ' : '  '}${line}`)].join('\n')}\n`;
}

function peerAuthentication(namespace: string, mode: MtlsMode): string {
  return `apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata:\n  name: default\n  namespace: ${namespace === '' ? 'istio-system' : namespace}\nspec:\n  mtls:\n    mode: ${mode}\n`;
}

/** All files of the fake lab with the switches as they are. */
export function filesOf(switches: Switches): readonly SourceFile[] {
  const hosts = new Set(['reviews', ...switches.faults.map(each => each.host), ...switches.weights.map(each => each.host)]);
  return [
    { path: 'bookinfo.yaml', text: [service('details', ['v1']), service('ratings', ['v1']), service('reviews', ['v1', 'v2', 'v3']), service('productpage', ['v1'])].join('---\n') },
    { path: 'networking/bookinfo-gateway.yaml', text: gateway },
    { path: 'networking/destination-rule-reviews.yaml', text: destinationRules },
    ...[...hosts].map(host => ({ path: `networking/virtual-service-${host}.yaml`, text: virtualService(host, switches) })),
    ...Object.entries(switches.mtls).map(([namespace, mode]) => ({ path: `security/mtls-${namespace === '' ? 'mesh' : namespace}.yaml`, text: peerAuthentication(namespace, mode) })),
  ];
}

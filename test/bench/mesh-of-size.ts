import type { PodRegistration } from '../../src/contract/index.ts';
import type { SourceFile } from '../../src/manifest/index.ts';

/** How big a mesh is. */
export interface MeshSize {
  readonly services: number;
  readonly proxies: number;
  readonly rules: number;
  readonly servicesPerNamespace: number;
}

function namespaceOf(service: number, { servicesPerNamespace }: MeshSize): string {
  return `team-${Math.floor(service / servicesPerNamespace)}`;
}

function hostOf(service: number, size: MeshSize): string {
  return `service-${service}.${namespaceOf(service, size)}.svc.cluster.local`;
}

/** A file per service, with a TCP port beside HTTP for each fifth, and per VirtualService; every other one has subsets. */
export function manifestsOf(size: MeshSize): readonly SourceFile[] {
  const { services, rules } = size;
  const place = (service: number): string => `{ name: service-${service}, namespace: ${namespaceOf(service, size)} }`;
  const tcp = (service: number): string => (service % 5 === 0 ? ', { name: tcp-db, port: 5432 }' : '');
  const subsets = (service: number): string => (service % 2 === 0 ? `---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: ${place(service)}\nspec:\n  host: ${hostOf(service, size)}\n  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]\n` : '');
  return [
    ...Array.from({ length: services }, (_, at) => ({ path: `service-${at}.yaml`, text: `apiVersion: v1\nkind: Service\nmetadata: ${place(at)}\nspec: { selector: { app: service-${at} }, ports: [{ name: http, port: ${8080 + (at % 10)} }${tcp(at)}] }\n` })),
    ...Array.from({ length: rules }, (_, at) => ({ path: `rule-${at}.yaml`, text: `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: ${place(at)}\nspec:\n  hosts: [${hostOf(at, size)}]\n  http:\n  - match: [{ headers: { end-user: { exact: tester } } }]\n    route: [{ destination: { host: ${hostOf(at, size)} } }]\n  - route:\n    - { destination: { host: ${hostOf(at, size)} }, weight: 90 }\n    - { destination: { host: ${hostOf((at + 10) % services, size)} }, weight: 10 }\n${subsets(at)}` })),
  ];
}

/** Pods without a sidecar as far as compile sees them; each service has as many. */
export function podsOf(size: MeshSize): readonly PodRegistration[] {
  const { services, proxies } = size;
  return Array.from({ length: proxies }, (_, at): PodRegistration => {
    const service = at % services;
    return {
      name: `pod-${at}`, namespace: namespaceOf(service, size), ip: `10.0.${Math.floor(at / 250)}.${(at % 250) + 1}`, labels: { app: `service-${service}`, version: `v${Math.floor(at / services) + 1}` }, annotations: {},
      serviceAccount: `service-${service}`, workload: `service-${service}`, ports: [{ port: 8080 + (service % 10), protocol: 'TCP' }], sidecar: false, ready: true, kind: 'workload', tokenHash: '00',
    };
  });
}

/** The files with another weight in one VirtualService. */
export function withRuleChanged(files: readonly SourceFile[], rule: number): readonly SourceFile[] {
  return files.map((file) => (file.path === `rule-${rule}.yaml` ? { ...file, text: file.text.replace('weight: 90', 'weight: 80').replace('weight: 10', 'weight: 20') } : file));
}

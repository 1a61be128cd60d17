import { defaultMeshConfig, explain, verifyTokens, type MeshSnapshot, type PodInfo } from '../../compile/index.ts';
import { LabFailure, type Call, type Explanation } from '../../contract/index.ts';
import { parseManifests, podTemplates, withInstalled, type SourceFile } from '../../manifest/index.ts';

/** What is known of a running lab; without one, pods are made up from the manifests. */
export interface Running {
  readonly pods: readonly PodInfo[];
  readonly virtualIps: Readonly<Record<string, string>>;
  /** Keys that the control plane has fetched, by URL. */
  readonly keySets: Readonly<Record<string, string>>;
}

/** Says what happens to a call, on a running lab's facts or on manifests alone. Rejects with `manifest-invalid` when they cannot be read. */
export async function explainCall(files: readonly SourceFile[], call: Call, running: Running | undefined): Promise<Explanation> {
  const { resources: written, diagnostics } = parseManifests(files);
  const resources = withInstalled(written);
  const errors = diagnostics.filter((one) => one.level === 'error');
  if (errors.length > 0) throw new LabFailure('manifest-invalid', 'The manifests have errors, so what they would do is not known.', { diagnostics: errors });
  const snapshot: MeshSnapshot = {
    resources, mesh: defaultMeshConfig, withoutKubeProxy: true,
    pods: running?.pods ?? imagined(resources),
    ...(running === undefined ? {} : { keySets: new Map(Object.entries(running.keySets)) }),
    virtualIps: new Map(Object.entries(running?.virtualIps ?? imaginedIps(resources))),
  };
  return explain(snapshot, call, await verifyTokens(snapshot, call, Date.now()));
}

/** One ready pod for each replica that the manifests ask for, and the ingress gateway, at addresses that nothing listens on. */
function imagined(resources: Parameters<typeof podTemplates>[0]): readonly PodInfo[] {
  const pods = podTemplates(resources).flatMap((template) => Array.from({ length: template.replicas }, (_, index) => ({ template, index })));
  const gateway: PodInfo = {
    name: 'istio-ingressgateway', namespace: 'istio-system', ip: '198.18.0.1', labels: { app: 'istio-ingressgateway', istio: 'ingressgateway' }, annotations: {},
    serviceAccount: 'istio-ingressgateway-service-account', workload: 'istio-ingressgateway', ports: [], sidecar: true, ready: true,
  };
  return [gateway, ...pods.map(({ template, index }, order): PodInfo => ({
    name: `${template.workload}-${index}`, namespace: template.namespace, ip: `198.18.${1 + Math.floor(order / 250)}.${1 + (order % 250)}`,
    labels: template.labels, annotations: template.annotations, serviceAccount: template.serviceAccount, workload: template.workload,
    ports: template.spec.containers.flatMap((container) => (container.ports ?? []).map((port) => ({ ...(port.name === undefined ? {} : { name: port.name }), port: port.containerPort, protocol: port.protocol === 'UDP' ? 'UDP' as const : 'TCP' as const }))),
    sidecar: true, ready: true,
  }))];
}

function imaginedIps(resources: Parameters<typeof podTemplates>[0]): Readonly<Record<string, string>> {
  const services = resources.filter(({ kind }) => kind === 'Service');
  return Object.fromEntries(services.map(({ metadata }, order) => [`${metadata.namespace}/${metadata.name}`, `198.19.${Math.floor(order / 250)}.${1 + (order % 250)}`]));
}

import { servicePortProtocol } from '../../compile/index.ts';
import type { PodStatus, ServiceSummary } from '../../contract/index.ts';
import { ofKind, podTemplates, type Resource } from '../../manifest/index.ts';

/** The services of the manifests, with the versions of the pods that they select. */
export function servicesOf(resources: readonly Resource[], pods: readonly PodStatus[]): readonly ServiceSummary[] {
  const templates = podTemplates(resources);
  return ofKind(resources, 'Service').map(({ metadata, spec }) => {
    const selector = Object.entries(spec.selector ?? {});
    const selected = templates.filter((template) => selector.length > 0 && template.namespace === metadata.namespace && selector.every(([key, value]) => template.labels[key] === value));
    const mine = pods.filter((pod) => selected.some((template) => template.workload === pod.workload && template.namespace === pod.namespace));
    const versions = selected.map((template) => template.labels['version']).concat(mine.map((pod) => pod.version));
    return {
      name: metadata.name, namespace: metadata.namespace, host: `${metadata.name}.${metadata.namespace}.svc.cluster.local`,
      ports: (spec.ports ?? []).map((port) => ({ name: port.name ?? '', port: port.port, protocol: spoken(port) })),
      versions: [...new Set(versions.filter((version): version is string => version !== undefined && version !== 'latest'))].sort(),
      apps: [...new Set([...mine.map(({ app }) => app), ...selected.map(({ labels, workload }) => labels['service.istio.io/canonical-name'] ?? labels['app'] ?? labels['app.kubernetes.io/name'] ?? workload)])].sort(),
    };
  });
}

/** What a port speaks, as the mesh sees it: `HTTP`, `HTTP2`, `TCP`, `TLS` …, `AUTO` where it is sniffed. */
function spoken(port: Parameters<typeof servicePortProtocol>[0]): string {
  const { kind, http2 } = servicePortProtocol(port);
  return kind === 'http' && http2 ? 'HTTP2' : kind.toUpperCase();
}

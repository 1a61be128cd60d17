import { localityOf, localize, type PlacedEndpoint } from '../features/load-balancing/compile-locality.ts';
import type { LocalityLbSetting } from '../features/load-balancing/manifest.ts';
import { provenanceKey, type ClusterLoadAssignment, type LbEndpoint } from '../xds/index.ts';
import { selects, type MeshEndpoint, type MeshPort, type MeshService } from './model.ts';
import { endpointMode, type SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** Endpoints of a cluster that are the same for every proxy. */
export interface ClusterEndpoints {
  readonly endpoints: readonly PlacedEndpoint[];
  /** As they are sent where nothing is to be ordered for the proxy. */
  readonly plain: ClusterLoadAssignment;
}

/** What locality rules are applied with. */
export interface LocalityRules {
  readonly setting: LocalityLbSetting | undefined;
  readonly outlierDetection: boolean;
}

/** The endpoints of a cluster for one proxy: those that are ready, serve the port and have the subset's labels, by locality. */
export function loadAssignment(index: SnapshotIndex, node: ProxyNode, cluster: { readonly name: string; readonly service: MeshService; readonly port: MeshPort; readonly labels: Readonly<Record<string, string>> }, rules: LocalityRules): ClusterLoadAssignment {
  const { endpoints, plain } = clusterEndpoints(index, cluster);
  const byLabel = (rules.setting?.failoverPriority.length ?? 0) > 0 && rules.outlierDetection;
  const byShare = (rules.setting?.distribute.length ?? 0) > 0;
  if ((plain.endpoints?.length ?? 0) < 2 && !byLabel && !byShare) return plain;
  return { ...plain, endpoints: localize(endpoints, { locality: localityOf(node.labels), labels: node.labels }, rules.setting, rules.outlierDetection) };
}

function clusterEndpoints(index: SnapshotIndex, { name, service, port, labels }: Parameters<typeof loadAssignment>[2]): ClusterEndpoints {
  const key = `${service.namespace} ${name} ${JSON.stringify(labels)}`;
  const known = index.assignments.get(key);
  if (known !== undefined) return known;
  const endpoints = service.endpoints.flatMap((endpoint): PlacedEndpoint[] => {
    const target = endpoint.ports.get(port.number);
    return target === undefined || !endpoint.ready || !selects(labels, endpoint.labels) ? [] : [{ endpoint: lbEndpoint(index, endpoint, target), locality: endpoint.locality, labels: endpoint.labels }];
  });
  const made = { endpoints, plain: { clusterName: name, endpoints: localize(endpoints, { locality: '', labels: {} }, undefined, false) } };
  index.assignments.set(key, made);
  return made;
}

function lbEndpoint(index: SnapshotIndex, endpoint: MeshEndpoint, portValue: number): LbEndpoint {
  const mtls = endpoint.mesh && endpointMode(index, endpoint, portValue) !== 'DISABLE';
  return {
    endpoint: { address: { socketAddress: { address: endpoint.address, portValue } } },
    healthStatus: 'HEALTHY',
    loadBalancingWeight: endpoint.weight,
    metadata: {
      filterMetadata: {
        istio: { workload: workloadOf(endpoint) },
        ...(endpoint.pod === '' ? {} : { [provenanceKey]: { pod: `${endpoint.namespace}/${endpoint.pod}` } }),
        ...(mtls ? { 'envoy.transport_socket_match': { tlsMode: 'istio' } } : {}),
      },
    },
  };
}

/** Istio's `name;namespace;app;version;cluster`. */
function workloadOf({ workload, namespace, labels }: MeshEndpoint): string {
  return [workload, namespace, canonicalName(labels, workload), canonicalRevision(labels), 'Kubernetes'].join(';');
}

/** Istio's canonical service name of a workload. */
export function canonicalName(labels: Readonly<Record<string, string>>, workload: string): string {
  return labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels.app ?? workload;
}

/** Istio's canonical revision of a workload. */
export function canonicalRevision(labels: Readonly<Record<string, string>>): string {
  return labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels.version ?? 'latest';
}

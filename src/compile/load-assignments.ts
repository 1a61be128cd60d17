import { provenanceKey, type ClusterLoadAssignment, type LbEndpoint } from '../xds/index.ts';
import { selects, type MeshEndpoint, type MeshPort, type MeshService } from './model.ts';
import { endpointMode, type SnapshotIndex } from './snapshot-index.ts';

/** The endpoints of a cluster: those that are ready, serve the port and have the subset's labels. */
export function loadAssignment(index: SnapshotIndex, clusterName: string, service: MeshService, port: MeshPort, labels: Readonly<Record<string, string>>): ClusterLoadAssignment {
  const key = `${service.namespace} ${clusterName} ${JSON.stringify(labels)}`;
  const known = index.assignments.get(key);
  if (known !== undefined) return known;
  const made = assignmentOf(index, clusterName, service, port, labels);
  index.assignments.set(key, made);
  return made;
}

function assignmentOf(index: SnapshotIndex, clusterName: string, service: MeshService, port: MeshPort, labels: Readonly<Record<string, string>>): ClusterLoadAssignment {
  const lbEndpoints = service.endpoints.flatMap((endpoint) => {
    const target = endpoint.ports.get(port.number);
    return target === undefined || !endpoint.ready || !selects(labels, endpoint.labels) ? [] : [lbEndpoint(index, endpoint, target)];
  });
  return { clusterName, endpoints: lbEndpoints.length === 0 ? [] : [{ locality: {}, lbEndpoints, loadBalancingWeight: lbEndpoints.reduce((sum, { loadBalancingWeight }) => sum + Number(loadBalancingWeight ?? 1), 0) }] };
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

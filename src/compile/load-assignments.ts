import { localize, type PlacedEndpoint, type ProxyPlace } from '../features/load-balancing/compile-locality.ts';
import type { LocalityLbSetting } from '../features/load-balancing/manifest.ts';
import { portMode, type MtlsMode, type WorkloadMtls } from '../features/mtls/compile.ts';
import { provenanceKey, type ClusterLoadAssignment, type LbEndpoint } from '../xds/index.ts';
import { selects, type MeshEndpoint, type MeshPort, type MeshService } from './model.ts';

/** What locality rules are applied with. */
export interface LocalityRules {
  readonly setting: LocalityLbSetting | undefined;
  readonly outlierDetection: boolean;
}

/** Who stands behind a service, with what policies say of them. */
export interface Backend {
  readonly endpoints: readonly MeshEndpoint[];
  /** The mTLS modes of the workloads behind its endpoints. */
  readonly modes: ReadonlyMap<MeshEndpoint, WorkloadMtls>;
}

/** What those behind a service have in common, as far as the clusters of their callers say it. It stays the same while pods come and go and become ready. */
export interface Peers {
  /** SPIFFE identities that they may have. */
  readonly identities: readonly string[];
  /** Ports of the service on which there is somebody and all take mTLS. */
  readonly mtls: ReadonlySet<number>;
  /** They themselves, where clusters name them: services that are resolved by DNS. */
  readonly named: Backend | undefined;
}

/** A cluster to a port of a service, or to a subset of it. */
export interface Target {
  readonly name: string;
  readonly port: MeshPort;
  readonly labels: Readonly<Record<string, string>>;
}

/** Nobody stands behind it. */
export const nobody: Backend = { endpoints: [], modes: new Map() };

/** The mode of a port of an endpoint. */
export function endpointMode({ modes }: Backend, endpoint: MeshEndpoint, port: number): MtlsMode {
  const found = modes.get(endpoint);
  return found === undefined ? 'PERMISSIVE' : portMode(found, port);
}

/** The endpoints of a cluster for a proxy at a place: those that are ready, serve the port and have the subset's labels, by locality. */
export function loadAssignment(backend: Backend, { name, port, labels }: Target, rules: LocalityRules, place: ProxyPlace): ClusterLoadAssignment {
  const endpoints = backend.endpoints.flatMap((endpoint): PlacedEndpoint[] => {
    const target = endpoint.ports.get(port.number);
    return target === undefined || !endpoint.ready || !selects(labels, endpoint.labels) ? [] : [{ endpoint: lbEndpoint(backend, endpoint, target), locality: endpoint.locality, labels: endpoint.labels }];
  });
  const plain = { clusterName: name, endpoints: localize(endpoints, nowhere, undefined, false) };
  return plain.endpoints.length < 2 && !ordersByPlace(rules) ? plain : { clusterName: name, endpoints: localize(endpoints, place, rules.setting, rules.outlierDetection) };
}

/** Whether rules order even endpoints of one locality by where the proxy is. */
function ordersByPlace({ setting, outlierDetection }: LocalityRules): boolean {
  return setting !== undefined && (setting.distribute.length > 0 || (setting.failoverPriority.length > 0 && outlierDetection));
}

/** Whether endpoints of a service can be another list for another place. */
export function dependsOnPlace({ endpoints }: Pick<Backend, 'endpoints'>, settings: readonly (LocalityLbSetting | undefined)[]): boolean {
  return settings.some((setting) => setting !== undefined && (setting.distribute.length > 0 || setting.failoverPriority.length > 0)) || endpoints.some(({ locality }) => locality !== endpoints[0]?.locality);
}

/** The place of a proxy of which nothing is known. */
export const nowhere: ProxyPlace = { locality: '', labels: {} };

function lbEndpoint(backend: Backend, endpoint: MeshEndpoint, portValue: number): LbEndpoint {
  const mtls = endpoint.mesh && endpointMode(backend, endpoint, portValue) !== 'DISABLE';
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

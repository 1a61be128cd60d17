import { composeMtls, spiffeId, type MtlsMode, type PeerPolicy, type WorkloadMtls } from '../features/mtls/compile.ts';
import { ofKind, type TypedResource } from '../manifest/index.ts';
import { authorizationPolicies } from './authorization.ts';
import { meshDestinationRules, ruleFor, type NamespaceRules } from './destination-rules.ts';
import { endpointSources } from './endpoints.ts';
import { convertGateways } from './gateway-api/index.ts';
import { byAge, type MeshDestinationRule, type MeshEndpoint, type MeshService, type MeshVirtualService } from './model.ts';
import { convertIngresses } from './ingress.ts';
import { inPatchOrder } from './patch-order.ts';
import { createOutlooks, type Outlooks } from './outlook.ts';
import { meshServices } from './services.ts';
import { reportingMesh, type ReportingMesh } from './telemetry.ts';
import type { OutboundConfig } from './sidecar-config.ts';
import type { ClusterEndpoints } from './load-assignments.ts';
import type { MeshSnapshot, ProxyNode } from './types.ts';
import { meshVirtualServices } from './virtual-services.ts';

/** A port of a workload that a service sends to. */
export interface ServiceTarget {
  readonly service: MeshService;
  readonly endpoint: MeshEndpoint;
  readonly servicePort: number;
  readonly targetPort: number;
}

/** What all proxies of a snapshot have in common, computed once. */
export interface SnapshotIndex {
  readonly snapshot: MeshSnapshot & { readonly mesh: ReportingMesh };
  /** Hosts of services. */
  readonly hosts: ReadonlySet<string>;
  readonly services: readonly MeshService[];
  readonly virtualServices: readonly MeshVirtualService[];
  readonly destinationRules: ReadonlyMap<string, NamespaceRules>;
  readonly sidecars: readonly TypedResource<'Sidecar'>[];
  readonly gateways: readonly TypedResource<'Gateway'>[];
  /** Oldest first. */
  readonly telemetries: readonly TypedResource<'Telemetry'>[];
  /** In the order in which they are applied. */
  readonly envoyFilters: readonly TypedResource<'EnvoyFilter'>[];
  readonly peerPolicies: readonly PeerPolicy[];
  readonly requestAuthentications: readonly TypedResource<'RequestAuthentication'>[];
  readonly authorizationPolicies: readonly TypedResource<'AuthorizationPolicy'>[];
  /** Services whose endpoints include this address. */
  readonly targetsByIp: ReadonlyMap<string, readonly ServiceTarget[]>;
  /** SPIFFE identities by service. */
  readonly identities: ReadonlyMap<MeshService, readonly string[]>;
  /** The mTLS modes of the workloads behind endpoints. */
  readonly endpointMtls: ReadonlyMap<MeshEndpoint, WorkloadMtls>;
  /** Endpoints by cluster and labels, filled in as proxies are compiled: they are the same for all. */
  readonly assignments: Map<string, ClusterEndpoints>;
  /** Outbound config, shared by all sidecars that see the same of the mesh. */
  readonly outlooks: Outlooks<OutboundConfig>;
  /** The same for proxies whose Telemetry resources make them report otherwise, by what they report. */
  readonly reportingOutlooks: Map<string, Outlooks<OutboundConfig>>;
}

/** Builds the index of a snapshot. */
export function prepareSnapshot(snapshot: MeshSnapshot): SnapshotIndex {
  const { resources, mesh } = snapshot;
  const converted = convertGateways(resources, mesh.domainSuffix);
  const ingresses = convertIngresses(resources, mesh);
  const services = meshServices(converted.services.length === 0 ? snapshot : { ...snapshot, resources: [...resources, ...converted.services] }, endpointSources(snapshot));
  const peerPolicies = byAge(ofKind(resources, 'PeerAuthentication')).map(({ spec, metadata }) => ({ spec, namespace: metadata.namespace }));
  const hosts = new Set(services.map(({ host }) => host));
  return {
    snapshot: { ...snapshot, mesh: reportingMesh(mesh, hosts) }, hosts, services, peerPolicies,
    virtualServices: [...meshVirtualServices(resources, mesh.domainSuffix), ...converted.virtualServices, ...ingresses.virtualServices],
    destinationRules: meshDestinationRules(resources, mesh.domainSuffix),
    authorizationPolicies: authorizationPolicies(resources),
    requestAuthentications: byAge(ofKind(resources, 'RequestAuthentication')),
    sidecars: byAge(ofKind(resources, 'Sidecar')),
    telemetries: byAge(ofKind(resources, 'Telemetry')),
    envoyFilters: inPatchOrder(byAge(ofKind(resources, 'EnvoyFilter')), mesh.rootNamespace),
    gateways: byAge([...ofKind(resources, 'Gateway'), ...converted.gateways, ...ingresses.gateways]),
    targetsByIp: targetsByIp(services),
    identities: new Map(services.map((service) => [service, identitiesOf(service, [mesh.trustDomain, ...mesh.trustDomainAliases])])),
    endpointMtls: new Map(services.flatMap(({ endpoints }) => endpoints.map((endpoint) => [endpoint, composeMtls(peerPolicies, mesh.rootNamespace, endpoint)]))),
    assignments: new Map(),
    outlooks: createOutlooks(),
    reportingOutlooks: new Map(),
  };
}

function targetsByIp(services: readonly MeshService[]): ReadonlyMap<string, readonly ServiceTarget[]> {
  const targets = new Map<string, ServiceTarget[]>();
  for (const service of services) {
    for (const endpoint of service.endpoints) {
      const known = targets.get(endpoint.address) ?? [];
      for (const [servicePort, targetPort] of endpoint.ports) known.push({ service, endpoint, servicePort, targetPort });
      targets.set(endpoint.address, known);
    }
  }
  return targets;
}

function identitiesOf(service: MeshService, trustDomains: readonly string[]): readonly string[] {
  const ids = service.endpoints.filter(({ serviceAccount }) => serviceAccount !== '').flatMap(({ namespace, serviceAccount }) => trustDomains.map((domain) => spiffeId(domain, namespace, serviceAccount)));
  return [...new Set([...ids, ...service.subjectAltNames])].sort();
}

/** The mTLS modes of a workload. */
export function mtlsOf(index: SnapshotIndex, workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }): WorkloadMtls {
  return composeMtls(index.peerPolicies, index.snapshot.mesh.rootNamespace, workload);
}

/** The mode of a port of an endpoint. */
export function endpointMode(index: SnapshotIndex, endpoint: MeshEndpoint, port: number): MtlsMode {
  const modes = index.endpointMtls.get(endpoint);
  return modes === undefined ? 'PERMISSIVE' : portMode(modes, port);
}

/** The mode of one port of a workload. */
export function portMode({ mode, ports }: WorkloadMtls, port: number): MtlsMode {
  return ports.get(port) ?? mode;
}

/** The DestinationRule that a proxy follows for a service. */
export function destinationRule(index: SnapshotIndex, node: ProxyNode, service: Pick<MeshService, 'host' | 'namespace'>): MeshDestinationRule | undefined {
  return ruleFor(index.destinationRules, node, service, index.snapshot.mesh.rootNamespace);
}

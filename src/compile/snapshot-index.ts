import type { Authorizer } from '../features/authorization/compile.ts';
import { composeMtls, spiffeId, type PeerPolicy, type WorkloadMtls } from '../features/mtls/compile.ts';
import { ofKind, type Resource, type TypedResource } from '../manifest/index.ts';
import { authorizationPolicies, authorizersOf } from './authorization.ts';
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
import { kept, keptList, keptMap } from './keep.ts';
import { callerUses, type CallerUses } from './caller-uses.ts';
import type { Backend } from './load-assignments.ts';
import type { MeshConfig } from './mesh-config.ts';
import { createRecall, type Recall } from './recall.ts';
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
  /** Where it matters who calls. */
  readonly uses: CallerUses;
  readonly sidecars: readonly TypedResource<'Sidecar'>[];
  readonly gateways: readonly TypedResource<'Gateway'>[];
  /** Oldest first. */
  readonly telemetries: readonly TypedResource<'Telemetry'>[];
  /** In the order in which they are applied. */
  readonly envoyFilters: readonly TypedResource<'EnvoyFilter'>[];
  readonly peerPolicies: readonly PeerPolicy[];
  readonly requestAuthentications: readonly TypedResource<'RequestAuthentication'>[];
  readonly authorizationPolicies: readonly TypedResource<'AuthorizationPolicy'>[];
  /** The mesh's providers of authorization whose service is known, by name. */
  readonly authorizers: ReadonlyMap<string, Authorizer>;
  /** Services whose endpoints include this address. */
  readonly targetsByIp: ReadonlyMap<string, readonly ServiceTarget[]>;
  /** Services with what policies say of their endpoints. */
  readonly backends: ReadonlyMap<MeshService, Backend>;
  /** What was made from parts of the mesh, filled in as proxies are compiled; the next snapshot uses what did not change. */
  readonly recall: Recall;
  /** Outbound config, shared by all sidecars that see the same of the mesh. */
  readonly outlooks: Outlooks<OutboundConfig>;
}

/** What the inbound half of a sidecar's config is made from, besides the services that lead to it. */
export type InboundView = Pick<SnapshotIndex, 'peerPolicies' | 'authorizationPolicies' | 'authorizers' | 'requestAuthentications'> & { readonly snapshot: Pick<SnapshotIndex['snapshot'], 'mesh' | 'keySets' | 'withoutKubeProxy'> };

/**
 * Builds the index of a snapshot. With the index of the one before it, what says the same stays the same object,
 * and what was made from it is not made again; the configs that come out are those that would come out without.
 */
export function prepareSnapshot(snapshot: MeshSnapshot, before?: SnapshotIndex): SnapshotIndex {
  const { resources } = snapshot;
  const { mesh } = snapshot;
  const keySets = keptMap(before?.snapshot.keySets, new Map(snapshot.keySets));
  const recall = before?.recall.next() ?? createRecall();
  const converted = convertGateways(resources, mesh.domainSuffix);
  const ingresses = convertIngresses(resources, mesh);
  const services = keptList(before?.services, meshServices(converted.services.length === 0 ? snapshot : { ...snapshot, resources: [...resources, ...converted.services] }, endpointSources(snapshot)), ({ registry, namespace, host }) => `${registry} ${namespace}/${host}`);
  const peerPolicies = keptList(before?.peerPolicies, byAge(ofKind(resources, 'PeerAuthentication')).map((policy) => recall.of(peerPolicy, policy)), ({ namespace }) => namespace);
  const hosts = new Set(services.map(({ host }) => host));
  const virtualServices = keptList(before?.virtualServices, [...meshVirtualServices(resources, mesh), ...converted.virtualServices, ...ingresses.virtualServices], ({ resource }) => `${resource.apiVersion} ${named(resource.metadata)}`);
  const destinationRules = keptMap(before?.destinationRules, meshDestinationRules(resources, mesh));
  return {
    hosts, services, peerPolicies, recall, virtualServices, destinationRules,
    uses: callerUses({ services, virtualServices, destinationRules, mesh }),
    snapshot: { ...snapshot, mesh: kept(before?.snapshot.mesh, reportingMesh(mesh, hosts)), keySets },
    authorizationPolicies: keptResources(before?.authorizationPolicies, authorizationPolicies(resources)),
    authorizers: kept(before?.authorizers, authorizersOf(services, mesh)),
    requestAuthentications: keptResources(before?.requestAuthentications, byAge(ofKind(resources, 'RequestAuthentication'))),
    sidecars: byAge(ofKind(resources, 'Sidecar')),
    telemetries: byAge(ofKind(resources, 'Telemetry')),
    envoyFilters: inPatchOrder(byAge(ofKind(resources, 'EnvoyFilter')), mesh.rootNamespace),
    gateways: byAge([...ofKind(resources, 'Gateway'), ...converted.gateways, ...ingresses.gateways]),
    targetsByIp: keptMap(before?.targetsByIp, targetsByIp(services)),
    backends: keptMap(before?.backends, backends(services, peerPolicies, mesh)),
    outlooks: before?.outlooks.next() ?? createOutlooks(),
  };
}

function peerPolicy({ spec, metadata }: TypedResource<'PeerAuthentication'>): PeerPolicy {
  return { spec, namespace: metadata.namespace };
}

function named({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}

function keptResources<Kind extends Resource>(before: readonly Kind[] | undefined, after: readonly Kind[]): readonly Kind[] {
  return keptList(before, after, ({ metadata }) => named(metadata));
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

function backends(services: readonly MeshService[], policies: readonly PeerPolicy[], mesh: MeshConfig): ReadonlyMap<MeshService, Backend> {
  const trustDomains = [mesh.trustDomain, ...mesh.trustDomainAliases];
  return new Map(services.map((service) => [service, {
    service, identities: identitiesOf(service, trustDomains),
    modes: new Map(service.endpoints.map((endpoint) => [endpoint, composeMtls(policies, mesh.rootNamespace, endpoint)])),
  }]));
}

function identitiesOf(service: MeshService, trustDomains: readonly string[]): readonly string[] {
  const ids = service.endpoints.filter(({ serviceAccount }) => serviceAccount !== '').flatMap(({ namespace, serviceAccount }) => trustDomains.map((domain) => spiffeId(domain, namespace, serviceAccount)));
  return [...new Set([...ids, ...service.subjectAltNames])].sort();
}

/** A service with what policies say of its endpoints. */
export function backend(index: Pick<SnapshotIndex, 'backends'>, service: MeshService): Backend {
  return index.backends.get(service) ?? { service, identities: [], modes: new Map() };
}

/** The mTLS modes of a workload. */
export function mtlsOf(index: InboundView, workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }): WorkloadMtls {
  return composeMtls(index.peerPolicies, index.snapshot.mesh.rootNamespace, workload);
}

/** The DestinationRule that a proxy follows for a service. */
export function destinationRule(index: Pick<SnapshotIndex, 'destinationRules'> & { readonly snapshot: Pick<SnapshotIndex['snapshot'], 'mesh'> }, node: Pick<ProxyNode, 'namespace' | 'labels'>, service: Pick<MeshService, 'host' | 'namespace'>): MeshDestinationRule | undefined {
  return ruleFor(index.destinationRules, node, service, index.snapshot.mesh.rootNamespace);
}

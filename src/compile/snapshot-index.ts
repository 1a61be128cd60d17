import type { Authorizer } from '../features/authorization/compile.ts';
import { composeMtls, spiffeId, type PeerPolicy, type WorkloadMtls } from '../features/mtls/compile.ts';
import { ofKind, type Resource, type TypedResource } from '../manifest/index.ts';
import { authorizationPolicies, authorizersOf } from './authorization.ts';
import { meshDestinationRules, ruleFor, type NamespaceRules } from './destination-rules.ts';
import { endpointSources } from './endpoints.ts';
import { convertGateways, type ConvertedGateways } from './gateway-api/index.ts';
import { byAge, type MeshDestinationRule, type MeshEndpoint, type MeshService, type MeshVirtualService } from './model.ts';
import { convertIngresses } from './ingress.ts';
import { inPatchOrder } from './patch-order.ts';
import { createOutlooks, type Outlooks } from './outlook.ts';
import { meshServices } from './services.ts';
import { reportingMesh, type ReportingMesh } from './telemetry.ts';
import type { OutboundConfig } from './sidecar-config.ts';
import { kept, keptList, keptMap } from './keep.ts';
import { callerUses, type CallerUses } from './caller-uses.ts';
import { endpointMode, type Backend, type Peers } from './load-assignments.ts';
import type { MeshConfig } from './mesh-config.ts';
import { createRecall, type Recall } from './recall.ts';
import type { MeshSnapshot, ProxyNode } from './types.ts';
import { meshVirtualServices } from './virtual-services.ts';

/** A port of a workload that a service sends to. */
export interface ServiceTarget {
  readonly service: MeshService;
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
  readonly proxyConfigs: readonly TypedResource<'ProxyConfig'>[];
  /** In the order in which they are applied. */
  readonly envoyFilters: readonly TypedResource<'EnvoyFilter'>[];
  readonly peerPolicies: readonly PeerPolicy[];
  readonly requestAuthentications: readonly TypedResource<'RequestAuthentication'>[];
  readonly authorizationPolicies: readonly TypedResource<'AuthorizationPolicy'>[];
  /** The mesh's providers of authorization whose service is known, by name. */
  readonly authorizers: ReadonlyMap<string, Authorizer>;
  /** Services whose endpoints include this address. */
  readonly targetsByIp: ReadonlyMap<string, readonly ServiceTarget[]>;
  /** Who stands behind services, and what they have in common. */
  readonly backends: ReadonlyMap<MeshService, Backend>;
  readonly peers: ReadonlyMap<MeshService, Peers>;
  /** What policies of the Gateway API say of gateways' connections to services, and the certificates that they show there. */
  readonly backendTls: ConvertedGateways['backendTls'];
  readonly clientCertificates: ConvertedGateways['clientCertificates'];
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
  const { resources, mesh } = snapshot;
  const keySets = keptMap(before?.snapshot.keySets, new Map(snapshot.keySets));
  const recall = before?.recall.next() ?? createRecall();
  const converted = convertGateways(resources, mesh.domainSuffix);
  const ingresses = convertIngresses(resources, mesh);
  const registered = meshServices(converted.services.length === 0 ? snapshot : { ...snapshot, resources: [...resources, ...converted.services] }, endpointSources(snapshot));
  const services = keptList(before?.services, registered.map(({ service }) => service), ({ registry, namespace, host }) => `${registry} ${namespace}/${host}`);
  const peerPolicies = keptList(before?.peerPolicies, byAge(ofKind(resources, 'PeerAuthentication')).map((policy) => recall.of(peerPolicy, policy)), ({ namespace }) => namespace);
  const hosts = new Set(services.map(({ host }) => host));
  const reporting = kept(before?.snapshot.mesh, reportingMesh(mesh, hosts));
  const virtualServices = keptList(before?.virtualServices, [...meshVirtualServices(resources, mesh), ...converted.virtualServices, ...ingresses.virtualServices], ({ resource }) => `${resource.apiVersion} ${named(resource.metadata)}`);
  const destinationRules = keptMap(before?.destinationRules, meshDestinationRules(resources, mesh));
  const backends = keptMap(before?.backends, new Map(services.map((service, at) => [service, recall.of(backendOf, kept(before?.backends.get(service)?.endpoints, registered[at]?.endpoints ?? []), peerPolicies, mesh.rootNamespace)])));
  return {
    hosts, services, backends, peerPolicies, recall, virtualServices, destinationRules,
    uses: callerUses({ backends, virtualServices, destinationRules, mesh }),
    snapshot: { ...snapshot, mesh: reporting, keySets },
    authorizationPolicies: keptResources(before?.authorizationPolicies, authorizationPolicies(resources)),
    authorizers: kept(before?.authorizers, authorizersOf(services, mesh)),
    requestAuthentications: keptResources(before?.requestAuthentications, byAge(ofKind(resources, 'RequestAuthentication'))),
    sidecars: byAge(ofKind(resources, 'Sidecar')),
    telemetries: byAge(ofKind(resources, 'Telemetry')),
    proxyConfigs: ofKind(resources, 'ProxyConfig'),
    envoyFilters: inPatchOrder(byAge(ofKind(resources, 'EnvoyFilter')), mesh.rootNamespace),
    gateways: byAge([...ofKind(resources, 'Gateway'), ...converted.gateways, ...ingresses.gateways]),
    backendTls: keptMap(before?.backendTls, converted.backendTls),
    clientCertificates: converted.clientCertificates,
    targetsByIp: keptMap(before?.targetsByIp, targetsByIp(backends)),
    peers: keptMap(before?.peers, new Map([...backends].map(([service, behind]) => [service, recall.of(peersOf, service, behind, reporting)]))),
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

function targetsByIp(backends: SnapshotIndex['backends']): ReadonlyMap<string, readonly ServiceTarget[]> {
  const targets = new Map<string, ServiceTarget[]>();
  for (const [service, { endpoints }] of backends) {
    for (const endpoint of endpoints) {
      const known = targets.get(endpoint.address) ?? [];
      for (const [servicePort, targetPort] of endpoint.ports) known.push({ service, servicePort, targetPort });
      targets.set(endpoint.address, known);
    }
  }
  return targets;
}

function backendOf(endpoints: readonly MeshEndpoint[], policies: readonly PeerPolicy[], rootNamespace: string): Backend {
  return { endpoints, modes: new Map(endpoints.map((endpoint) => [endpoint, composeMtls(policies, rootNamespace, endpoint)])) };
}

function peersOf(service: MeshService, behind: Backend, { trustDomain, trustDomainAliases }: MeshConfig): Peers {
  const { endpoints } = behind;
  const ids = endpoints.filter(({ serviceAccount }) => serviceAccount !== '').flatMap(({ namespace, serviceAccount }) => [trustDomain, ...trustDomainAliases].map((domain) => spiffeId(domain, namespace, serviceAccount)));
  const takesMtls = (port: number): boolean => endpoints.length > 0 && endpoints.every((endpoint) => endpoint.mesh && endpointMode(behind, endpoint, endpoint.ports.get(port) ?? port) !== 'DISABLE');
  return {
    identities: [...new Set([...ids, ...service.subjectAltNames])].sort(),
    mtls: new Set(service.ports.map(({ number }) => number).filter(takesMtls)),
    named: service.resolution === 'dns' || service.resolution === 'dns-round-robin' ? behind : undefined,
  };
}

/** The mTLS modes of a workload. */
export function mtlsOf(index: InboundView, workload: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> }): WorkloadMtls {
  return composeMtls(index.peerPolicies, index.snapshot.mesh.rootNamespace, workload);
}

/** The DestinationRule that a proxy follows for a service. */
export function destinationRule(index: Pick<SnapshotIndex, 'destinationRules'> & { readonly snapshot: Pick<SnapshotIndex['snapshot'], 'mesh'> }, node: Pick<ProxyNode, 'namespace' | 'labels'>, service: Pick<MeshService, 'host' | 'namespace'>): MeshDestinationRule | undefined {
  return ruleFor(index.destinationRules, node, service, index.snapshot.mesh.rootNamespace);
}

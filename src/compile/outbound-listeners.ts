import { withOrigin, type FilterChain, type FilterChainMatch, type Listener, type Origin } from '../xds/index.ts';
import type { MeshPort, MeshService } from './model.ts';
import type { MeshConfig } from './mesh-config.ts';
import { httpFilter, listenerFilters, tcpFilters } from './network-filters.ts';
import { catchAllHost } from './sidecar-routes.ts';
import type { Recall } from './recall.ts';
import { importing, type Scope } from './scope.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { tcpChains, type ConnectionPlace } from './tcp-chains.ts';
import type { ReportingMesh } from './telemetry.ts';
import type { ProxyNode } from './types.ts';

const anyAddress = '0.0.0.0';
/** The ports on which the sidecar itself accepts captured connections. */
export const capturePorts = { outbound: 15001, inbound: 15006 } as const;
/** HTTP/1.0 would only be refused where it is not allowed, so it passes as any other protocol. */
const plainHttp = ({ http10 }: MeshConfig): FilterChainMatch => ({ transportProtocol: 'raw_buffer', applicationProtocols: [...(http10 ? ['http/1.0'] : []), 'http/1.1', 'h2c'] });
const plainHttpKey = 'plain http';

/** A listener while services are still being added to it. */
interface Draft {
  readonly bind: string;
  readonly port: number;
  readonly further: readonly string[];
  readonly chains: Map<string, FilterChain>;
  readonly origin: Origin;
}

/** The outbound listeners of a sidecar, and the names of the route tables that they ask for. */
export interface OutboundListeners {
  readonly listeners: readonly Listener[];
  readonly routeNames: readonly string[];
}

/**
 * One listener per HTTP port on every address, told apart by host; one per virtual IP and port for TCP; behind them virtualOutbound.
 * Services that share an address and port share the listener: the first one's chain stays where two would match the same connections.
 * Those of before while nothing that they are made from has changed.
 */
export function outboundListeners({ recall, destinationRules, snapshot: { mesh }, uses }: SnapshotIndex, node: ProxyNode, scope: Scope): OutboundListeners {
  const { services, sidecar, connectionRules } = scope;
  const read = uses.destinations || connectionRules.rules.some((rule) => uses.rules.has(rule));
  const besides = services.some(({ headless }) => headless) ? node.ip : '';
  return recall.of(allListeners, services, connectionRules, scope.faces, scope.addressedPorts, sidecar, scope.policy, destinationRules, mesh, recall, node.namespace, read ? node.labels : noLabels, besides);
}

/** For callers whose labels make no difference. */
const noLabels: ProxyNode['labels'] = {};

function allListeners(
  services: Scope['services'], connectionRules: Scope['connectionRules'], faces: Scope['faces'], addressedPorts: Scope['addressedPorts'], sidecar: Scope['sidecar'], policy: Scope['policy'],
  destinationRules: SnapshotIndex['destinationRules'], mesh: SnapshotIndex['snapshot']['mesh'], recall: Recall, namespace: string, labels: ProxyNode['labels'], besides: string,
): OutboundListeners {
  const drafts = new Map<string, Draft>();
  const routeNames = new Set<string>();
  const { imports, egress } = importing(sidecar, namespace);
  const place: ListenerPlace = {
    index: { recall, destinationRules, snapshot: { mesh } }, node: { namespace, labels }, scope: { faces, connectionRules }, port: 0, gateway: 'mesh', labels, namespace, tls: false,
    egress, addressedPorts, policy, besides,
  };
  for (const service of services) {
    for (const port of service.ports) {
      if (!imports(service.namespace, [service.host], port.number) || port.kind === 'udp' || port.number === capturePorts.outbound || port.number === capturePorts.inbound) continue;
      for (const bind of bindsOf(service, port, place)) addTo(draftFor(drafts, bind, service, port), service, port, { ...place, port: port.number }, routeNames);
    }
  }
  return { listeners: recall.of(listOf, 'listeners', ...[...drafts.values()].map((draft) => finish(draft, place)), recall.of(virtualOutbound, mesh, policy)), routeNames: [...routeNames] };
}

/** Where listeners are made for. */
interface ListenerPlace extends ConnectionPlace, Pick<Scope, 'egress' | 'addressedPorts' | 'policy'> {
  /** The address of the pod itself, which is not one of those that it connects to. */
  readonly besides: string;
}

/** One list for all namespaces whose listeners are the same. */
function listOf(_what: string, ...listeners: readonly Listener[]): readonly Listener[] {
  return listeners;
}

/**
 * HTTP listens on every address, and on the service's own where it is told apart by address;
 * TCP on the service's own, on each pod's for headless services, and on every address when there is none.
 */
function bindsOf(service: MeshService, port: MeshPort, { egress, addressedPorts, besides }: ListenerPlace): readonly (readonly string[])[] {
  const listed = egress.get(port.number)?.bind ?? '';
  if (listed !== '') return [[listed]];
  const own = service.addresses.filter((address) => !address.includes('/'));
  if (port.kind === 'http') return [[anyAddress], ...(addressedPorts.has(port.number) && own.length > 0 ? [own] : [])];
  if (service.headless) return service.named.filter(({ address }) => address !== besides).map(({ address }) => [address]);
  return [own.length === 0 ? [anyAddress] : own];
}

function draftFor(drafts: Map<string, Draft>, [bind = anyAddress, ...further]: readonly string[], service: MeshService, port: MeshPort): Draft {
  const key = `${bind}_${port.number}`;
  const draft = drafts.get(key) ?? { bind, further, port: port.number, chains: new Map(), origin: service.origin };
  drafts.set(key, draft);
  return draft;
}

function addTo(draft: Draft, service: MeshService, port: MeshPort, place: ListenerPlace, routeNames: Set<string>): void {
  if (port.kind === 'http' || port.kind === 'auto') {
    const listed = place.egress.get(port.number)?.bind ?? '';
    const routes = draft.bind === anyAddress || draft.bind === listed ? String(port.number) : `${service.host}:${port.number}`;
    if (!draft.chains.has(plainHttpKey)) {
      const statPrefix = draft.bind === anyAddress ? `outbound_${anyAddress}_${port.number}` : `outbound_${draft.bind}_${port.number}`;
      draft.chains.set(plainHttpKey, place.index.recall.of(httpChain, place.index.snapshot.mesh, statPrefix, routes));
      routeNames.add(routes);
    }
  }
  if (port.kind === 'http') return;
  for (const chain of tcpChains(service, port, draft.bind === anyAddress, place)) {
    const key = matchKey(chain);
    if (!draft.chains.has(key)) draft.chains.set(key, chain);
  }
}

function httpChain(mesh: ReportingMesh, statPrefix: string, routes: string): FilterChain {
  return { filterChainMatch: plainHttp(mesh), filters: [httpFilter({ statPrefix, routes, place: 'outbound', mesh })] };
}

function matchKey({ filterChainMatch }: FilterChain): string {
  return JSON.stringify(filterChainMatch ?? {});
}

function finish({ bind, port, further, chains, origin }: Draft, { index: { recall, snapshot: { mesh } }, egress, policy }: ListenerPlace): Listener {
  return recall.of(listenerOf, origin, bind, port, further.join(), egress.get(port)?.uncaptured === true, policy, mesh, ...chains.values());
}

/** A chain for every connection comes last, as the default: among the others it would not be tried once a more specific criterion has matched. */
function listenerOf(origin: Origin, bind: string, port: number, further: string, bindToPort: boolean, policy: Scope['policy'], mesh: ReportingMesh, ...all: readonly FilterChain[]): Listener {
  const open = all.find(({ filterChainMatch }) => filterChainMatch === undefined);
  const chains = all.length === 1 ? all : all.filter((chain) => chain !== open);
  const rest = open ?? (bind === anyAddress ? { name: 'PassthroughFilterChain', filters: unknownTcp(mesh, policy) } : undefined);
  const http = chains.some(({ filterChainMatch }) => (filterChainMatch?.applicationProtocols?.length ?? 0) > 0);
  const tls = http || chains.some(({ filterChainMatch }) => (filterChainMatch?.serverNames?.length ?? 0) > 0);
  return {
    name: `${bind}_${port}`,
    address: socketAddress(bind, port),
    ...(further === '' ? {} : { additionalAddresses: further.split(',').map((address) => ({ address: socketAddress(address, port) })) }),
    filterChains: [...chains],
    ...(rest === undefined || chains.includes(rest) ? {} : { defaultFilterChain: rest }),
    ...(tls || http ? { listenerFilters: [...(tls ? [listenerFilters.tls] : []), ...(http ? [listenerFilters.http] : [])], listenerFiltersTimeout: '0s', continueOnListenerFiltersTimeout: true } : {}),
    trafficDirection: 'OUTBOUND',
    bindToPort,
    metadata: withOrigin(origin),
  };
}

/** Connections for an address that nobody declared. */
function unknownTcp(mesh: ReportingMesh, policy: Scope['policy']): NonNullable<FilterChain['filters']> {
  const cluster = policy === 'REGISTRY_ONLY' ? 'BlackHoleCluster' : 'PassthroughCluster';
  return tcpFilters(cluster, [{ cluster, weight: 0 }], mesh);
}

/** The listener that really accepts: it hands connections to the others by their original destination, and keeps those that none takes. */
function virtualOutbound(mesh: ReportingMesh, policy: Scope['policy']): Listener {
  const blackHole: FilterChain = { name: 'virtualOutbound-blackhole', filterChainMatch: { destinationPort: capturePorts.outbound }, filters: tcpFilters('BlackHoleCluster', [{ cluster: 'BlackHoleCluster', weight: 0 }], mesh) };
  const tcp: FilterChain = { name: 'virtualOutbound-catchall-tcp', filters: unknownTcp(mesh, policy) };
  const dynamic = policy === 'ALLOW_ANY_DYNAMIC_DNS';
  const http: FilterChain = {
    name: 'virtualOutbound-catchall-http', filterChainMatch: plainHttp(mesh),
    filters: [httpFilter({ statPrefix: 'virtualOutbound-catchall-http', routes: { name: 'virtualOutbound-catchall-http', virtualHosts: [catchAllHost(policy)], validateClusters: false }, place: 'outbound', mesh })],
  };
  return {
    name: 'virtualOutbound',
    address: socketAddress(anyAddress, capturePorts.outbound),
    filterChains: [blackHole, dynamic ? http : tcp],
    ...(dynamic ? { defaultFilterChain: tcp, listenerFilters: [listenerFilters.tls, listenerFilters.http], listenerFiltersTimeout: '0s', continueOnListenerFiltersTimeout: true } : {}),
    useOriginalDst: true,
    trafficDirection: 'OUTBOUND',
  };
}

/** A TCP address in Envoy's form. */
export function socketAddress(address: string, portValue: number): NonNullable<Listener['address']> {
  return { socketAddress: { address, portValue } };
}

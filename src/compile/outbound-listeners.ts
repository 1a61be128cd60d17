import { withOrigin, type FilterChain, type FilterChainMatch, type Listener, type Origin } from '../xds/index.ts';
import type { RouteContext } from './http-routes.ts';
import type { MeshPort, MeshService } from './model.ts';
import type { MeshConfig } from './mesh-config.ts';
import { httpFilter, listenerFilters, tcpFilters } from './network-filters.ts';
import { catchAllHost } from './sidecar-routes.ts';
import type { Scope } from './scope.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { tcpChains } from './tcp-chains.ts';
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
 */
export function outboundListeners(index: SnapshotIndex, node: ProxyNode, scope: Scope): OutboundListeners {
  const drafts = new Map<string, Draft>();
  const routeNames = new Set<string>();
  for (const service of scope.services) {
    for (const port of service.ports) {
      if (!scope.imports(service.namespace, [service.host], port.number) || port.kind === 'udp' || port.number === capturePorts.outbound || port.number === capturePorts.inbound) continue;
      const context: RouteContext = { index, node, scope, port: port.number, gateway: 'mesh', labels: node.labels, namespace: node.namespace, tls: false };
      for (const bind of bindsOf(service, port, node, scope)) addTo(draftFor(drafts, bind, service, port), service, port, context, routeNames);
    }
  }
  return { listeners: [...[...drafts.values()].map((draft) => finish(draft, index, scope)), virtualOutbound(index, scope)], routeNames: [...routeNames] };
}

/**
 * HTTP listens on every address, and on the service's own where it is told apart by address;
 * TCP on the service's own, on each pod's for headless services, and on every address when there is none.
 */
function bindsOf(service: MeshService, port: MeshPort, node: ProxyNode, scope: Scope): readonly (readonly string[])[] {
  const listed = scope.egress.get(port.number)?.bind ?? '';
  if (listed !== '') return [[listed]];
  const own = service.addresses.filter((address) => !address.includes('/'));
  if (port.kind === 'http') return [[anyAddress], ...(scope.addressedPorts.has(port.number) && own.length > 0 ? [own] : [])];
  if (service.headless) return service.endpoints.filter(({ address, ready }) => ready && address !== node.ip).map(({ address }) => [address]);
  return [own.length === 0 ? [anyAddress] : own];
}

function draftFor(drafts: Map<string, Draft>, [bind = anyAddress, ...further]: readonly string[], service: MeshService, port: MeshPort): Draft {
  const key = `${bind}_${port.number}`;
  const draft = drafts.get(key) ?? { bind, further, port: port.number, chains: new Map(), origin: service.origin };
  drafts.set(key, draft);
  return draft;
}

function addTo(draft: Draft, service: MeshService, port: MeshPort, context: RouteContext, routeNames: Set<string>): void {
  if (port.kind === 'http' || port.kind === 'auto') {
    const listed = context.scope.egress.get(port.number)?.bind ?? '';
    const routes = draft.bind === anyAddress || draft.bind === listed ? String(port.number) : `${service.host}:${port.number}`;
    if (!draft.chains.has(plainHttpKey)) {
      const statPrefix = draft.bind === anyAddress ? `outbound_${anyAddress}_${port.number}` : `outbound_${draft.bind}_${port.number}`;
      draft.chains.set(plainHttpKey, { filterChainMatch: plainHttp(context.index.snapshot.mesh), filters: [httpFilter({ statPrefix, routes, place: 'outbound', mesh: context.index.snapshot.mesh })] });
      routeNames.add(routes);
    }
  }
  if (port.kind === 'http') return;
  for (const chain of tcpChains(service, port, draft.bind === anyAddress, context)) {
    const key = matchKey(chain);
    if (!draft.chains.has(key)) draft.chains.set(key, chain);
  }
}

function matchKey({ filterChainMatch }: FilterChain): string {
  return JSON.stringify(filterChainMatch ?? {});
}

/** A chain for every connection comes last, as the default: among the others it would not be tried once a more specific criterion has matched. */
function finish(draft: Draft, index: SnapshotIndex, scope: Scope): Listener {
  const all = [...draft.chains.values()];
  const open = all.find(({ filterChainMatch }) => filterChainMatch === undefined);
  const chains = all.length === 1 ? all : all.filter((chain) => chain !== open);
  const rest = open ?? (draft.bind === anyAddress ? { name: 'PassthroughFilterChain', filters: unknownTcp(index, scope) } : undefined);
  const http = chains.some(({ filterChainMatch }) => (filterChainMatch?.applicationProtocols?.length ?? 0) > 0);
  const tls = http || chains.some(({ filterChainMatch }) => (filterChainMatch?.serverNames?.length ?? 0) > 0);
  return {
    name: `${draft.bind}_${draft.port}`,
    address: socketAddress(draft.bind, draft.port),
    ...(draft.further.length === 0 ? {} : { additionalAddresses: draft.further.map((address) => ({ address: socketAddress(address, draft.port) })) }),
    filterChains: chains,
    ...(rest === undefined || chains.includes(rest) ? {} : { defaultFilterChain: rest }),
    ...(tls || http ? { listenerFilters: [...(tls ? [listenerFilters.tls] : []), ...(http ? [listenerFilters.http] : [])], listenerFiltersTimeout: '0s', continueOnListenerFiltersTimeout: true } : {}),
    trafficDirection: 'OUTBOUND',
    bindToPort: scope.egress.get(draft.port)?.uncaptured === true,
    metadata: withOrigin(draft.origin),
  };
}

/** Connections for an address that nobody declared. */
function unknownTcp({ snapshot }: SnapshotIndex, { policy }: Scope): NonNullable<FilterChain['filters']> {
  const cluster = policy === 'REGISTRY_ONLY' ? 'BlackHoleCluster' : 'PassthroughCluster';
  return tcpFilters(cluster, [{ cluster, weight: 0 }], snapshot.mesh);
}

/** The listener that really accepts: it hands connections to the others by their original destination, and keeps those that none takes. */
function virtualOutbound(index: SnapshotIndex, scope: Scope): Listener {
  const { mesh } = index.snapshot;
  const blackHole: FilterChain = { name: 'virtualOutbound-blackhole', filterChainMatch: { destinationPort: capturePorts.outbound }, filters: tcpFilters('BlackHoleCluster', [{ cluster: 'BlackHoleCluster', weight: 0 }], mesh) };
  const tcp: FilterChain = { name: 'virtualOutbound-catchall-tcp', filters: unknownTcp(index, scope) };
  const dynamic = scope.policy === 'ALLOW_ANY_DYNAMIC_DNS';
  const http: FilterChain = {
    name: 'virtualOutbound-catchall-http', filterChainMatch: plainHttp(mesh),
    filters: [httpFilter({ statPrefix: 'virtualOutbound-catchall-http', routes: { name: 'virtualOutbound-catchall-http', virtualHosts: [catchAllHost(scope.policy)], validateClusters: false }, place: 'outbound', mesh })],
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

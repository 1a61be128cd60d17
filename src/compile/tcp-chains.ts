import { compileTcpLife } from '../features/circuit-breaking/compile.ts';
import { connectionMatchApplies, type ConnectionContext } from '../features/tcp-routing/compile.ts';
import type { VirtualService } from '../manifest/index.ts';
import { clusterName, parseClusterName, withOrigin, type FilterChain, type FilterChainMatch, type Origin } from '../xds/index.ts';
import { policyFor } from './destination-rules.ts';
import { clusterOf, type HttpContext } from './http-routes.ts';
import { originAt, type MeshPort, type MeshService, type MeshVirtualService } from './model.ts';
import { tcpFilters } from './network-filters.ts';
import type { Scope } from './scope.ts';
import { destinationRule } from './snapshot-index.ts';
import type { ReportingMesh } from './telemetry.ts';

/** Where chains are made for. */
export interface ConnectionPlace extends HttpContext {
  readonly scope: Pick<Scope, 'faces' | 'connectionRules'>;
}

type Destinations = VirtualService['tcp'][number]['route'];

/** The filter chains of a TCP or TLS port of a service: those of VirtualServices, and the service's own where they leave connections over. */
export function tcpChains(service: MeshService, port: MeshPort, wildcardBind: boolean, context: ConnectionPlace): readonly FilterChain[] {
  const rules = context.scope.connectionRules.all(service.host);
  const ranges = rangesOf(service);
  return port.kind === 'tls' ? tlsChains(service, port, wildcardBind, ranges, rules, context) : plainChains(service, port, ranges, rules, context);
}

/** By server name. Without a rule, the name counts only where the address does not already tell the service. */
function tlsChains(service: MeshService, port: MeshPort, wildcardBind: boolean, ranges: readonly string[], rules: readonly MeshVirtualService[], context: ConnectionPlace): readonly FilterChain[] {
  const chains: FilterChain[] = [];
  for (const rule of rules) {
    rule.tls.forEach(({ match, route }, at) => {
      for (const candidate of match.filter((entry) => connectionMatchApplies(entry, connectionContext(context)))) {
        chains.push(tcpChain({ serverNames: candidate.sniHosts, ranges: candidate.destinationSubnets.length > 0 ? candidate.destinationSubnets : ranges }, route, originAt(rule.resource, ['spec', 'tls', at]), context));
      }
    });
  }
  if (chains.length > 0) return chains;
  const named = ranges.length > 0 || wildcardBind;
  return [ownChain(service, port, named, context)];
}

function plainChains(service: MeshService, port: MeshPort, ranges: readonly string[], rules: readonly MeshVirtualService[], context: ConnectionPlace): readonly FilterChain[] {
  const chains: FilterChain[] = [];
  for (const rule of rules) {
    for (const [at, { match, route }] of rule.tcp.entries()) {
      const applying = match.filter((entry) => connectionMatchApplies(entry, connectionContext(context)));
      if (match.length > 0 && applying.length === 0) continue;
      const from = originAt(rule.resource, ['spec', 'tcp', at]);
      if (applying.some(({ destinationSubnets }) => destinationSubnets.length === 0) || match.length === 0) return [...chains, tcpChain({ serverNames: [], ranges }, route, from, context)];
      chains.push(tcpChain({ serverNames: [], ranges: applying.flatMap(({ destinationSubnets }) => destinationSubnets) }, route, from, context));
    }
  }
  return [...chains, ownChain(service, port, false, context)];
}

function connectionContext({ gateway, port, labels, namespace }: ConnectionPlace): ConnectionContext {
  return { gateway, port, labels, namespace };
}

interface ChainMatch {
  readonly serverNames: readonly string[];
  readonly ranges: readonly string[];
}

/** The same object for all who follow the same rule for the service. */
function ownChain(service: MeshService, port: MeshPort, byName: boolean, context: ConnectionPlace): FilterChain {
  const { recall, snapshot: { mesh } } = context.index;
  return recall.of(serviceChain, service, port, byName, mesh, poolOf(service.host, port.number, '', context));
}

function serviceChain(service: MeshService, port: MeshPort, byName: boolean, mesh: ReportingMesh, pool: ConnectionPool): FilterChain {
  const cluster = clusterName({ direction: 'outbound', port: port.number, subset: '', host: service.host });
  const match = { serverNames: byName ? [service.host] : [], ranges: rangesOf(service) };
  return { ...chainMatch(match), filters: tcpFilters(cluster, [{ cluster, weight: 0 }], mesh, compileTcpLife(pool)), metadata: withOrigin(service.origin) };
}

function rangesOf({ addresses }: MeshService): readonly string[] {
  return addresses.filter((address) => address.includes('/'));
}

type ConnectionPool = Parameters<typeof compileTcpLife>[0];

/** What the DestinationRule of a service says of connections, and so how long they may last; a rule's connections follow its first destination. */
function poolOf(host: string, port: number, subset: string, { index, node, scope }: ConnectionPlace): ConnectionPool {
  const service = scope.faces.get(host);
  return service === undefined ? undefined : policyFor(destinationRule(index, node, service), port, subset === '' ? undefined : subset).connectionPool;
}

/** A chain to the destinations of a rule. */
export function tcpChain(match: ChainMatch, route: Destinations, from: Origin, context: ConnectionPlace): FilterChain {
  const destinations = route.flatMap(({ destination, weight }) => (destination === undefined ? [] : [{ cluster: clusterOf(destination, context), weight }]));
  const first = parseClusterName(destinations[0]?.cluster ?? '');
  return { ...chainMatch(match), filters: tcpFilters(destinations[0]?.cluster ?? '', destinations, context.index.snapshot.mesh, first === undefined ? {} : compileTcpLife(poolOf(first.host, first.port, first.subset, context))), metadata: withOrigin(from) };
}

/** The match of a chain; none at all when every connection is meant. `*` as server name is every name. */
export function chainMatch({ serverNames, ranges }: ChainMatch): Pick<FilterChain, 'filterChainMatch'> {
  const names = serverNames.includes('*') ? [] : serverNames;
  const match: FilterChainMatch = {
    ...(names.length === 0 ? {} : { serverNames: [...names] }),
    ...(ranges.length === 0 ? {} : { prefixRanges: ranges.map(cidr) }),
  };
  return Object.keys(match).length === 0 ? {} : { filterChainMatch: match };
}

function cidr(text: string): NonNullable<FilterChainMatch['prefixRanges']>[number] {
  const [addressPrefix = '', length] = text.split('/');
  return { addressPrefix, prefixLen: length === undefined ? (addressPrefix.includes(':') ? 128 : 32) : Number(length) };
}

import { compileTcpLife } from '../features/circuit-breaking/compile.ts';
import { connectionMatchApplies, type ConnectionContext } from '../features/tcp-routing/compile.ts';
import type { VirtualService } from '../manifest/index.ts';
import { clusterName, parseClusterName, withOrigin, type FilterChain, type FilterChainMatch, type Origin } from '../xds/index.ts';
import { policyFor } from './destination-rules.ts';
import { clusterOf, type RouteContext } from './http-routes.ts';
import { originAt, type MeshPort, type MeshService, type MeshVirtualService } from './model.ts';
import { tcpFilters } from './network-filters.ts';
import { destinationRule } from './snapshot-index.ts';

type Destinations = VirtualService['tcp'][number]['route'];

/** The filter chains of a TCP or TLS port of a service: those of VirtualServices, and the service's own where they leave connections over. */
export function tcpChains(service: MeshService, port: MeshPort, wildcardBind: boolean, context: RouteContext): readonly FilterChain[] {
  const rules = context.scope.connectionRules.all(service.host);
  const ranges = service.addresses.filter((address) => address.includes('/'));
  return port.kind === 'tls' ? tlsChains(service, port, wildcardBind, ranges, rules, context) : plainChains(service, port, ranges, rules, context);
}

/** By server name. Without a rule, the name counts only where the address does not already tell the service. */
function tlsChains(service: MeshService, port: MeshPort, wildcardBind: boolean, ranges: readonly string[], rules: readonly MeshVirtualService[], context: RouteContext): readonly FilterChain[] {
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
  return [serviceChain(service, port, { serverNames: named ? [service.host] : [], ranges }, context)];
}

function plainChains(service: MeshService, port: MeshPort, ranges: readonly string[], rules: readonly MeshVirtualService[], context: RouteContext): readonly FilterChain[] {
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
  return [...chains, serviceChain(service, port, { serverNames: [], ranges }, context)];
}

function connectionContext({ gateway, port, labels, namespace }: RouteContext): ConnectionContext {
  return { gateway, port, labels, namespace };
}

interface ChainMatch {
  readonly serverNames: readonly string[];
  readonly ranges: readonly string[];
}

function serviceChain(service: MeshService, port: MeshPort, match: ChainMatch, context: RouteContext): FilterChain {
  const cluster = clusterName({ direction: 'outbound', port: port.number, subset: '', host: service.host });
  return { ...chainMatch(match), filters: tcpFilters(cluster, [{ cluster, weight: 0 }], context.index.snapshot.mesh, lifeOf(service.host, port.number, '', context)), metadata: withOrigin(service.origin) };
}

/** How long connections to a service may last, by its DestinationRule; a rule's connections follow its first destination. */
function lifeOf(host: string, port: number, subset: string, { index, node, scope }: RouteContext): ReturnType<typeof compileTcpLife> {
  const service = scope.faces.get(host);
  return service === undefined ? {} : compileTcpLife(policyFor(destinationRule(index, node, service), port, subset === '' ? undefined : subset).connectionPool);
}

/** A chain to the destinations of a rule. */
export function tcpChain(match: ChainMatch, route: Destinations, from: Origin, context: RouteContext): FilterChain {
  const destinations = route.flatMap(({ destination, weight }) => (destination === undefined ? [] : [{ cluster: clusterOf(destination, context), weight }]));
  const first = parseClusterName(destinations[0]?.cluster ?? '');
  return { ...chainMatch(match), filters: tcpFilters(destinations[0]?.cluster ?? '', destinations, context.index.snapshot.mesh, first === undefined ? {} : lifeOf(first.host, first.port, first.subset, context)), metadata: withOrigin(from) };
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

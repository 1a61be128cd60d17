import { serverTransport } from '../features/gateway/compile.ts';
import { inboundMatches, inboundMtls, portMode, type MtlsMode, type PortProtocol } from '../features/mtls/compile.ts';
import type { Sidecar } from '../manifest/index.ts';
import { withOrigin, withRuleOrigins, type FilterChain, type Listener, type NetworkFilter, type Origin } from '../xds/index.ts';
import { accessOf, type Access } from './authorization.ts';
import { originAt } from './model.ts';
import { httpFilter, listenerFilters, tcpFilters } from './network-filters.ts';
import { capturePorts, socketAddress } from './outbound-listeners.ts';
import { parseProtocol, type ProtocolKind } from './protocol.ts';
import type { Scope } from './scope.ts';
import { inboundRoutes } from './sidecar-routes.ts';
import { mtlsOf, type InboundView, type ServiceTarget } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** A port of the workload that gets config of its own. */
export interface InboundPort {
  readonly port: number;
  readonly kind: ProtocolKind;
  readonly http2: boolean;
  /** The address in the names of its chains. */
  readonly bind: string;
  /** Host and port of the service, for the name of traced operations. */
  readonly operation: string;
  readonly origin: Origin;
  /** Where a Sidecar resource sends the port's traffic; else it goes on to where it was sent. */
  readonly endpoint?: { readonly address: string; readonly port: number };
  /** The workload's own port, when this one only stands for it: policies speak of that one. */
  readonly target?: number;
  readonly tls?: NonNullable<Sidecar['ingress'][number]['tls']>;
  /** What comes out of that TLS. */
  readonly ends?: 'http' | 'tcp';
}

/** The ports of a workload: what a Sidecar resource lists, else the targets of its services; the oldest service decides the protocol. */
export function inboundPorts(index: InboundView, node: ProxyNode, targets: readonly ServiceTarget[], sidecar: Scope['sidecar']): readonly InboundPort[] {
  if (sidecar !== undefined && sidecar.spec.ingress.length > 0) {
    const listed = listedPorts(sidecar, node);
    return index.snapshot.withoutKubeProxy === true ? [...listed, ...portsFor(listed, node, targets)] : listed;
  }
  const ports = new Map<number, InboundPort>();
  for (const { service, servicePort, targetPort } of targets) {
    const port = service.ports.find(({ number }) => number === servicePort);
    if (port === undefined || port.kind === 'udp' || ports.has(targetPort)) continue;
    ports.set(targetPort, { port: targetPort, kind: port.kind, http2: port.http2, bind: '0.0.0.0', operation: `${service.host}:${servicePort}/*`, origin: service.origin });
  }
  if (index.snapshot.withoutKubeProxy !== true) return [...ports.values()];
  return [...ports.values(), ...servicePorts(node, targets, new Set(ports.keys()))];
}

/** Service ports that stand for another port of the workload: without a kube-proxy nobody has translated them for callers that have no sidecar. */
function servicePorts(node: ProxyNode, targets: readonly ServiceTarget[], taken: ReadonlySet<number>): readonly InboundPort[] {
  const ports = new Map<number, InboundPort>();
  for (const { service, servicePort, targetPort } of targets) {
    const port = service.ports.find(({ number }) => number === servicePort);
    if (port === undefined || port.kind === 'udp' || taken.has(servicePort) || ports.has(servicePort)) continue;
    ports.set(servicePort, {
      port: servicePort, target: targetPort, kind: port.kind, http2: port.http2, bind: '0.0.0.0', operation: `${service.host}:${servicePort}/*`, origin: service.origin,
      endpoint: { address: node.ip, port: targetPort },
    });
  }
  return [...ports.values()];
}

/** The same for ports that a Sidecar lists. */
function portsFor(listed: readonly InboundPort[], node: ProxyNode, targets: readonly ServiceTarget[]): readonly InboundPort[] {
  return servicePorts(node, targets, new Set(listed.map(({ port }) => port))).flatMap((standing) => {
    const own = listed.find(({ port }) => port === standing.target);
    return own === undefined ? [] : [{ ...own, port: standing.port, target: own.port, endpoint: own.endpoint ?? { address: node.ip, port: own.port } }];
  });
}

/** A default endpoint of `0.0.0.0` is the workload's own address; HTTPS that is terminated is HTTP. Source: istio.io, Sidecar, IstioIngressListener. */
function listedPorts(sidecar: NonNullable<Scope['sidecar']>, node: ProxyNode): readonly InboundPort[] {
  return sidecar.spec.ingress.flatMap(({ port, bind, defaultEndpoint, tls }, at): readonly InboundPort[] => {
    if (port === undefined) return [];
    const { kind, http2 } = parseProtocol(port.protocol === '' ? (port.name.split('-')[0] ?? '') : port.protocol);
    const [, address = '', target = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(defaultEndpoint) ?? [];
    const here = address === '0.0.0.0' || address === '::';
    const elsewhere = target !== '' && !(here && Number(target) === port.number) ? { endpoint: { address: here ? node.ip : address === '' ? '127.0.0.1' : address, port: Number(target) } } : {};
    return [{ port: port.number, kind, http2, ends: port.protocol.toUpperCase() === 'HTTPS' || kind === 'http' ? 'http' : 'tcp', bind: bind === '' ? node.ip : bind, operation: `${node.name}:${port.number}/*`, origin: originAt(sidecar, ['spec', 'ingress', at]), ...elsewhere, ...(tls === undefined ? {} : { tls }) }];
  });
}

/** The listener for captured inbound connections: chains per port of the workload, and pass-through chains for all other ports. */
export function virtualInbound(index: InboundView, node: ProxyNode, ports: readonly InboundPort[]): Listener {
  const { mesh } = index.snapshot;
  const mtls = mtlsOf(index, node);
  const access = accessOf(index, node);
  const own = ports.flatMap((port) => portChains(index, access, port, portMode(mtls, port.target ?? port.port)));
  const other = [...mtls.ports].filter(([number]) => !ports.some(({ port }) => port === number)).flatMap(([number, mode]) => passthroughChains(index, access, mode, number));
  const unsniffed = ports.filter(({ kind }) => kind !== 'auto').map(({ port }) => port);
  return {
    name: 'virtualInbound',
    address: socketAddress('0.0.0.0', capturePorts.inbound),
    filterChains: [
      { name: 'virtualInbound-blackhole', filterChainMatch: { destinationPort: capturePorts.inbound }, filters: tcpFilters('BlackHoleCluster', [{ cluster: 'BlackHoleCluster', weight: 0 }], { ...mesh, reporting: { ...mesh.reporting, client: mesh.reporting.server } }) },
      ...passthroughChains(index, access, mtls.mode), ...other, ...own,
    ],
    listenerFilters: [listenerFilters.originalDestination, listenerFilters.tls, { ...listenerFilters.http, ...disabledOn(unsniffed) }],
    listenerFiltersTimeout: '0s',
    continueOnListenerFiltersTimeout: true,
    trafficDirection: 'INBOUND',
    ...(Object.keys(access.origins).length === 0 ? {} : { metadata: withRuleOrigins(access.origins) }),
  };
}

function disabledOn(ports: readonly number[]): Pick<NonNullable<Listener['listenerFilters']>[number], 'filterDisabled'> {
  const rules = ports.map((port) => ({ destinationPortRange: { start: port, end: port + 1 } }));
  const [only] = rules;
  if (only === undefined) return {};
  return { filterDisabled: rules.length === 1 ? only : { orMatch: { rules } } };
}

function portChains(index: InboundView, access: Access, port: InboundPort, mode: MtlsMode): readonly FilterChain[] {
  const { mesh } = index.snapshot;
  const cluster = `inbound|${port.port}||`;
  const stands = port.target === undefined ? undefined : { port: port.port, target: port.target };
  const filters = (protocol: 'http' | 'tcp'): NetworkFilter[] => protocol === 'http'
    ? [httpFilter({ statPrefix: `inbound_${port.bind}_${port.port}`, routes: inboundRoutes(cluster, `inbound|http|${port.port}`, cluster, port.operation, port.origin), place: 'inbound', mesh, access: access.http(stands) })]
    : [...access.network(stands), ...tcpFilters(cluster, [{ cluster, weight: 0 }], mesh)];
  const name = `${port.bind}_${port.port}`;
  if (port.tls !== undefined && mode === 'DISABLE') {
    const http = port.ends === 'http';
    return [{ name, filterChainMatch: { destinationPort: port.port, transportProtocol: 'tls' }, filters: filters(http ? 'http' : 'tcp'), transportSocket: serverTransport(port.tls, http), metadata: withOrigin(port.origin) }];
  }
  return inboundMatches(mode, protocolOf(port.kind)).map(({ match, protocol, tls }): FilterChain => ({
    name,
    filterChainMatch: { destinationPort: port.port, ...match },
    filters: filters(protocol),
    ...(tls ? { transportSocket: inboundMtls(protocol, [mesh.trustDomain, ...mesh.trustDomainAliases]) } : {}),
    metadata: withOrigin(port.origin),
  }));
}

function protocolOf(kind: ProtocolKind): PortProtocol {
  return kind === 'http' || kind === 'auto' ? kind : 'tcp';
}

/** Chains for ports that no service names; for one such port when a policy singles it out. */
function passthroughChains(index: InboundView, access: Access, mode: MtlsMode, port?: number): readonly FilterChain[] {
  const { mesh } = index.snapshot;
  const cluster = 'InboundPassthroughCluster';
  const where = port === undefined ? { prefixRanges: [{ addressPrefix: '0.0.0.0', prefixLen: 0 }] } : { destinationPort: port };
  return inboundMatches(mode, 'auto').map(({ match, protocol, tls }): FilterChain => ({
    name: protocol === 'http' ? 'virtualInbound-catchall-http' : 'virtualInbound',
    filterChainMatch: { ...where, ...match },
    filters: protocol === 'http'
      ? [httpFilter({ statPrefix: cluster, routes: inboundRoutes(cluster, 'inbound|http|0', cluster, ':0/*', undefined), place: 'inbound', mesh, access: access.http() })]
      : [...access.network(), ...tcpFilters(cluster, [{ cluster, weight: 0 }], mesh)],
    ...(tls ? { transportSocket: inboundMtls(protocol, [mesh.trustDomain, ...mesh.trustDomainAliases]) } : {}),
  }));
}

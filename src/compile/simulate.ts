import { prepareListeners, prepareRoutes, type ConnectionFacts, type ListenerTable, type RequestFacts, type RouteTable } from '../routing/index.ts';
import type { DownstreamTlsContext, FilterChain, HttpConnectionManager, ProxyConfig, RouteConfiguration, TcpProxy } from '../xds/index.ts';
import { filterNames } from './network-filters.ts';
import { simulateAccess, type SimulatedAccess } from './simulate-access.ts';
import type { KnownTokens } from './tokens.ts';

/** A connection and its first request, as they arrive at one proxy. */
export interface SimulatedCall {
  /** The port of the socket that accepts: 15001 for outbound, 15006 for inbound, or the gateway's own. */
  readonly localPort: number;
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly sourceIp: string;
  readonly protocol: 'http' | 'http2' | 'tcp';
  readonly tls: 'plaintext' | 'tls' | 'mtls';
  /** What the caller offers in TLS. */
  readonly alpn: readonly string[];
  readonly serverName: string;
  /** The certificate that the caller of an mTLS connection expects the server to have, by secret name. */
  readonly secret?: string;
  /** The identity that the caller shows over mTLS: a SPIFFE URI. */
  readonly principal?: string;
  readonly request: RequestFacts;
  /** What is known of the tokens in the request; without it, they are not judged. */
  readonly tokens?: KnownTokens;
  /** Chooses among weighted clusters, in [0, 1). */
  readonly random?: number;
}

/** Why a call does not get to a cluster. */
export type SimulationError =
  | 'no-listener' | 'no-filter-chain' | 'ambiguous-filter-chains' | 'invalid-mtls' | 'protocol-error' | 'no-route-table' | 'no-virtual-host' | 'no-route' | 'tls-required' | 'denied';

/** What a proxy decides: names of the resources that matched, as far as it gets. */
export interface SimulationResult {
  readonly error?: SimulationError;
  readonly listener?: string;
  readonly filterChain?: string;
  readonly routeTable?: string;
  readonly virtualHost?: string;
  readonly route?: string;
  /** Empty for redirects and direct responses. */
  readonly cluster?: string;
  /** What authorization says, when policies apply. */
  readonly access?: SimulatedAccess;
}

/** Runs a call through the config of one proxy: the same matching that carries traffic. */
export function simulate(config: ProxyConfig, call: SimulatedCall): SimulationResult {
  let listeners: ListenerTable;
  try {
    listeners = prepareListeners(config.listeners);
  } catch {
    return { error: 'ambiguous-filter-chains' };
  }
  const prepared = listeners.find(call.localPort, call.destinationIp, call.destinationPort);
  if (prepared === undefined) return { error: 'no-listener' };
  const match = prepared.match(connectionFacts(call, prepared.inspects(call.destinationPort)));
  const listener = prepared.listener.name ?? '';
  if (match.kind !== 'chain') return { error: match.kind === 'no-listener' ? 'no-listener' : 'no-filter-chain', listener };
  const refused = refusedBy(match.chain, call);
  if (refused !== undefined) return { listener, filterChain: match.chain.name ?? '', error: refused };
  const access = simulateAccess(match.listener, match.chain, call);
  const found = { listener, filterChain: match.chain.name ?? '', ...(access.steps.length === 0 ? {} : { access }) };
  if (access.denied !== '') return { ...found, error: 'denied' };
  const http = networkFilter<HttpConnectionManager>(match.chain, filterNames.httpConnectionManager);
  if (http !== undefined) return { ...found, ...routed(config, http, { ...call, request: access.request }) };
  const tcp = networkFilter<TcpProxy>(match.chain, filterNames.tcpProxy);
  return { ...found, cluster: tcp?.cluster ?? tcp?.weightedClusters?.clusters?.[0]?.name ?? '' };
}

/** What matching sees of a connection: only what the listener's inspectors look at. */
export function connectionFacts(call: SimulatedCall, inspects: { readonly tls: boolean; readonly http: boolean }): ConnectionFacts {
  const secure = call.tls !== 'plaintext' && inspects.tls;
  const sniffed = call.protocol === 'tcp' || call.tls !== 'plaintext' || !inspects.http ? [] : [call.protocol === 'http2' ? 'h2c' : 'http/1.1'];
  return {
    destinationIp: call.destinationIp, destinationPort: call.destinationPort, sourceIp: call.sourceIp,
    transportProtocol: secure ? 'tls' : 'raw_buffer',
    applicationProtocols: secure ? call.alpn : sniffed,
    ...(call.serverName === '' ? {} : { serverName: call.serverName }),
  };
}

/** A chain's network filter of one kind. */
export function networkFilter<Config>(chain: FilterChain, name: string): Config | undefined {
  return chain.filters?.find((filter) => filter.name === name)?.typedConfig as Config | undefined;
}

/** Whether the chain's transport and protocol can take the call. */
function refusedBy(chain: FilterChain, call: SimulatedCall): SimulationError | undefined {
  const tls = chain.transportSocket?.typedConfig as DownstreamTlsContext | undefined;
  const http = networkFilter(chain, filterNames.httpConnectionManager) !== undefined;
  if (tls === undefined) return http && (call.tls !== 'plaintext' || call.protocol === 'tcp') ? 'protocol-error' : undefined;
  if (call.tls === 'plaintext') return 'protocol-error';
  const mutual = tls.requireClientCertificate === true;
  const secrets = (tls.commonTlsContext?.tlsCertificateSdsSecretConfigs ?? []).map(({ name }) => name);
  if (mutual !== (call.tls === 'mtls')) return 'invalid-mtls';
  if (call.tls === 'mtls' && !secrets.includes(call.secret ?? 'default')) return 'invalid-mtls';
  return http && call.protocol === 'tcp' ? 'protocol-error' : undefined;
}

function routed(config: ProxyConfig, manager: HttpConnectionManager, call: SimulatedCall): SimulationResult {
  const table = routeTableOf(config, manager);
  if (table === undefined) return { error: 'no-route-table' };
  const match = table.match(call.request, call.random ?? 0);
  const where = { routeTable: table.name, ...(match.virtualHost?.name === undefined ? {} : { virtualHost: match.virtualHost.name }) };
  return match.kind === 'route' ? { ...where, route: match.route.name ?? '', cluster: match.cluster ?? '' } : { ...where, error: match.kind };
}

/** The route table of a connection manager, by name or in place. */
export function routeTableOf(config: ProxyConfig, manager: HttpConnectionManager): RouteTable | undefined {
  const routes: RouteConfiguration | undefined = manager.routeConfig ?? config.routes.find(({ name }) => name === manager.rds?.routeConfigName);
  return routes === undefined ? undefined : prepareRoutes(routes);
}

import type { PodInfo, MeshSnapshot } from '../../src/compile/index.ts';
import { networkFilter, routeTableOf } from '../../src/compile/simulate.ts';
import { changeRequestHeaders, changeResponseHeaders, headerLevels, prepareListeners, prepareRewrite, redirectOf, rewrittenAuthority, type MutableHeaders, type RequestFacts } from '../../src/routing/index.ts';
import type { DownstreamTlsContext, HttpConnectionManager, ProxyConfig, Route } from '../../src/xds/index.ts';

/** A request as it arrives at a proxy. */
export interface Arrival {
  readonly localPort: number;
  readonly ip: string;
  readonly port: number;
  readonly secure: boolean;
  readonly serverName: string;
  /** Whether the caller shows a certificate that the gateway trusts. */
  readonly certified: boolean;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly random: number;
}

/** What came of a request: the answer, and what the backend saw of it. */
export interface Exchanged {
  /** 0 when the connection is refused. */
  readonly status: number;
  readonly location?: string;
  readonly responseHeaders: ReadonlyMap<string, readonly string[]>;
  readonly backend?: Pick<PodInfo, 'name' | 'namespace'>;
  readonly path?: string;
  readonly host?: string;
  readonly requestHeaders?: ReadonlyMap<string, readonly string[]>;
  readonly mirrors?: readonly string[];
}

const refused: Exchanged = { status: 0, responseHeaders: new Map() };

class HeaderMap implements MutableHeaders {
  readonly values = new Map<string, string[]>();
  has(name: string): boolean { return this.values.has(name); }
  set(name: string, value: string): void { this.values.set(name, [value]); }
  add(name: string, value: string): void { this.values.set(name, [...(this.values.get(name) ?? []), value]); }
  delete(name: string): void { this.values.delete(name); }
}

/** Runs a request through the config of one proxy, by the functions that the sidecar runs, up to the backend's answer of 200. */
export function exchange(config: ProxyConfig, { pods }: MeshSnapshot, arrival: Arrival): Exchanged {
  const listener = prepareListeners(config.listeners).find(arrival.localPort, arrival.ip, arrival.port);
  const match = listener?.match({
    destinationIp: arrival.ip, destinationPort: arrival.port, sourceIp: '9.9.9.9', transportProtocol: arrival.secure ? 'tls' : 'raw_buffer', applicationProtocols: arrival.secure ? ['h2', 'http/1.1'] : ['http/1.1'], ...(arrival.secure ? { serverName: arrival.serverName } : {}),
  });
  if (match?.kind !== 'chain') return refused;
  const tls = match.chain.transportSocket?.typedConfig as DownstreamTlsContext | undefined;
  if ((tls !== undefined) !== arrival.secure || (tls?.requireClientCertificate === true && !arrival.certified)) return refused;
  const manager = networkFilter<HttpConnectionManager>(match.chain, 'envoy.filters.network.http_connection_manager');
  const table = manager === undefined ? undefined : routeTableOf(config, manager);
  if (table === undefined) return refused;
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(arrival.headers)) if (name.toLowerCase() !== 'host') headers.set(name.toLowerCase(), value);
  const request: RequestFacts = { method: arrival.method, path: arrival.path, authority: arrival.authority, scheme: arrival.secure ? 'https' : 'http', header: (name) => headers.values.get(name)?.join(',') };
  const found = table.match(request, arrival.random);
  if (found.kind !== 'route') return { status: 404, responseHeaders: new Map() };
  const { route, virtualHost, weight, cluster = '' } = found;
  if (route.redirect !== undefined) return { ...redirectOf(route, request), responseHeaders: new Map() };
  if (route.directResponse !== undefined) return { status: route.directResponse.status ?? 0, responseHeaders: new Map() };
  const backend = podOf(config, pods, cluster, arrival.random);
  if (backend === undefined) return { status: route.route?.clusterNotFoundResponseCode === 'INTERNAL_SERVER_ERROR' && !config.clusters.some(({ name }) => name === cluster) ? 500 : 503, responseHeaders: new Map() };
  if (delayOf(arrival.path) > patience(route)) return { status: 504, responseHeaders: new Map() };
  const levels = headerLevels(undefined, virtualHost, route, weight);
  changeRequestHeaders(headers, levels, () => undefined);
  const answer = new HeaderMap();
  changeResponseHeaders(answer, levels, () => undefined);
  return {
    status: 200, backend, responseHeaders: answer.values, requestHeaders: headers.values, path: prepareRewrite(route)?.(arrival.path) ?? arrival.path,
    host: rewrittenAuthority(route, weight, request, '') ?? arrival.authority, mirrors: (route.route?.requestMirrorPolicies ?? []).map((mirror) => mirror.cluster ?? ''),
  };
}

function podOf(config: ProxyConfig, pods: readonly PodInfo[], cluster: string, random: number): PodInfo | undefined {
  const found = config.clusters.find(({ name }) => name === cluster);
  if (found?.type === 'ORIGINAL_DST') return pods.find(({ labels, namespace }) => cluster.includes(`||${labels['app'] ?? ''}`) && cluster.includes(namespace));
  const endpoints = (config.endpoints.find(({ clusterName }) => clusterName === cluster)?.endpoints ?? []).flatMap(({ lbEndpoints }) => lbEndpoints ?? []);
  const chosen = endpoints[Math.floor(random * endpoints.length)]?.endpoint?.address?.socketAddress?.address;
  return pods.find(({ ip }) => ip === chosen);
}

/** Milliseconds that a route gives a backend; without a limit for ever. */
function patience({ route }: Route): number {
  const limits = [route?.timeout, route?.retryPolicy?.perTryTimeout].map((text) => Number((text ?? '0s').slice(0, -1)) * 1000).filter((limit) => limit > 0);
  return limits.length === 0 ? Infinity : Math.min(...limits);
}

/** The echo backend waits as the query says. */
function delayOf(path: string): number {
  const [, value, unit] = /[?&]delay=(\d+)(ms|s)/.exec(path) ?? [];
  return value === undefined ? 0 : Number(value) * (unit === 's' ? 1000 : 1);
}

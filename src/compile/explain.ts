import { spiffeId } from '../features/mtls/compile.ts';
import type { RequestFacts } from '../routing/index.ts';
import { chainTitle, prepareListeners, tlsRedirectOf } from '../routing/index.ts';
import { clusterName, origin, type HttpConnectionManager, type Listener, type ProxyConfig, type TcpProxy } from '../xds/index.ts';
import { parseCallUrl, type CallUrl } from './call-url.ts';
import { callers, type Caller } from './callers.ts';
import { compileFor } from './compile.ts';
import type { ExplainCall, Explained, ExplainedCluster, ExplainStep, Outcome } from './explain-types.ts';
import { explainRoute, percent } from './explain-route.ts';
import { explainUpstream } from './explain-upstream.ts';
import { filterNames } from './network-filters.ts';
import { capturePorts } from './outbound-listeners.ts';
import { simulateAccess } from './simulate-access.ts';
import { connectionFacts, networkFilter, routeTableOf, type SimulatedCall } from './simulate.ts';
import type { KnownTokens } from './tokens.ts';
import { prepareSnapshot, type SnapshotIndex } from './snapshot-index.ts';
import type { MeshSnapshot } from './types.ts';

/** An address that no listener is bound to, for names that the mesh does not know. */
const elsewhere = '240.0.0.1';

/** The first proxy's decision: clusters by share, or an answer of its own. */
interface Decision {
  readonly steps: readonly ExplainStep[];
  readonly outcome?: Outcome;
  readonly clusters: readonly { readonly cluster: string; readonly share: number }[];
  readonly retries: number;
  /** The request as this proxy sends it on. */
  readonly request?: RequestFacts;
  /** Providers of external authorization that this proxy asks. */
  readonly asks?: readonly string[];
  /** Connections, not requests: they have flags but no status. */
  readonly tcp?: boolean;
}

/**
 * Says what happens to a call: the caller's proxy decides, then the proxy of the endpoint. It runs the config and the matching that carry traffic.
 *
 * What it predicts, as the sidecar does it: 404 NR without route or virtual host; the statuses of redirects and direct responses; FI and DI for
 * faults of 100 % (a smaller share is said in the steps); 503 NC for a cluster that does not exist, 503 UH for one without ready endpoints,
 * 503 UC where the endpoint's proxy closes a plaintext connection, 503 UF (with URX after retries) where a TLS handshake cannot succeed.
 * Tokens are judged as far as `tokens` says what is known of them, see {@link verifyTokens}; a bad one is answered 401 or 403.
 * What it cannot know is left open: the application's own answer and how long it takes, and hosts outside of the mesh.
 */
export function explain(snapshot: MeshSnapshot, call: ExplainCall, tokens?: KnownTokens): Explained {
  const index = prepareSnapshot(snapshot);
  const caller = callers(snapshot, call.from);
  if (caller === undefined) return unknownCaller(call);
  const config = compileFor(index, caller.node);
  const url = parseCallUrl(call.url);
  const arrival = { ...arrivalOf(config, caller, url, call), ...(tokens === undefined ? {} : { tokens }) };
  if (!caller.sidecar) return withoutProxy({ index, config, arrival, url, call, callerIp: caller.node.ip });
  const first = decide(config, arrival);
  if (first.outcome !== undefined) return answered(call, first.outcome, first.steps);
  const steps = [...first.steps];
  const asks = first.asks ?? [];
  const clusters = first.clusters.map(({ cluster, share }): ExplainedCluster => {
    const upstream = explainUpstream({ index, config, arrival: first.request === undefined ? arrival : { ...arrival, request: first.request }, cluster, retries: first.retries, ...identityOf(index, caller) });
    steps.push(...upstream.steps);
    const all = [...new Set([...asks, ...(upstream.outcome.asks ?? [])])];
    return { cluster, share, ...(first.tcp === true ? { flags: upstream.outcome.flags } : upstream.outcome), ...(all.length === 0 ? {} : { asks: all }) };
  });
  return summarised(call, clusters, steps);
}

/** The caller's address, and who it is over mTLS. */
function identityOf({ snapshot: { mesh } }: SnapshotIndex, { node }: Caller): { readonly callerIp: string; readonly identity: string } {
  return { callerIp: node.ip, identity: spiffeId(mesh.trustDomain, node.namespace, node.serviceAccount) };
}

interface PlainCall {
  readonly index: SnapshotIndex;
  readonly config: ProxyConfig;
  readonly arrival: SimulatedCall;
  readonly url: CallUrl;
  readonly call: ExplainCall;
  readonly callerIp: string;
}

/** A caller without a proxy goes straight to a pod of the service, in plaintext; there is nobody to answer for a connection that is closed. */
function withoutProxy({ index, config, arrival, url, call, callerIp }: PlainCall): Explained {
  const service = index.services.find(({ addresses, host }) => host === url.host || addresses.includes(arrival.destinationIp));
  const name = service === undefined ? 'PassthroughCluster' : clusterName({ direction: 'outbound', port: url.port, subset: '', host: service.host });
  const plain = config.clusters.filter((cluster) => cluster.name === name).map(({ transportSocket: _one, transportSocketMatches: _all, ...cluster }) => cluster);
  const { steps, outcome } = explainUpstream({ index, config: { ...config, clusters: plain }, arrival, cluster: name, retries: 0, callerIp, identity: '' });
  const summary = outcome.status === undefined ? 'It goes to the service in plaintext.' : 'The connection fails.';
  return { call, summary, flags: [], clusters: [], steps: [{ stage: 'listener', what: 'no sidecar', why: `${call.from} has no proxy, so nothing decides on its side` }, ...steps.filter(({ stage, what }) => stage !== 'response' || !what.startsWith('503'))] };
}

function unknownCaller(call: ExplainCall): Explained {
  return { call, summary: `There is no pod or workload ${call.from}.`, flags: [], clusters: [], steps: [] };
}

/** The call as a connection at the caller's proxy. */
function arrivalOf(config: ProxyConfig, caller: Caller, url: CallUrl, call: ExplainCall): SimulatedCall {
  const headers = new Map<string, string>();
  for (const [name, value] of call.headers) headers.set(name.toLowerCase(), headers.has(name.toLowerCase()) ? `${headers.get(name.toLowerCase()) ?? ''},${value}` : value);
  const authority = headers.get('host') ?? (url.authority === '' ? '127.0.0.1' : url.authority);
  const gateway = caller.node.type === 'router';
  const port = gateway ? gatewayPort(config.listeners, url) : url.port;
  const ip = gateway ? caller.node.ip : addressOf(config, url.host);
  const secure = url.scheme === 'https';
  const request: RequestFacts = { method: call.method.toUpperCase(), path: url.path, authority, scheme: secure ? 'https' : 'http', header: (name) => headers.get(name) };
  return {
    localPort: gateway ? port : capturePorts.outbound, destinationIp: ip, destinationPort: port, sourceIp: gateway ? '203.0.113.1' : caller.node.ip,
    protocol: url.scheme === 'tcp' ? 'tcp' : 'http', tls: secure ? 'tls' : 'plaintext', alpn: secure ? ['http/1.1'] : [], serverName: secure ? url.host : '', request,
  };
}

/** The gateway's listener: the one with the URL's port, else the first of the URL's scheme, as published ports differ from the gateway's own. */
function gatewayPort(listeners: readonly Listener[], url: CallUrl): number {
  const port = ({ address }: Listener): number => address?.socketAddress?.portValue ?? 0;
  const http = ({ filterChains = [] }: Listener): boolean => filterChains.some((chain) => (networkFilter(chain, filterNames.httpConnectionManager) !== undefined) === (url.scheme !== 'tcp') && (chain.transportSocket !== undefined) === (url.scheme === 'https'));
  return listeners.map(port).find((number) => number === url.port) ?? port(listeners.find(http) ?? listeners[0] ?? {});
}

function addressOf(config: ProxyConfig, host: string): string {
  return /^[\d.]+$|:/.test(host) ? host : (config.names.table[host]?.ips[0] ?? elsewhere);
}

function decide(config: ProxyConfig, arrival: SimulatedCall): Decision {
  const { localPort, destinationIp, destinationPort } = arrival;
  const prepared = prepareListeners(config.listeners).find(localPort, destinationIp, destinationPort);
  if (prepared === undefined) return { steps: [{ stage: 'listener', what: 'none', why: `nothing listens on port ${destinationPort}` }], outcome: { flags: [] }, clusters: [], retries: 0 };
  const match = prepared.match(connectionFacts(arrival, prepared.inspects(destinationPort)), true);
  const steps: ExplainStep[] = [{ stage: 'listener', what: prepared.listener.name ?? '', why: `the connection goes to ${destinationIp === elsewhere ? 'an address outside of the mesh' : destinationIp}, port ${destinationPort}`, ...from(prepared.listener) }];
  if (match.kind !== 'chain') return { steps: [...steps, { stage: 'filter-chain', what: 'none', why: 'no filter chain takes the connection, so it is closed', rejected: match.rejected }], outcome: { flags: ['NR'] }, clusters: [], retries: 0 };
  steps.push({ stage: 'filter-chain', what: chainTitle(match.chain), ...from(match.chain), rejected: match.rejected });
  const manager = networkFilter<HttpConnectionManager>(match.chain, filterNames.httpConnectionManager);
  const access = simulateAccess(prepared.listener, match.chain, arrival);
  steps.push(...access.steps);
  if (access.denied !== '') return { steps, outcome: manager === undefined ? { flags: ['UAEX'] } : { status: access.status ?? 403, flags: [] }, clusters: [], retries: 0 };
  const decision = manager === undefined ? tcpDecision(networkFilter<TcpProxy>(match.chain, filterNames.tcpProxy), steps, from(match.chain)) : { ...httpDecision(config, manager, { ...arrival, request: access.request }, steps), request: { ...access.request, metadata: () => undefined } };
  return access.asked.length === 0 ? decision : { ...decision, asks: access.asked, ...(decision.outcome === undefined ? {} : { outcome: { ...decision.outcome, asks: access.asked } }) };
}

function from(config: Pick<Listener, 'metadata'>): Pick<ExplainStep, 'origin'> {
  const found = origin(config.metadata);
  return found === undefined ? {} : { origin: found };
}

function tcpDecision(proxy: TcpProxy | undefined, steps: readonly ExplainStep[], where: Pick<ExplainStep, 'origin'>): Decision {
  const weighted = proxy?.weightedClusters?.clusters ?? [];
  const total = weighted.reduce((sum, { weight = 0 }) => sum + weight, 0);
  const clusters = proxy?.cluster !== undefined ? [{ cluster: proxy.cluster, share: 1 }] : weighted.map(({ name = '', weight = 0 }) => ({ cluster: name, share: weight / total }));
  return { steps: [...steps, { stage: 'route', what: 'TCP proxy', ...where }], clusters, retries: 0, tcp: true };
}

function httpDecision(config: ProxyConfig, manager: HttpConnectionManager, arrival: SimulatedCall, steps: readonly ExplainStep[]): Decision {
  const table = routeTableOf(config, manager);
  const match = table?.match(arrival.request, 0, true);
  const stop = (step: ExplainStep, outcome: Outcome): Decision => ({ steps: [...steps, step], outcome, clusters: [], retries: 0 });
  if (table === undefined || match === undefined) return stop({ stage: 'route', what: 'none', why: `the route table ${manager.rds?.routeConfigName ?? ''} is not there` }, { status: 404, flags: ['NR'] });
  switch (match.kind) {
    case 'no-virtual-host': return stop({ stage: 'virtual-host', what: 'none', why: `no virtual host of ${table.name} has the host ${arrival.request.authority}`, rejected: match.rejected }, { status: 404, flags: ['NR'] });
    case 'no-route': return stop({ stage: 'route', what: 'none', why: `no route of ${match.virtualHost?.name ?? ''} matches`, rejected: match.rejected }, { status: 404, flags: ['NR'] });
    case 'tls-required': return stop({ stage: 'virtual-host', what: match.virtualHost?.name ?? '', why: `requires TLS: redirected to ${tlsRedirectOf(arrival.request).location}`, ...from(match.virtualHost ?? {}) }, { status: 301, flags: [] });
    case 'route': {
      const routed = explainRoute(match, arrival.request);
      return { ...routed, steps: [...steps, { stage: 'virtual-host', what: match.virtualHost.name ?? '', why: `has the host ${arrival.request.authority}` }, ...routed.steps] };
    }
  }
}

/** `, if X allows it`; what a provider says is known only live. */
function provided({ asks = [] }: Pick<Outcome, 'asks'>): string {
  return asks.length === 0 ? '' : `, if ${asks.join(' and ')} allows it`;
}

function answered(call: ExplainCall, outcome: Outcome, steps: readonly ExplainStep[]): Explained {
  const flags = outcome.flags.length === 0 ? '' : ` (${outcome.flags.join(', ')})`;
  const summary = outcome.status === undefined ? `The connection is refused${flags}.` : `The caller's proxy answers ${outcome.status}${flags}${provided(outcome)}.`;
  return { call, summary, ...outcome, clusters: [], steps: outcome.status === undefined ? steps : [...steps, { stage: 'response', what: String(outcome.status) }] };
}

/** Istio's name of a cluster for people: `reviews.default.svc.cluster.local:9080, subset v2` for `outbound|9080|v2|reviews.default.svc.cluster.local`. */
function clusterWords(cluster: string): string {
  const [direction, port = '', subset = '', host] = cluster.split('|');
  return direction !== 'outbound' || host === undefined ? cluster : `${host}:${port}${subset === '' ? '' : `, subset ${subset}`}`;
}

/** Status and flags are those of all clusters when they agree. */
function summarised(call: ExplainCall, clusters: readonly ExplainedCluster[], steps: readonly ExplainStep[]): Explained {
  const parts = clusters.map(({ cluster, share, status, flags, asks = [] }) => `${percent(share)} to ${clusterWords(cluster)}${status === undefined ? '' : `, which ends with ${status}${flags.length === 0 ? '' : ` (${flags.join(', ')})`}`}${provided({ asks })}`);
  const [first] = clusters;
  const agree = first !== undefined && clusters.every(({ status, flags }) => status === first.status && flags.join() === first.flags.join());
  const summary = `${clusters.length === 1 ? parts.join('').replace(/^100 % to/, 'It goes to') : `It goes ${parts.join('; ')}`}.`;
  return { call, summary, ...(agree && first.status !== undefined ? { status: first.status } : {}), flags: agree ? first.flags : [], clusters, steps };
}

import { origin, type Cluster, type LbEndpoint, type ProxyConfig } from '../xds/index.ts';
import { nodeOf } from './callers.ts';
import { compileFor } from './compile.ts';
import type { ExplainStep, Outcome } from './explain-types.ts';
import { capturePorts } from './outbound-listeners.ts';
import { simulate, type SimulatedCall, type SimulationResult } from './simulate.ts';
import type { SnapshotIndex } from './snapshot-index.ts';

/** A call on its way from the caller's proxy to one cluster. */
export interface UpstreamCall {
  readonly index: SnapshotIndex;
  readonly config: ProxyConfig;
  readonly arrival: SimulatedCall;
  readonly cluster: string;
  /** How often a failed connection is tried again. */
  readonly retries: number;
  /** Of the caller's proxy: its address, and the SPIFFE URI that it shows over mTLS. */
  readonly callerIp: string;
  readonly identity: string;
}

interface Result {
  readonly steps: readonly ExplainStep[];
  readonly outcome: Outcome;
}

type Transport = 'plaintext' | 'mtls' | 'tls';

/** Explains the second half of a call: endpoint, transport, and what the endpoint's own proxy decides. */
export function explainUpstream(call: UpstreamCall): Result {
  const cluster = call.config.clusters.find(({ name }) => name === call.cluster);
  if (cluster === undefined) return ended({ stage: 'cluster', what: call.cluster, why: 'there is no such cluster' }, 503, 'NC');
  const from = origin(cluster.metadata);
  const step: ExplainStep = { stage: 'cluster', what: call.cluster, ...(from === undefined ? {} : { origin: from }) };
  if (cluster.type === 'ORIGINAL_DST' || cluster.clusterType !== undefined) return through(call, cluster, step);
  const endpoints = endpointsOf(call.config, cluster);
  const [first] = endpoints;
  if (first === undefined) return after([step], ended({ stage: 'endpoint', what: 'none', why: 'no ready endpoint has the labels and the port of this cluster' }, 503, 'UH'));
  const chosen: ExplainStep = { stage: 'endpoint', what: endpoints.map(addressOf).join(', '), why: endpoints.length === 1 ? 'the only one' : `${(cluster.lbPolicy ?? 'ROUND_ROBIN').toLowerCase().replaceAll('_', ' ')} of ${endpoints.length}` };
  const ends = endpoints.map((endpoint) => inbound(call, addressParts(endpoint), transportOf(cluster, endpoint)));
  const [one = { steps: [], outcome: { flags: [] } }] = ends;
  const agree = ends.every(({ outcome }) => JSON.stringify(outcome) === JSON.stringify(one.outcome));
  return after([step, chosen], agree ? one : { steps: ends.flatMap(({ steps }) => steps), outcome: { flags: [] } });
}

function after(steps: readonly ExplainStep[], result: Result): Result {
  return { ...result, steps: [...steps, ...result.steps] };
}

function ended(step: ExplainStep, status: number, ...flags: readonly string[]): Result {
  return { steps: [step, { stage: 'response', what: `${status} ${flags.join(',')}` }], outcome: { status, flags } };
}

/** On to where the connection was meant to go. Inside of the mesh that is a pod, else nobody knows. */
function through(call: UpstreamCall, cluster: Cluster, step: ExplainStep): Result {
  const { destinationIp: ip, destinationPort: port } = call.arrival;
  const there: ExplainStep = { stage: 'endpoint', what: `${ip}:${port}`, why: 'where the caller wanted to go' };
  return after([step], call.index.snapshot.pods.some((pod) => pod.ip === ip) ? after([there], inbound(call, { ip, port }, cluster.transportSocket === undefined ? 'plaintext' : 'mtls')) : { steps: [{ ...there, what: 'a host outside of the mesh' }], outcome: { flags: [] } });
}

function endpointsOf(config: ProxyConfig, cluster: Cluster): readonly LbEndpoint[] {
  const assignment = cluster.loadAssignment ?? config.endpoints.find(({ clusterName }) => clusterName === cluster.name);
  return (assignment?.endpoints ?? []).flatMap(({ lbEndpoints = [] }) => lbEndpoints);
}

function addressParts({ endpoint }: LbEndpoint): { readonly ip: string; readonly port: number } {
  return { ip: endpoint?.address?.socketAddress?.address ?? '', port: endpoint?.address?.socketAddress?.portValue ?? 0 };
}

function addressOf(endpoint: LbEndpoint): string {
  const { ip, port } = addressParts(endpoint);
  return `${ip}:${port}`;
}

function transportOf(cluster: Cluster, endpoint: LbEndpoint): Transport {
  const mode = endpoint.metadata?.filterMetadata?.['envoy.transport_socket_match']?.tlsMode;
  if (cluster.transportSocketMatches !== undefined) return mode === 'istio' ? 'mtls' : 'plaintext';
  if (cluster.transportSocket === undefined) return 'plaintext';
  return JSON.stringify(cluster.transportSocket).includes('"ROOTCA"') ? 'mtls' : 'tls';
}

/** What the endpoint's proxy does with the connection; without one, it goes straight to the application. */
function inbound(call: UpstreamCall, { ip, port }: { readonly ip: string; readonly port: number }, transport: Transport): Result {
  const pod = call.index.snapshot.pods.find((candidate) => candidate.ip === ip);
  const sent: ExplainStep = { stage: 'transport', what: transport === 'mtls' ? 'mTLS' : transport === 'tls' ? 'TLS' : 'plaintext', why: transport === 'mtls' ? 'the endpoint takes mTLS' : pod === undefined ? 'the endpoint is not in the mesh' : 'by the cluster’s settings' };
  if (pod === undefined) return { steps: [sent], outcome: { flags: [] } };
  if (pod.kind === 'gateway') return { steps: [sent, { stage: 'endpoint', what: `${pod.namespace}/${pod.name}`, why: 'a gateway, which routes by its own Gateways' }], outcome: { flags: [] } };
  if (!pod.sidecar) return after([sent], transport === 'mtls' ? handshakeFails(call, 'the endpoint has no sidecar to take mTLS') : toApplication(`${pod.namespace}/${pod.name} has no sidecar${transport === 'tls' ? ', so TLS is the application’s own' : ''}`));
  const tcp = call.arrival.protocol === 'tcp' || call.arrival.tls === 'tls';
  const result = simulate(compileFor(call.index, nodeOf(pod, call.index.snapshot)), {
    ...call.arrival, localPort: capturePorts.inbound, destinationIp: ip, destinationPort: port, sourceIp: call.callerIp, principal: call.identity,
    protocol: tcp ? 'tcp' : 'http', tls: transport === 'plaintext' && call.arrival.tls === 'tls' ? 'tls' : transport, alpn: transport === 'mtls' ? (tcp ? ['istio-peer-exchange', 'istio'] : ['istio-http/1.1', 'istio', 'http/1.1']) : ['http/1.1'], serverName: '',
  });
  return after([sent], received(call, result, transport, `${pod.namespace}/${pod.name}`));
}

function received(call: UpstreamCall, result: SimulationResult, transport: Transport, pod: string): Result {
  const chain: ExplainStep = { stage: 'filter-chain', what: result.filterChain ?? 'none', why: `at ${pod}` };
  const access = result.access?.steps ?? [];
  if (result.error === undefined) return after([chain, ...access], toApplication(result.cluster ?? '', result.access?.asked));
  if (result.error === 'denied') return after([chain, ...access], denied(call.arrival, result.access?.denied ?? '', result.access?.status));
  if (transport !== 'plaintext') return after([chain], handshakeFails(call, `${pod} does not take this TLS`));
  return after([{ ...chain, why: `${pod} takes mTLS only and closes plaintext` }], ended({ stage: 'transport', what: 'connection closed' }, 503, 'UC'));
}

function toApplication(why: string, asks: readonly string[] = []): Result {
  const what = `the application answers${asks.length === 0 ? '' : `, if ${asks.join(' and ')} allows it`}`;
  return { steps: [{ stage: 'response', what, why }], outcome: { flags: [], ...(asks.length === 0 ? {} : { asks }) } };
}

/** HTTP gets an answer; a connection is closed. */
function denied({ protocol, tls }: SimulatedCall, why: string, status = 403): Result {
  const tcp = protocol === 'tcp' || tls === 'tls';
  return tcp ? { steps: [{ stage: 'response', what: 'connection closed', why }], outcome: { flags: ['UAEX'] } } : { steps: [{ stage: 'response', what: String(status), why }], outcome: { status, flags: [] } };
}

/** A handshake that fails counts as a failed connection, which the default policy tries again. */
function handshakeFails({ retries, arrival }: UpstreamCall, why: string): Result {
  return ended({ stage: 'transport', what: 'TLS handshake fails', why }, 503, 'UF', ...(retries > 0 && arrival.protocol !== 'tcp' ? ['URX'] : []));
}

import type { Socket } from 'node:net';
import { ports, type DecisionStep, type ResponseFlag } from '../../contract/index.ts';
import { chainTitle, type ConnectionFacts, type ListenerMatch, type PreparedListener } from '../../routing/index.ts';
import { origin, ruleOrigins, type FilterChain, type Listener } from '../../xds/index.ts';
import type { OriginalDestination } from '../capture/original-destination.ts';
import { durationMs } from '../config/duration.ts';
import type { ConfigInForce } from '../config/in-force.ts';
import { downstreamTls, terminalFilter } from '../config/validate.ts';
import { ask, serveHttp } from '../http/index.ts';
import type { ConnectionFilter, DownstreamConnection } from '../hooks.ts';
import { socketLink, type Address, type Link, type SocketLink } from '../link/index.ts';
import type { HttpConnectionContext } from '../runtime.ts';
import { connectionFilters, judge } from '../tcp/access.ts';
import { serveTcp } from '../tcp/proxy.ts';
import { reportRefused } from '../tcp/record.ts';
import type { ConnectionContext, ProxyRuntime } from '../tcp/runtime.ts';
import { acceptTls } from '../tls/accept.ts';
import type { ClientCertificate } from '../tls/client-certificate.ts';
import type { TlsContexts } from '../tls/context.ts';
import { LiveConnections, type Live } from './live-connections.ts';
import { takeProxyHeader } from './proxy-protocol.ts';
import { renewal, standingOf, type ChainNow, type Way } from './renewal.ts';
import { sniff, type Sniffed } from './sniff.ts';

/** Everything that takes connections in. */
export interface Downstream {
  /** A new connection on a listener's port; nothing has been read from it. */
  accept(socket: Socket, port: number): void;
  /** The listeners in force have changed: connections that they do not hold for end, within `drainMs` where something may be under way. */
  reconsider(drainMs: number): void;
  /** Ends the connections of one side; others may still come, and end after what they are about. What is left after `drainMs` is cut. */
  drain(inboundOnly: boolean, drainMs: number): void;
  /** Takes no others. Resolves when all connections are gone, or after `ms`, which may be without end, and then cuts the rest. */
  close(ms: number): Promise<void>;
  readonly connections: number;
}

export interface DownstreamSettings {
  readonly config: ConfigInForce;
  readonly runtime: ProxyRuntime;
  readonly contexts: TlsContexts;
  readonly trustDomain: string;
  readonly type: 'sidecar' | 'router';
  readonly originalDestination: OriginalDestination;
  log(line: string): void;
}

/** Ports of the proxy itself: nobody is proxied to them, neither by dialling them straight nor through a loop. */
const ownPorts = new Set<number>([ports.outbound, ports.inbound, ports.admin, ports.dns]);
const mostConnections = 20_000;
/** A client that says nothing for so long may wait for the server to speak first. */
const silenceMs = 1000;
const inspectMs = 15_000;
const handshakeMs = 10_000;
const plaintext: Sniffed = { transportProtocol: 'raw_buffer', applicationProtocols: [] };

/** One connection on its way to a filter chain. */
interface Arrival {
  readonly socket: Socket;
  /** The listener's port that it came in on. */
  readonly port: number;
  readonly link: SocketLink;
  readonly listener: PreparedListener;
  readonly source: Address;
  readonly destination: Address;
  readonly key: number;
}

class Refusal extends Error {
  readonly flag: ResponseFlag;
  /** What is known of the connection by then, when that is more than at its start. */
  readonly context: ConnectionContext | undefined;

  constructor(flag: ResponseFlag, details: string, context?: ConnectionContext) {
    super(details);
    this.flag = flag;
    this.context = context;
  }
}

/** Makes the side of the proxy that takes connections in: original destination, inspection, filter chain, TLS, then HTTP or TCP. */
export function createDownstream(settings: DownstreamSettings): Downstream {
  const live = new LiveConnections(settings.runtime.clock);
  const ending = { inbound: false, outbound: false };
  let counter = 0;
  let closed = false;
  return {
    accept(socket, port) {
      if (closed || live.size >= mostConnections) { refuse(socket); return; }
      counter += 1;
      const arrival = arrive(settings, socket, port, counter);
      if (arrival === undefined) { refuse(socket); return; }
      const direction = directionOf(arrival.listener.listener);
      live.arrived(socket, direction);
      serve(settings, arrival, () => ending[direction]).then((served) => { if (served !== undefined) live.served(socket, served); }, (error: unknown) => {
        settings.log(`a connection failed: ${error instanceof Error ? error.stack ?? error.message : String(error)}`);
        socket.destroy();
      });
    },
    reconsider: (drainMs) => { live.reconsider(drainMs); },
    drain(inboundOnly, drainMs) {
      ending.inbound = true;
      ending.outbound ||= !inboundOnly;
      live.drain(inboundOnly ? 'inbound' : 'both', drainMs);
    },
    async close(ms) {
      await live.ended(ms);
      closed = true;
      live.destroy();
    },
    get connections() { return live.size; },
  };
}

function refuse(socket: Socket): void {
  socket.on('error', () => undefined);
  socket.destroy();
}

/** Where a connection comes from and was meant to go; `undefined` when it must not be served. */
function arrive({ config, originalDestination }: DownstreamSettings, socket: Socket, port: number, key: number): Arrival | undefined {
  const captured = port === ports.outbound || port === ports.inbound;
  const local = { ip: socket.localAddress?.replace(/^::ffff:/, '') ?? '', port };
  const destination = captured ? originalDestination(socket) : local;
  if (destination === undefined || (captured && ownPorts.has(destination.port))) return undefined;
  const listener = config.current.listeners.find(port, destination.ip, destination.port);
  if (listener === undefined) return undefined;
  const link = socketLink(socket);
  return { socket, port, link, listener, source: link.remote, destination, key };
}

/** `ending`: connections of this side are to end after the request that they are about. */
async function serve(settings: DownstreamSettings, arrived: Arrival, ending: () => boolean): Promise<Live | undefined> {
  const startTime = settings.runtime.clock.now();
  const arrival = arrived.listener.expectsProxyHeader ? await announced(settings, arrived, startTime) : arrived;
  if (arrival === undefined) return undefined;
  const sniffed = await inspect(settings, arrival);
  if (typeof sniffed === 'string') { arrival.link.destroy(); return undefined; }
  const facts = factsOf(arrival, sniffed);
  const match = arrival.listener.match(facts, settings.runtime.telemetry.wanted(settings.runtime.clock.now()));
  const context = contextOf(settings, arrival, match, startTime);
  try {
    if (match.kind !== 'chain') throw new Refusal('NR', 'filter_chain_not_found');
    return await serveChain(settings, arrival, match.chain, sniffed, context, ending);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    reportRefused(error.context ?? context, error.flag, error.message, arrival.key);
    arrival.socket.destroy();
    return undefined;
  }
}

/** The connection as the proxy in front of us announces it: its caller is that proxy's. One that is not announced is refused, as Envoy does. */
async function announced(settings: DownstreamSettings, arrival: Arrival, startTime: number): Promise<Arrival | undefined> {
  const { listenerFiltersTimeout } = arrival.listener.listener;
  const header = await takeProxyHeader(arrival.link, settings.runtime.clock, durationMs(listenerFiltersTimeout, inspectMs) || inspectMs);
  if (typeof header === 'object') return header.source === undefined ? arrival : { ...arrival, source: header.source };
  if (header !== 'closed') {
    const context = contextOf(settings, arrival, arrival.listener.match(factsOf(arrival, plaintext)), startTime);
    reportRefused(context, 'DPE', `proxy_protocol_header_${header === 'missing' ? 'missing' : 'did_not_come'}`, arrival.key);
  }
  arrival.link.destroy();
  return undefined;
}

async function inspect({ runtime }: DownstreamSettings, { link, listener, destination, ...arrival }: Arrival): Promise<Sniffed | 'timeout' | 'closed'> {
  const { tls, http } = listener.inspects(destination.port);
  if (!tls && !http) return plaintext;
  const { listenerFiltersTimeout, continueOnListenerFiltersTimeout } = listener.listener;
  const timeoutMs = durationMs(listenerFiltersTimeout, inspectMs) || inspectMs;
  const outcome = await sniff(link, {
    tls, http, clock: runtime.clock, silenceMs: Math.min(silenceMs, timeoutMs), timeoutMs,
    silent: () => goesToTcp(listener.match(factsOf({ ...arrival, link, listener, destination }, plaintext))),
  });
  return outcome === 'timeout' && continueOnListenerFiltersTimeout === true ? plaintext : outcome;
}

/** Only a chain that speaks no HTTP has servers that speak first. */
function goesToTcp(match: ListenerMatch): boolean {
  return match.kind === 'chain' && downstreamTls(match.chain) === undefined && terminalFilter(match.chain).kind === 'tcp';
}

async function serveChain(settings: DownstreamSettings, arrival: Arrival, chain: FilterChain, sniffed: Sniffed, context: ConnectionContext, ending: () => boolean): Promise<Live> {
  const tls = downstreamTls(chain);
  const terminal = terminalFilter(chain);
  const secured: Secured = tls === undefined ? { link: arrival.link, principal: '' } : await secure(settings, arrival, tls, terminal.kind === 'tcp' ? withoutHttp2(sniffed) : sniffed);
  const way: Way = { port: arrival.port, destination: arrival.destination, facts: factsOf(arrival, sniffed) };
  const { direction } = context;
  if (terminal.kind === 'tcp') return await serveOpaque(settings, arrival, { chain, proxy: terminal.proxy, way, serverName: sniffed.serverName ?? '', ...secured }, context);
  const first: HttpConnectionContext = {
    runtime: settings.runtime, manager: terminal.manager, listener: context.listener, listenerOrigin: origin(arrival.listener.listener.metadata), filterChain: chainTitle(chain),
    direction: context.direction, edge: settings.type === 'router' || (context.direction === 'inbound' && secured.principal === ''),
    scheme: tls !== undefined && secured.principal === '' ? 'https' : 'http', sourceIp: context.sourceIp, sourcePort: arrival.source.port, sourcePrincipal: secured.principal, originalDestination: context.originalDestination,
    ...(sniffed.serverName === undefined ? {} : { serverName: sniffed.serverName }), ...(secured.certificate === undefined ? {} : { clientCertificate: secured.certificate }), rules: ruleOrigins(arrival.listener.listener.metadata),
  };
  const renewed = renewal(settings.config, way, chain, first);
  const connection = serveHttp(secured.link, first, () => (ending() ? undefined : renewed()));
  return { direction, standing: () => Promise.resolve(renewed() === undefined ? 'changed' : 'as before'), drain: () => connection.drain(), destroy: () => connection.destroy() };
}

/** A connection that is not HTTP, and what is known of it. */
interface Opaque {
  readonly chain: FilterChain;
  readonly proxy: Extract<ReturnType<typeof terminalFilter>, { kind: 'tcp' }>['proxy'];
  readonly way: Way;
  readonly link: Link;
  readonly principal: string;
  readonly serverName: string;
}

/** Serves what is not HTTP, judged at its start and whenever its listeners change. */
async function serveOpaque(settings: DownstreamSettings, arrival: Arrival, opaque: Opaque, context: ConnectionContext): Promise<Live> {
  const { chain, proxy, way, principal, serverName } = opaque;
  const known = await judged(settings, arrival, opaque, context);
  const connection = serveTcp(opaque.link, { ...known, proxy, origin: origin(chain.metadata) ?? origin(arrival.listener.listener.metadata) }, arrival.key, () => undefined);
  const denied = async ({ chain: now, listener }: ChainNow): Promise<boolean> => (await judge(filtersOf(settings.runtime, now, listener.listener), factsForFilters(arrival, context, principal, serverName))).denied !== '';
  return { direction: context.direction, standing: standingOf(settings.config, way, chain, denied), drain: () => undefined, destroy: () => { connection.destroy(); } };
}

/** The context of a connection that its chain's filters let in, with what they say. Throws {@link Refusal} when one of them does not. */
async function judged({ runtime }: DownstreamSettings, arrival: Arrival, { chain, link, principal, serverName }: Opaque, context: ConnectionContext): Promise<ConnectionContext> {
  const { denied, steps } = await judge(filtersOf(runtime, chain, arrival.listener.listener), factsForFilters(arrival, context, principal, serverName));
  const known = { ...context, sourcePrincipal: principal, serverName, decision: [...context.decision, ...steps] };
  if (denied === '') return known;
  link.destroy();
  throw new Refusal('UAEX', denied, known);
}

function factsForFilters({ source, destination }: Arrival, { sourceIp }: ConnectionContext, principal: string, serverName: string): DownstreamConnection {
  return { sourceIp, sourcePort: source.port, principal, serverName, destinationIp: destination.ip, destinationPort: destination.port };
}

/** The filters that judge a chain's connections, from the memory of the runtime. */
function filtersOf(runtime: ProxyRuntime, chain: FilterChain, listener: Listener): readonly ConnectionFilter[] {
  const { derived, clock, self } = runtime;
  let filters = derived.get(chain) as readonly ConnectionFilter[] | undefined;
  if (filters === undefined) derived.set(chain, filters = connectionFilters(chain, listener, { clock, self: self.principal, call: (cluster, request, timeout, http2) => ask(runtime, cluster, request, timeout, http2) }));
  return filters;
}

/** A connection after its handshake, if it had one. */
interface Secured {
  readonly link: Link;
  readonly principal: string;
  readonly certificate?: ClientCertificate;
}

async function secure({ contexts, trustDomain }: DownstreamSettings, { link }: Arrival, config: NonNullable<ReturnType<typeof downstreamTls>>, sniffed: Sniffed): Promise<Secured> {
  const socket = link.release();
  try {
    const accepted = await acceptTls(socket, { config, contexts, trustDomain, offered: sniffed.applicationProtocols, timeoutMs: handshakeMs });
    return { link: socketLink(accepted.socket), principal: accepted.principal, ...(accepted.certificate === undefined ? {} : { certificate: accepted.certificate }) };
  } catch (error) {
    refuse(socket);
    throw new Refusal('DPE', `tls_handshake_failed{${error instanceof Error ? error.message : String(error)}}`);
  }
}

/** Bytes are passed on as they are: a caller must not learn that HTTP/2 is spoken. */
function withoutHttp2(sniffed: Sniffed): Sniffed {
  return { ...sniffed, applicationProtocols: sniffed.applicationProtocols.filter((protocol) => protocol !== 'h2' && protocol !== 'istio-h2') };
}

function factsOf({ source, destination }: Arrival, sniffed: Sniffed): ConnectionFacts {
  return { destinationIp: destination.ip, destinationPort: destination.port, sourceIp: source.ip, ...sniffed };
}

function contextOf({ runtime }: DownstreamSettings, { listener, source, destination }: Arrival, match: ListenerMatch, startTime: number): ConnectionContext {
  const name = listener.listener.name ?? '';
  return {
    runtime, listener: name, direction: directionOf(listener.listener), sourceIp: source.ip, sourcePort: source.port, sourcePrincipal: '', originalDestination: `${destination.ip}:${destination.port}`,
    startTime, decision: [listenerStep(listener.listener, destination), chainStep(match)],
  };
}

function directionOf(listener: Listener): 'inbound' | 'outbound' {
  return listener.trafficDirection === 'INBOUND' ? 'inbound' : 'outbound';
}

function listenerStep(listener: Listener, destination: Address): DecisionStep {
  return { stage: 'listener', what: listener.name ?? '', why: `destination ${destination.ip}:${destination.port}`, ...originOf(listener.metadata) };
}

function chainStep(match: ListenerMatch): DecisionStep {
  const rejected = match.rejected.length === 0 ? {} : { rejected: match.rejected };
  if (match.kind !== 'chain') return { stage: 'filter-chain', what: 'none', why: 'no filter chain matches', ...rejected };
  return { stage: 'filter-chain', what: chainTitle(match.chain), ...originOf(match.chain.metadata), ...rejected };
}

function originOf(metadata: Parameters<typeof origin>[0]): Pick<DecisionStep, 'origin'> {
  const from = origin(metadata);
  return from === undefined ? {} : { origin: from };
}

import type { Peer, RateLimitAnswer, RequestRecord, UpstreamState } from '../contract/index.ts';
import type { RouteTable } from '../routing/index.ts';
import type { Cluster, ClusterLoadAssignment, HttpConnectionManager, LbEndpoint, Origin, RuleOrigins } from '../xds/index.ts';
import type { ClusterLimits, ClusterUse } from '../features/circuit-breaking/cluster.ts';
import type { Clock, HostMonitor } from './hooks.ts';
import type { DownstreamCounters } from './http/counters.ts';
import type { ClusterCounters, HostCounters } from './upstream/counters.ts';
import type { HttpPool } from './upstream/pool.ts';
import type { Link } from './link/link.ts';

/** What the HTTP side asks of the rest of the sidecar. Looked up per request, so that a config change applies to the next request. */
export interface Runtime {
  routeTable(name: string): RouteTable | undefined;
  cluster(name: string): UpstreamCluster | undefined;
  readonly connector: Connector;
  readonly telemetry: Telemetry;
  /** What is counted of callers, by `stat_prefix` of the connection manager. */
  readonly downstream: Map<string, DownstreamCounters>;
  /** Asks the rate limit service; `undefined` when it does not answer in time (milliseconds). */
  rateLimits(domain: string, descriptors: readonly (readonly (readonly [string, string])[])[], timeout: number): Promise<RateLimitAnswer | undefined>;
  readonly clock: Clock;
  random(): number;
  /** This proxy as a peer. */
  readonly self: Peer;
  /** What rules may read as the proxy's environment, by Istio's names. */
  readonly environment: Readonly<Record<string, string>>;
  /** Who has an address, as far as the endpoints tell. */
  peerAt(ip: string, principal: string): Peer;
  /** What was worked out from a config object, for as long as that object lives: `new WeakMap()`, one per process. */
  readonly derived: WeakMap<object, unknown>;
}

/** A cluster in force: its config, its hosts, its load balancer and its connection pools. Replaced when its config changes, updated in place when only endpoints do. */
export interface UpstreamCluster {
  readonly name: string;
  readonly config: Cluster;
  readonly origin: Origin | undefined;
  /** Fully qualified host of the service that it belongs to; empty when it has none (PassthroughCluster). */
  readonly service: string;
  /** Takes new endpoints; connections to hosts that stay are kept, the others finish what is under way. */
  update(assignment: ClusterLoadAssignment | undefined): void;
  /** No longer in force: idle connections close now, busy ones after their request. */
  close(): void;
  /** Connections to a host, for HTTP. */
  pool(host: UpstreamHost): HttpPool;
  /** Picks a host; `undefined` means UH. */
  pick(choice: HostChoice): UpstreamHost | undefined;
  readonly hosts: readonly UpstreamHost[];
  readonly limits: ClusterLimits;
  readonly use: ClusterUse;
  /** Kept when the cluster is replaced by one of its name. */
  readonly counters: ClusterCounters;
  /** Asks for another retry; returns how to say that it is over, or `undefined` when no more are allowed now. */
  retry(): (() => void) | undefined;
  /** What is to be shown of it live; `undefined` for a cluster that has neither limits nor ejections nor localities. */
  state(): UpstreamState | undefined;
  /** Envoy's statistics that are read off when asked for: gauges, and counters of ejections. */
  gauges(): Readonly<Record<string, number>>;
}

/** What a host is picked by. */
export interface HostChoice {
  readonly hash?: number | undefined;
  /** Hosts that another attempt was made with; picked again only where there is no other. */
  readonly avoid?: ReadonlySet<string> | undefined;
  /** Priorities that attempts were made with and that others should serve in place of. */
  readonly withoutPriorities?: ReadonlySet<number> | undefined;
  /** For PassthroughCluster: `ip:port`. */
  readonly originalDestination?: string;
}

export interface UpstreamHost {
  /** `ip:port`. */
  readonly address: string;
  readonly ip: string;
  readonly port: number;
  readonly endpoint: LbEndpoint;
  /** Load-balancing weight, at least 1. */
  readonly weight: number;
  readonly priority: number;
  /** `region/zone/subzone`; empty when it has none. */
  readonly locality: string;
  readonly health: 'healthy' | 'degraded' | 'unhealthy';
  /** Requests in flight, for least request. */
  active: number;
  /** Connections that are open. */
  connections: number;
  readonly counters: HostCounters;
  /** Told how the host does; only where the cluster detects outliers. */
  readonly monitor: HostMonitor | undefined;
  /** Who the control plane says it is (endpoint metadata `istio.workload`: name;namespace;app;version). */
  readonly peer: Pick<Peer, 'workload' | 'namespace' | 'app' | 'version' | 'pod'>;
}

/** What a cluster needs to work. */
export interface ClusterEnvironment {
  readonly connector: Connector;
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
}

/** Opens connections to hosts with the cluster's transport (plaintext, mTLS, TLS origination). */
export interface Connector {
  /** `http2`: HTTP/2 is offered first; without it, it is not offered. */
  connect(cluster: UpstreamCluster, host: UpstreamHost, signal: AbortSignal, http2?: boolean): Promise<UpstreamConnection>;
}

export interface UpstreamConnection {
  readonly link: Link;
  readonly mtls: boolean;
  /** The verified SPIFFE identity of the host; empty on plaintext. */
  readonly principal: string;
  /** The protocol that TLS agreed on; absent when there was none. */
  readonly alpn?: string;
}

/** A downstream connection after its filter chain was chosen. */
export interface HttpConnectionContext {
  readonly runtime: Runtime;
  readonly manager: HttpConnectionManager;
  readonly listener: string;
  readonly listenerOrigin: Origin | undefined;
  readonly filterChain: string;
  readonly direction: 'inbound' | 'outbound';
  /** A gateway edge or plaintext inbound: the peer's headers are not trusted. */
  readonly edge: boolean;
  readonly scheme: 'http' | 'https';
  readonly sourceIp: string;
  readonly sourcePort?: number;
  readonly sourcePrincipal: string;
  /** The certificate that the caller showed in TLS, whether or not it is of the mesh; absent without. */
  readonly clientCertificate?: ShownCertificate;
  /** `ip:port` that the caller meant. */
  readonly originalDestination: string;
  /** From TLS; absent without. */
  readonly serverName?: string;
  /** Where the listener's rules were written. */
  readonly rules?: RuleOrigins;
}

/** A caller's certificate as an element of `x-forwarded-client-cert`, without the part that says by whom it was seen. */
export interface ShownCertificate {
  element(wanted: { readonly subject: boolean; readonly uri: boolean; readonly dns: boolean }): string;
}

/** Takes finished requests and connections; batching, sampling and metrics are behind it. */
export interface Telemetry {
  /** False when records are being sampled and one of this moment would not be sent. `now`: the time of the clock. */
  wanted(now: number): boolean;
  /** Takes the place of a record that will be sent; false when none is left: then `decision` and headers may stay empty, and metrics still count. */
  reserve(now: number): boolean;
  /** `facts` is asked only when a line of the access log is written. `reserved`: what {@link Telemetry.reserve} said; without it a place is taken now, if there is one. */
  request(record: RequestRecord, facts?: () => AccessFacts, reserved?: boolean): void;
}

/** What only the access log tells of a request, besides its record; empty where it is not known. Addresses are `ip:port`. */
export interface AccessFacts {
  readonly downstreamLocalAddress: string;
  /** Who called, by what trusted proxies say. */
  readonly downstreamRemoteAddress: string;
  /** Who connected. */
  readonly downstreamDirectRemoteAddress: string;
  readonly upstreamLocalAddress: string;
  readonly requestedServerName: string;
  readonly protocol: '' | 'HTTP/1.1' | 'HTTP/2';
  readonly routeName: string;
  readonly trailers?: { get(name: string): string | undefined } | undefined;
  /** Values by lower-case name, repeated ones joined; empty for TCP. */
  headers(): { readonly request: Readonly<Record<string, string>>; readonly response: Readonly<Record<string, string>> };
}

import type { DecisionStep, EjectionReason, RateLimitAnswer, ResponseFlag } from '../contract/index.ts';
import type { Link } from './link/link.ts';
import type { ClusterWeight, Origin, Route, RuleOrigins, VirtualHost } from '../xds/index.ts';

/**
 * The shapes that filters work on. HTTP/1.1 and HTTP/2 codecs make the same ones.
 * Header names are lower-case; a header that came more than once stands more than once.
 */
export interface HeaderMap {
  /** The first value. */
  get(name: string): string | undefined;
  /** All values, joined by a comma, as policy must see them. */
  joined(name: string): string | undefined;
  has(name: string): boolean;
  /** Replaces all values. */
  set(name: string, value: string): void;
  add(name: string, value: string): void;
  delete(name: string): void;
  entries(): Iterable<readonly [string, string]>;
}

export type { RateLimitAnswer };

/** A message body that is pulled: nothing is read from the socket while nobody asks. */
export interface Body {
  /** Content length when known; 0 for no body; `undefined` for chunked. */
  readonly length: number | undefined;
  /** The whole body when it is already here (small messages), so that no stream is needed. */
  readonly ready: Buffer | undefined;
  /** Reads on; calls back for each chunk and once at the end or on failure. The sink says `false` to pause and calls `resume` later. */
  pipe(sink: BodySink): void;
  resume(): void;
  /** Nobody wants the rest. */
  cancel(reason: string): void;
}

export interface BodySink {
  /** A chunk is this sink's only until `data` returns: it copies what it keeps. Without it chunks may be kept. */
  readonly borrows?: boolean;
  data(chunk: Buffer): boolean;
  /** As `data`, for a chunk that is its own from now on, in the memory of the link that it came from. */
  keep?(chunk: Buffer): boolean;
  end(trailers: HeaderMap | undefined): void;
  error(reason: string): void;
}

export interface HttpRequest {
  method: string;
  /** Path and query. */
  path: string;
  authority: string;
  scheme: 'http' | 'https';
  readonly headers: HeaderMap;
  body: Body;
  /** The protocol that the caller wants to switch to (`websocket`), when the listener allows it; else empty. */
  readonly upgrade: string;
  /** The caller sends its body when it is told to continue: by the upstream. */
  readonly expectContinue?: boolean;
  /** The caller's HTTP/2, or that it spoke to the caller's own proxy. */
  readonly http2: boolean;
  readonly stream: StreamInfo;
}

/** A request as codecs send it. */
export type UpstreamRequest = Omit<HttpRequest, 'stream'>;

/** A request that a filter makes by itself. */
export interface OwnRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

/** What came back for it, whole. */
export interface OwnResponse {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: Buffer;
  readonly trailers: HeaderMap | undefined;
}

/** Why nothing came back for it, in plain words. */
export interface Unanswered {
  readonly unanswered: string;
}

export interface HttpResponse {
  status: number;
  readonly headers: HeaderMap;
  body: Body;
  /** After 101: the upstream's byte stream, for whoever writes the response to splice with the caller's. */
  readonly upgraded?: Link;
}

/** Why an attempt brought no response of the upstream's. Retry conditions are judged by it. */
export type UpstreamFailure = 'connect-failure' | 'reset' | 'refused-stream' | 'overflow' | 'no-host' | 'protocol-error' | 'per-try-timeout' | 'cancelled';

/** One try to get a response from one host. */
export interface Attempt {
  /** Gives it up: its connection is closed, and `next` resolves with a response that nobody should use. A timeout counts against the host, a caller who left does not. */
  cancel(why: 'timeout' | 'gone'): void;
}

/** The caller's connection, as far as it has been verified. */
export interface DownstreamConnection {
  readonly sourceIp: string;
  /** 0 where it is not known. */
  readonly sourcePort: number;
  /** The verified SPIFFE identity; empty without mTLS. */
  readonly principal: string;
  /** Where the caller meant to go. */
  readonly destinationIp: string;
  readonly destinationPort: number;
  /** From TLS; empty without. */
  readonly serverName: string;
}

/** What filters and router note about one request; the record is made from it. */
export interface StreamInfo {
  readonly startTime: number;
  readonly direction: 'inbound' | 'outbound';
  route: Route | undefined;
  cluster: string;
  endpoint: string;
  details: string;
  retries: number;
  readonly sourceIp: string;
  readonly connection: DownstreamConnection;
  /** The caller's address, behind the proxies that are trusted; else the peer's. */
  readonly remoteIp: string;
  /** The path as it would be read with its fragment, when the caller sent one: rules that deny judge it too. */
  readonly pathWithFragment: string | undefined;
  /** What filters found out, by their names: for the rules of filters and routes that come after. */
  readonly metadata: Map<string, Readonly<Record<string, unknown>>>;
  /** Somebody will read the decision; else steps need not be made. */
  readonly wanted: boolean;
  /** Consistent-hash key of the request, when the route asks for one. */
  hash: number | undefined;
  /** The attempt that is under way, for filters that give up on it. */
  attempt: Attempt | undefined;
  /** Why the last attempt failed; `undefined` when a response came from upstream. */
  failure: UpstreamFailure | undefined;
  /** Hosts that the load balancer should not pick again. */
  avoid: Set<string> | undefined;
  /** Priorities whose hosts others should stand in for. */
  withoutPriorities: Set<number> | undefined;
  /** The priority of the host of the last attempt. */
  readonly priority: number | undefined;
  readonly flags: Set<ResponseFlag>;
  /** Adds a step to the decision trace; cheap: origin and text are kept as they are. */
  step(step: DecisionStep): void;
  /** Aborted when the caller has gone away. */
  readonly signal: AbortSignal;
  /** Runs once when the response has been sent to its end, or will never be. */
  whenDone(run: () => void): void;
}

/** The config that a filter is made from: the route that matched, with what it inherits. */
export interface RouteScope {
  readonly route: Route;
  readonly virtualHost: VirtualHost;
  /** The entry of `weightedClusters` that was chosen. */
  readonly weight: ClusterWeight | undefined;
}

/** What a filter may use besides its config; passed in so that tests decide. */
export interface FilterEnvironment {
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
  /** Where the rule was written. */
  readonly origin: Origin | undefined;
  /** A response of this proxy's own; text is sent as `text/plain`. */
  reply(status: number, text: string, headers?: readonly (readonly [string, string])[]): HttpResponse;
  /** A body of bytes that are at hand. */
  body(bytes: Buffer): Body;
  /** Whether a cluster's limits leave room for another retry. */
  readonly retries: RetryLimits;
  /** Sends a copy of a request to a cluster; its response is read and dropped. */
  shadow(cluster: string, request: HttpRequest, authority: string, body: Buffer): void;
}

/** The circuit breaker of retries, per cluster. */
export interface RetryLimits {
  /** Returns how to say that the retry is over and whether it helped; `undefined` when no more retries are allowed now. */
  take(cluster: string): ((helped: boolean) => void) | undefined;
  /** The policy allows no more of them for this request. */
  spent(cluster: string): void;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Returns how to cancel. */
  after(milliseconds: number, run: () => void): () => void;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/**
 * A filter: config → next → request → response. It is made once per route when config changes, and left out of the chain when its
 * factory returns `undefined` (the feature is not in use there).
 */
export type HttpFilterFactory<Config> = (config: Config, environment: FilterEnvironment) => ((next: HttpHandler) => HttpHandler) | undefined;

/** What filters may use that ask somebody before anything goes on. */
export interface AskingEnvironment extends Pick<FilterEnvironment, 'clock'> {
  /** This proxy's SPIFFE identity. */
  readonly self: string;
  /** Sends a request to a host of a cluster; the answer may take so many milliseconds and 1 MiB. `http2`: in HTTP/2 where the cluster leaves the choice. */
  call(cluster: string, request: OwnRequest, timeout: number, http2?: boolean): Promise<OwnResponse | Unanswered>;
}

/** What a filter of the connection manager may use besides its config. */
export interface ManagerEnvironment extends AskingEnvironment, Pick<FilterEnvironment, 'random' | 'reply' | 'body'> {
  /** Where rules were written that are not resources of their own, by name. */
  readonly rules: RuleOrigins;
  /** The route that a request would take now; `undefined` when none matches. */
  route(request: HttpRequest): RouteScope | undefined;
  /** Asks the rate limit service; `undefined` when it does not answer in time (milliseconds). */
  rateLimits(domain: string, descriptors: readonly (readonly (readonly [string, string])[])[], timeout: number): Promise<RateLimitAnswer | undefined>;
}

/** A filter that acts before a route is chosen. It is made once per connection manager when config changes; it throws on config that cannot be used. */
export type ManagerFilterFactory<Config> = (config: Config, environment: ManagerEnvironment) => (next: HttpHandler) => HttpHandler;

/** What a filter says of a connection: why it is denied, in Envoy's words, or empty. */
export interface ConnectionVerdict {
  readonly denied: string;
  readonly steps: readonly DecisionStep[];
}

/** Judges a connection; `metadata` is what the filters before it found out, by their names. */
export type ConnectionFilter = (connection: DownstreamConnection, metadata: Map<string, Readonly<Record<string, unknown>>>) => ConnectionVerdict | Promise<ConnectionVerdict>;

/** A filter of connections that are not HTTP. It is made once per filter chain when config changes; it throws on config that cannot be used. */
export type ConnectionFilterFactory<Config> = (config: Config, rules: RuleOrigins, environment: AskingEnvironment) => ConnectionFilter;

/** A host as a load balancer sees it. */
export interface BalancedHost {
  readonly address: string;
  /** At least 1. */
  readonly weight: number;
  /** Requests in flight. */
  readonly active: number;
  /** When it became a host of the cluster, milliseconds since the epoch; slow start counts from then. */
  readonly since?: number;
}

/** A host with its place among the others of its cluster. */
export interface PlacedHost extends BalancedHost {
  /** 0 is the best. */
  readonly priority: number;
  readonly health: 'healthy' | 'degraded' | 'unhealthy';
  /** `region/zone/subzone`; empty when it has none. */
  readonly locality: string;
  /** Weight of all hosts of the locality together; 0 when none is written. */
  readonly localityWeight: number;
}

/** Takes in how one host does, and says whether it is to be left out. */
export interface HostMonitor {
  /** A response came. */
  answered(status: number): void;
  /** A connection was made, or was at hand. */
  reached(): void;
  /** No response came: the connection could not be made or broke, or time ran out. */
  unreachable(how: 'connection' | 'timeout'): void;
  /** Set while the host is left out. Milliseconds since the epoch. */
  readonly ejection: { readonly since: number; readonly until: number; readonly reason: EjectionReason } | undefined;
  /** How often it was left out since it became a host. */
  readonly ejections: number;
}

/** Picks among the hosts that are fit to serve; made anew when the set of hosts changes. */
export interface LoadBalancer<Host extends BalancedHost> {
  /** `hash` decides for consistent-hash policies; without one they pick at random. */
  pick(hash: number | undefined): Host | undefined;
}

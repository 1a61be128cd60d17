import type { ClusterWeight, FilterChain, Listener, Origin, Route, VirtualHost } from '../xds/index.ts';

/** What a connection shows before any byte is proxied; the input of listener and filter-chain matching. */
export interface ConnectionFacts {
  /** The original destination. */
  readonly destinationIp: string;
  readonly destinationPort: number;
  readonly sourceIp: string;
  readonly transportProtocol: 'raw_buffer' | 'tls';
  readonly serverName?: string;
  /** From TLS ALPN, or from the HTTP inspector (`http/1.0`, `http/1.1`, `h2c`) on plaintext. */
  readonly applicationProtocols: readonly string[];
}

/** What a request shows; the input of route matching. Header names are lower-case. */
export interface RequestFacts {
  readonly method: string;
  /** Path with query, as received after normalisation. */
  readonly path: string;
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  header(name: string): string | undefined;
  /** What a filter found out about the request, by the filter's name. */
  metadata?(filter: string): unknown;
}

/** A candidate that was looked at and lost, and why: the raw material of `explain`. */
export interface Rejected {
  readonly what: string;
  readonly why: string;
  readonly origin?: Origin;
}

/** The outcome of listener and filter-chain matching. */
export type ListenerMatch =
  | { readonly kind: 'chain'; readonly listener: Listener; readonly chain: FilterChain; readonly rejected: readonly Rejected[] }
  | { readonly kind: 'no-listener' | 'no-filter-chain'; readonly listener?: Listener; readonly rejected: readonly Rejected[] };

/** One listener made ready to match. */
export interface PreparedListener {
  readonly listener: Listener;
  /** Which inspectors look at the first bytes of a connection to this destination port before a chain is chosen. */
  inspects(destinationPort: number): { readonly tls: boolean; readonly http: boolean };
  /** Connections begin with a header of the PROXY protocol. */
  readonly expectsProxyHeader: boolean;
  /** Chooses the filter chain. Rejected chains are collected only when `explain` is true. */
  match(facts: ConnectionFacts, explain?: boolean): ListenerMatch;
}

/** All listeners of a proxy. `localPort` is the port of the socket that accepted the connection: 15001, 15006 or a gateway's. */
export interface ListenerTable {
  /** The listener that serves a connection, known before any byte was read; `undefined` when nothing listens there. */
  find(localPort: number, destinationIp: string, destinationPort: number): PreparedListener | undefined;
  match(localPort: number, facts: ConnectionFacts, explain?: boolean): ListenerMatch;
}

/** The outcome of route matching. `cluster` is chosen by weight with the random number given. */
export type RouteMatch =
  | { readonly kind: 'route'; readonly virtualHost: VirtualHost; readonly route: Route; readonly cluster?: string; readonly weight?: ClusterWeight; readonly rejected: readonly Rejected[] }
  | { readonly kind: 'no-virtual-host' | 'no-route' | 'tls-required'; readonly virtualHost?: VirtualHost; readonly rejected: readonly Rejected[] };

/** A RouteConfiguration made ready to match: domains indexed, regular expressions compiled once. */
export interface RouteTable {
  readonly name: string;
  /**
   * Finds virtual host and route. `random` is in [0, 1). Rejected candidates are collected only when `explain` is true,
   * so that the hot path allocates nothing for them. Source: Envoy, "HTTP route matching".
   */
  match(request: RequestFacts, random: number, explain?: boolean): RouteMatch;
}

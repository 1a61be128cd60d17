import type { RequestFacts } from '../types.ts';

/** What access rules look at: a connection, and on HTTP one request of it. Addresses are textual. */
export interface AccessFacts {
  /** `undefined` on a connection that is not HTTP. */
  readonly request: RequestFacts | undefined;
  /** Another reading of the request's path, with its fragment. */
  readonly pathWithFragment?: string | undefined;
  /** The verified SPIFFE URI of the peer; empty without mTLS. */
  readonly principal: string;
  /** The peer of the connection. */
  readonly directIp: string;
  /** The caller behind trusted proxies; the peer when there are none. */
  readonly remoteIp: string;
  readonly destinationIp: string;
  readonly destinationPort: number;
  /** From TLS; empty without. */
  readonly serverName: string;
  /** What a filter found out about the request, by the filter's name: JSON. */
  metadata(filter: string): unknown;
}

/**
 * A condition on a request. `catching` says that being matched counts against the caller; then several readings of what was sent (a host with
 * and without port, one value of a repeated header) are tried and any one is enough. A reading never helps the caller.
 */
export interface Condition {
  holds(facts: AccessFacts, catching: boolean): boolean;
  /** Why it does not hold, in plain words, one entry per part; empty when it holds. */
  misses(facts: AccessFacts, catching: boolean): readonly string[];
}

/** A condition on one thing: `method` that `is "GET"`. */
export interface Leaf extends Condition {
  readonly subject: string;
  readonly words: string;
  /** What is there instead: `"POST"`, or `missing`. */
  actual(facts: AccessFacts): string;
}

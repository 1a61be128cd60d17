import type { HeaderMap, UpstreamRequest, HttpResponse, UpstreamFailure } from '../hooks.ts';
import type { UpstreamConnection } from '../runtime.ts';

/** One request on one upstream connection; HTTP/1.1 and HTTP/2 codecs make the same events. */
export interface Exchange {
  /** The connection was got; called once, before anything is written. Last chance to add headers that depend on who the peer is. */
  connected(connection: UpstreamConnection, reused: boolean): void;
  /** A response before the real one, but for 101. */
  informational?(status: number, headers: HeaderMap): void;
  /** The head is here; the body follows by its own way. */
  response(response: HttpResponse): void;
  /** No response will come; once, and not after `response`. `untouched`: not one byte of an answer was seen. */
  failed(failure: UpstreamFailure, details: string, untouched: boolean): void;
}

/**
 * What a connection's codec meets other than the good end of a request: the host broke the protocol; it reset a request; we gave up one that was
 * sent; it closed the connection while requests were under way.
 */
export type Mishap = 'violation' | 'reset' | 'given-up' | 'cut';

/** What is under way in a pool. */
export interface Pending {
  /** Nobody waits any more: dequeues it, or closes its connection. */
  cancel(): void;
}

/** Connections to one host. */
export interface HttpPool {
  /** Sends a request on an idle connection or a new one. `fresh`: never on one that has been used before. */
  send(request: UpstreamRequest, exchange: Exchange, fresh: boolean): Pending;
}

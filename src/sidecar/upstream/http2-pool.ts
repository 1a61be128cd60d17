import type { HttpRequest } from '../hooks.ts';
import { Http2Client, speaksHttp2, type Http2ClientOwner, type Http2Request } from '../http2/index.ts';
import { handleLink } from '../link/index.ts';
import type { UpstreamConnection } from '../runtime.ts';
import type { Host } from './host.ts';
import type { PoolContext } from './pool-context.ts';
import type { Exchange, HttpPool, Pending } from './pool.ts';

/** A request that waits for a connection, and then the handle to cancel it. */
class Waiting implements Pending {
  sent: Http2Request | undefined;
  readonly request: HttpRequest;
  readonly exchange: Exchange;
  /** After it was handed on: who has it now. */
  elsewhere: Pending | undefined;
  readonly #pool: Http2Pool;

  constructor(request: HttpRequest, exchange: Exchange, pool: Http2Pool) {
    this.request = request;
    this.exchange = exchange;
    this.#pool = pool;
  }

  cancel(): void {
    if (this.elsewhere !== undefined) this.elsewhere.cancel();
    else if (this.sent !== undefined) this.sent.cancel();
    else this.#pool.forget(this);
  }
}

interface PooledClient {
  readonly codec: Http2Client;
  readonly connection: UpstreamConnection;
  stopTimer(): void;
}

/** How a pool connects. */
export interface Http2PoolOptions {
  /** Streams on a connection, where the config says so; the peer may allow fewer. */
  readonly maxConcurrentStreams: number;
  /** The handshake must agree on HTTP/2; where it does not, requests go to the other pool. */
  readonly negotiated: boolean;
  /** Takes requests when the host turned out to speak HTTP/1.1. */
  readonly fallback: HttpPool;
}

const windows = { streamWindow: 65_536, connectionWindow: 16 * 1024 * 1024, maxConcurrentStreams: 0, headTimeout: 10_000 } as const;

/** HTTP/2 connections to one host: many requests on each, another connection only when all are full. */
export class Http2Pool implements HttpPool, Http2ClientOwner {
  /** The host does not speak HTTP/2. */
  refused = false;
  readonly #host: Host;
  readonly #context: PoolContext;
  readonly #options: Http2PoolOptions;
  readonly #clients = new Map<Http2Client, PooledClient>();
  #waiting: Waiting[] = [];
  #connecting = 0;
  #closed = false;

  constructor(host: Host, context: PoolContext, options: Http2PoolOptions) {
    this.#host = host;
    this.#context = context;
    this.#options = options;
  }

  send(request: HttpRequest, exchange: Exchange, fresh: boolean): Pending {
    const { limits, use, counters } = this.#context;
    const waiting = new Waiting(request, exchange, this);
    if (use.requests >= limits.maxRequests) {
      counters.upstream_rq_pending_overflow++;
      counters.upstream_rq_active_overflow++;
      exchange.failed('overflow', 'overflow', true);
      return waiting;
    }
    const client = this.#usable(fresh);
    if (client !== undefined) {
      this.#assign(client, waiting);
      return waiting;
    }
    if (use.pending >= limits.maxPendingRequests) {
      counters.upstream_rq_pending_overflow++;
      exchange.failed('overflow', 'overflow', true);
      return waiting;
    }
    use.pending++;
    counters.upstream_rq_pending_total++;
    this.#waiting.push(waiting);
    this.#connectIfNeeded();
    return waiting;
  }

  /** A request that still waits does not want a connection any more. */
  forget(waiting: Waiting): void {
    const index = this.#waiting.indexOf(waiting);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#context.use.pending--;
    this.#context.counters.upstream_rq_cancelled++;
  }

  /** Connections close when their requests are done. */
  close(): void {
    this.#closed = true;
    for (const { codec } of [...this.#clients.values()]) codec.shutdown();
  }

  changed(): void {
    while (this.#waiting.length > 0) {
      const client = this.#usable(false);
      if (client === undefined) break;
      this.#context.use.pending--;
      this.#assign(client, this.#waiting.shift() as Waiting);
    }
    this.#connectIfNeeded();
  }

  gone(codec: Http2Client): void {
    const client = this.#clients.get(codec);
    if (client === undefined) return;
    this.#clients.delete(codec);
    client.stopTimer();
    this.#context.use.connections--;
    this.#context.counters.upstream_cx_destroy++;
    this.#host.connections--;
    this.#connectIfNeeded();
  }

  #usable(fresh: boolean): PooledClient | undefined {
    for (const client of this.#clients.values()) {
      const { codec } = client;
      if (codec.usable && codec.connection.active < this.#options.maxConcurrentStreams && !(fresh && codec.requests > 0)) return client;
    }
    return undefined;
  }

  #assign({ codec, connection }: PooledClient, waiting: Waiting): void {
    const { use, counters, limits } = this.#context;
    this.#host.active++;
    use.requests++;
    counters.upstream_rq_total++;
    this.#host.counters.rq_total++;
    waiting.exchange.connected(connection, codec.requests > 0);
    waiting.sent = codec.send(waiting.request, waiting.exchange, () => {
      this.#host.active--;
      use.requests--;
    });
    if (codec.requests < limits.maxRequestsPerConnection) return;
    counters.upstream_cx_max_requests++;
    codec.shutdown();
  }

  /** Opens as many connections as those that wait will fill, within the limit; a host always gets its first one. */
  #connectIfNeeded(): void {
    const { limits, use, counters } = this.#context;
    const perConnection = Math.min(this.#options.maxConcurrentStreams, limits.maxRequestsPerConnection);
    while (this.#connecting * perConnection < this.#waiting.length) {
      if (use.connections >= limits.maxConnections) {
        counters.upstream_cx_overflow++;
        if (this.#clients.size > 0 || this.#connecting > 0) return;
      }
      this.#connect();
    }
  }

  #connect(): void {
    const { cluster, limits, use, counters, environment } = this.#context;
    this.#connecting++;
    counters.upstream_cx_total++;
    this.#host.counters.cx_total++;
    use.connections++;
    const abort = new AbortController();
    let timedOut = false;
    const cancelTimer = environment.clock.after(limits.connectTimeout, () => {
      timedOut = true;
      abort.abort();
    });
    environment.connector.connect(cluster, this.#host, abort.signal, true).then(
      (connection) => {
        cancelTimer();
        this.#connecting--;
        this.#connected(connection);
      },
      (error: unknown) => {
        cancelTimer();
        this.#connecting--;
        use.connections--;
        counters.upstream_cx_connect_fail++;
        if (timedOut) counters.upstream_cx_connect_timeout++;
        this.#host.counters.cx_connect_fail++;
        this.#connectFailed(timedOut ? 'connection_timeout' : 'connection_failure', error);
      },
    );
  }

  #connected(connection: UpstreamConnection): void {
    const { limits, counters, use, environment } = this.#context;
    if (!speaksHttp2(connection.alpn, this.#options.negotiated)) {
      connection.link.destroy();
      use.connections--;
      counters.upstream_cx_destroy++;
      this.#handOver();
      return;
    }
    const idleTimeout = Number.isFinite(limits.idleTimeout) ? limits.idleTimeout : 0;
    const codec = new Http2Client(handleLink(connection.link), this, { ...windows, idleTimeout }, environment.clock);
    const stopTimer = Number.isFinite(limits.maxConnectionDuration) ? environment.clock.after(limits.maxConnectionDuration, () => {
      counters.upstream_cx_max_duration_reached++;
      codec.shutdown();
    }) : () => undefined;
    this.#clients.set(codec, { codec, connection, stopTimer });
    this.#host.connections++;
    codec.start();
    this.changed();
    if (this.#closed) codec.shutdown();
  }

  /** The host speaks HTTP/1.1: who waits goes there, and who comes after is sent there at once. */
  #handOver(): void {
    this.refused = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#context.use.pending -= waiting.length;
    for (const one of waiting) one.elsewhere = this.#options.fallback.send(one.request, one.exchange, false);
  }

  /** One attempt to connect stands for all who waited for it. */
  #connectFailed(details: string, error: unknown): void {
    const failed = this.#waiting.splice(0, Math.max(1, this.#connecting === 0 ? this.#waiting.length : this.#options.maxConcurrentStreams));
    this.#context.use.pending -= failed.length;
    const code = (error as { readonly code?: unknown } | undefined)?.code;
    for (const { exchange } of failed) exchange.failed('connect-failure', typeof code === 'string' ? `${details}|${code}` : details, true);
    this.#connectIfNeeded();
  }
}

import type { HttpRequest } from '../hooks.ts';
import { Http1Client, type ClientOwner } from '../http1/index.ts';
import { handleLink } from '../link/index.ts';
import type { UpstreamConnection } from '../runtime.ts';
import type { Host } from './host.ts';
import type { PoolContext } from './pool-context.ts';
import type { Exchange, HttpPool, Pending } from './pool.ts';

/** A request that waits for a connection, and then the handle to cancel it. */
class Waiting implements Pending {
  client: PooledClient | undefined;
  readonly request: HttpRequest;
  readonly exchange: Exchange;
  readonly #pool: Http1Pool;

  constructor(request: HttpRequest, exchange: Exchange, pool: Http1Pool) {
    this.request = request;
    this.exchange = exchange;
    this.#pool = pool;
  }

  cancel(): void {
    if (this.client === undefined) this.#pool.forget(this);
    else if (this.client.current === this) this.client.codec.destroy();
  }
}

/** A connection of the pool and who is on it. */
interface PooledClient {
  readonly codec: Http1Client;
  readonly connection: UpstreamConnection;
  current: Waiting | undefined;
  /** Takes no further request: it has lived long enough. */
  worn: boolean;
  stopTimer(): void;
}

/** Keep-alive HTTP/1.1 connections to one host: last used first, so that surplus ones grow old and go. */
export class Http1Pool implements HttpPool, ClientOwner {
  readonly #host: Host;
  readonly #context: PoolContext;
  readonly #clients = new Map<Http1Client, PooledClient>();
  readonly #idle: Http1Client[] = [];
  readonly #waiting: Waiting[] = [];
  #connecting = 0;
  #closed = false;
  #sweep: (() => void) | undefined;

  constructor(host: Host, context: PoolContext) {
    this.#host = host;
    this.#context = context;
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
    const idle = fresh || request.upgrade !== '' ? undefined : this.#takeIdle();
    if (idle !== undefined) {
      this.#assign(idle, waiting);
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

  /** Idle connections close now, busy ones when they are done. */
  close(): void {
    this.#closed = true;
    this.#sweep?.();
    for (const client of this.#idle.splice(0)) client.destroy();
  }

  get empty(): boolean {
    return this.#clients.size === 0 && this.#waiting.length === 0 && this.#connecting === 0;
  }

  idle(codec: Http1Client): void {
    const client = this.#clients.get(codec);
    if (client === undefined) return;
    this.#release(client);
    const spent = codec.requests >= this.#context.limits.maxRequestsPerConnection;
    if (spent) this.#context.counters.upstream_cx_max_requests++;
    // Who waited when the pool was closed is still served.
    if ((this.#closed && this.#waiting.length === 0) || spent || client.worn) {
      codec.destroy();
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#context.use.pending--;
      this.#assign(client, next);
      return;
    }
    const { limits, environment } = this.#context;
    // An upstream that says how long it keeps a connection is left a second early, so that no request meets its close.
    const hint = codec.keepAliveTimeout === undefined ? limits.idleTimeout : Math.max(0, codec.keepAliveTimeout * 1000 - 1000);
    codec.expires = environment.clock.now() + Math.min(limits.idleTimeout, hint);
    this.#idle.push(codec);
    this.#sweep ??= environment.clock.after(Math.max(1000, Math.min(limits.idleTimeout, hint, 60_000)), this.#sweepIdle);
  }

  gone(codec: Http1Client): void {
    const client = this.#clients.get(codec);
    if (client === undefined) return;
    this.#clients.delete(codec);
    client.stopTimer();
    this.#context.use.connections--;
    this.#context.counters.upstream_cx_destroy++;
    this.#host.connections--;
    const index = this.#idle.indexOf(codec);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#release(client);
    this.#connectIfNeeded();
  }

  #takeIdle(): PooledClient | undefined {
    const now = this.#context.environment.clock.now();
    for (let codec = this.#idle.pop(); codec !== undefined; codec = this.#idle.pop()) {
      if (codec.usable && codec.expires > now) return this.#clients.get(codec);
      codec.destroy();
    }
    return undefined;
  }

  #assign(client: PooledClient, waiting: Waiting): void {
    client.current = waiting;
    waiting.client = client;
    this.#host.active++;
    this.#context.use.requests++;
    this.#context.counters.upstream_rq_total++;
    this.#host.counters.rq_total++;
    waiting.exchange.connected(client.connection, client.codec.requests > 0);
    client.codec.send(waiting.request, waiting.exchange);
  }

  #release(client: PooledClient): void {
    if (client.current === undefined) return;
    client.current = undefined;
    this.#host.active--;
    this.#context.use.requests--;
  }

  /** Opens as many connections as wait for one, within the limit; a host always gets its first one. */
  #connectIfNeeded(): void {
    const { limits, use, counters } = this.#context;
    while (this.#connecting < this.#waiting.length) {
      if (use.connections >= limits.maxConnections) {
        counters.upstream_cx_overflow++;
        if (!this.isBare()) return;
      }
      this.#connect();
    }
  }

  /** Envoy lets each host have one connection even above the limit, so that no request waits for ever. */
  isBare(): boolean {
    return this.#clients.size === 0 && this.#connecting === 0;
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
    environment.connector.connect(cluster, this.#host, abort.signal).then(
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
    const codec = new Http1Client(handleLink(connection.link), this);
    const { limits, counters, environment } = this.#context;
    const client: PooledClient = { codec, connection, current: undefined, worn: false, stopTimer: () => undefined };
    this.#clients.set(codec, client);
    this.#host.connections++;
    if (Number.isFinite(limits.maxConnectionDuration)) {
      client.stopTimer = environment.clock.after(limits.maxConnectionDuration, () => {
        counters.upstream_cx_max_duration_reached++;
        client.worn = true;
        if (client.current === undefined) codec.destroy();
      });
    }
    this.idle(codec);
  }

  #connectFailed(details: string, error: unknown): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    this.#context.use.pending--;
    const code = (error as { readonly code?: unknown } | undefined)?.code;
    waiting.exchange.failed('connect-failure', typeof code === 'string' ? `${details}|${code}` : details, true);
    this.#connectIfNeeded();
  }

  readonly #sweepIdle = (): void => {
    this.#sweep = undefined;
    const now = this.#context.environment.clock.now();
    for (const codec of this.#idle.filter((client) => client.expires <= now)) {
      this.#context.counters.upstream_cx_idle_timeout++;
      codec.destroy();
    }
    if (this.#idle.length > 0 && !this.#closed) this.#sweep = this.#context.environment.clock.after(Math.max(1000, Math.min(...this.#idle.map((client) => client.expires)) - now), this.#sweepIdle);
  };
}

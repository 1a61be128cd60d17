import type { HttpRequest } from '../hooks.ts';
import { Http1Client, type ClientOwner } from '../http1/index.ts';
import { handleLink } from '../link/index.ts';
import type { ClusterEnvironment, UpstreamCluster, UpstreamConnection } from '../runtime.ts';
import type { Host } from './host.ts';
import type { ClusterLimits, ClusterUse } from './limits.ts';
import type { Exchange, HttpPool, Pending } from './pool.ts';

/** What the pools of one cluster share. */
export interface PoolContext {
  readonly cluster: UpstreamCluster;
  readonly limits: ClusterLimits;
  readonly use: ClusterUse;
  readonly environment: ClusterEnvironment;
}

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
    const { limits, use } = this.#context;
    const waiting = new Waiting(request, exchange, this);
    if (use.requests >= limits.maxRequests) {
      exchange.failed('overflow', 'overflow', true);
      return waiting;
    }
    const idle = fresh || request.upgrade !== '' ? undefined : this.#takeIdle();
    if (idle !== undefined) {
      this.#assign(idle, waiting);
      return waiting;
    }
    if (use.pending >= limits.maxPendingRequests) {
      exchange.failed('overflow', 'overflow', true);
      return waiting;
    }
    use.pending++;
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
    if (this.#closed || codec.requests >= this.#context.limits.maxRequestsPerConnection) {
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
    this.#context.use.connections--;
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
    const { limits, use } = this.#context;
    while (this.#connecting < this.#waiting.length && (use.connections < limits.maxConnections || this.isBare())) this.#connect();
  }

  /** Envoy lets each host have one connection even above the limit, so that no request waits for ever. */
  isBare(): boolean {
    return this.#clients.size === 0 && this.#connecting === 0;
  }

  #connect(): void {
    const { cluster, limits, use, environment } = this.#context;
    this.#connecting++;
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
        this.#connectFailed(timedOut ? 'connection_timeout' : 'connection_failure', error);
      },
    );
  }

  #connected(connection: UpstreamConnection): void {
    const codec = new Http1Client(handleLink(connection.link), this);
    const client: PooledClient = { codec, connection, current: undefined };
    this.#clients.set(codec, client);
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
    for (const codec of this.#idle.filter((client) => client.expires <= now)) codec.destroy();
    if (this.#idle.length > 0 && !this.#closed) this.#sweep = this.#context.environment.clock.after(Math.max(1000, Math.min(...this.#idle.map((client) => client.expires)) - now), this.#sweepIdle);
  };
}

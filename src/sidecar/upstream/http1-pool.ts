import type { UpstreamRequest } from '../hooks.ts';
import { Http1Client, type ClientOwner } from '../http1/index.ts';
import { handleLink } from '../link/index.ts';
import type { UpstreamConnection } from '../runtime.ts';
import { countMishap } from './counters.ts';
import type { Host } from './host.ts';
import type { PoolContext } from './pool-context.ts';
import { PoolQueue } from './pool-queue.ts';
import type { Exchange, HttpPool, Mishap, Pending } from './pool.ts';

/** A request that waits for a connection, and then the handle to cancel it. */
class Waiting implements Pending {
  client: PooledClient | undefined;
  readonly request: UpstreamRequest;
  readonly exchange: Exchange;
  readonly #pool: Http1Pool;

  constructor(request: UpstreamRequest, exchange: Exchange, pool: Http1Pool) {
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
  gone(): void;
}

const nothing = (): void => undefined;

/** Keep-alive HTTP/1.1 connections to one host: last used first, so that surplus ones grow old and go. */
export class Http1Pool implements HttpPool, ClientOwner {
  readonly #context: PoolContext;
  readonly #clients = new Map<Http1Client, PooledClient>();
  readonly #idle: Http1Client[] = [];
  readonly #queue: PoolQueue<Waiting>;
  #closed = false;
  #sweep: (() => void) | undefined;

  constructor(host: Host, context: PoolContext) {
    this.#context = context;
    this.#queue = new PoolQueue(host, context, { http2: false, perConnection: 1, failsFor: () => 1, connected: (connection) => this.#connected(connection), size: () => this.#clients.size });
  }

  send(request: UpstreamRequest, exchange: Exchange, fresh: boolean): Pending {
    const waiting = new Waiting(request, exchange, this);
    if (!this.#queue.admits(waiting)) return waiting;
    const idle = fresh || request.upgrade !== '' ? undefined : this.#takeIdle();
    if (idle !== undefined) this.#assign(idle, waiting);
    else this.#queue.push(waiting);
    return waiting;
  }

  /** A request that still waits does not want a connection any more. */
  forget(waiting: Waiting): void { this.#queue.forget(waiting); }

  /** Idle connections close now, busy ones when they are done. */
  close(): void {
    this.#closed = true;
    this.#sweep?.();
    for (const client of this.#idle.splice(0)) client.destroy();
  }

  idle(codec: Http1Client): void {
    const client = this.#clients.get(codec);
    if (client === undefined) return;
    this.#release(client);
    const spent = codec.requests >= this.#context.limits.maxRequestsPerConnection;
    if (spent) this.#context.counters.upstream_cx_max_requests++;
    // Who waited when the pool was closed is still served.
    if ((this.#closed && this.#queue.length === 0) || spent || client.worn) {
      codec.destroy();
      return;
    }
    const next = this.#queue.take(1)[0];
    if (next !== undefined) this.#assign(client, next);
    else this.#rest(codec);
  }

  met(mishap: Mishap): void { countMishap(this.#context.counters, mishap); }

  gone(codec: Http1Client): void {
    const client = this.#clients.get(codec);
    if (client === undefined) return;
    this.#clients.delete(codec);
    client.gone();
    const index = this.#idle.indexOf(codec);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#release(client);
    this.#queue.connectIfNeeded();
  }

  #rest(codec: Http1Client): void {
    const { limits, environment } = this.#context;
    // An upstream that says how long it keeps a connection is left a second early, so that no request meets its close.
    const hint = codec.keepAliveTimeout === undefined ? limits.idleTimeout : Math.max(0, codec.keepAliveTimeout * 1000 - 1000);
    codec.expires = environment.clock.now() + Math.min(limits.idleTimeout, hint);
    this.#idle.push(codec);
    this.#sweep ??= environment.clock.after(Math.max(1000, Math.min(limits.idleTimeout, hint, 60_000)), this.#sweepIdle);
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
    this.#queue.entered();
    waiting.exchange.connected(client.connection, client.codec.requests > 0);
    client.codec.send(waiting.request, waiting.exchange);
  }

  #release(client: PooledClient): void {
    if (client.current === undefined) return;
    client.current = undefined;
    this.#queue.left();
  }

  #connected(connection: UpstreamConnection): void {
    const codec = new Http1Client(handleLink(connection.link), this);
    const client: PooledClient = { codec, connection, current: undefined, worn: false, gone: nothing };
    this.#clients.set(codec, client);
    client.gone = this.#queue.opened(() => {
      client.worn = true;
      if (client.current === undefined) codec.destroy();
    });
    this.idle(codec);
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

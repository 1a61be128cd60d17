import type { UpstreamRequest } from '../hooks.ts';
import { Http2Client, speaksHttp2, type Http2ClientOwner, type Http2Request, type KeepaliveOptions } from '../http2/index.ts';
import { handleLink } from '../link/index.ts';
import type { UpstreamConnection } from '../runtime.ts';
import { countMishap } from './counters.ts';
import type { Host } from './host.ts';
import type { PoolContext } from './pool-context.ts';
import { PoolQueue } from './pool-queue.ts';
import type { Exchange, HttpPool, Mishap, Pending } from './pool.ts';

/** A request that waits for a connection, and then the handle to cancel it. */
class Waiting implements Pending {
  sent: Http2Request | undefined;
  readonly request: UpstreamRequest;
  readonly exchange: Exchange;
  /** After it was handed on: who has it now. */
  elsewhere: Pending | undefined;
  readonly #pool: Http2Pool;

  constructor(request: UpstreamRequest, exchange: Exchange, pool: Http2Pool) {
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
  gone(): void;
}

/** How a pool connects. */
export interface Http2PoolOptions {
  /** Streams on a connection, where the config says so; the peer may allow fewer. */
  readonly maxConcurrentStreams: number;
  readonly keepalive: KeepaliveOptions | undefined;
  /** The handshake must agree on HTTP/2; where it does not, requests go to the other pool. */
  readonly negotiated: boolean;
  /** Takes requests when the host turned out to speak HTTP/1.1. */
  readonly fallback: HttpPool;
}

/** Most answers fit into it. */
const streamWindow = 262_144;
/** What is kept at most for callers on one connection who do not read. */
const mostKept = 64 * 1024 * 1024;

/** HTTP/2 connections to one host: many requests on each, another connection only when all are full. */
export class Http2Pool implements HttpPool, Http2ClientOwner {
  /** The host does not speak HTTP/2. */
  refused = false;
  readonly #context: PoolContext;
  readonly #options: Http2PoolOptions;
  /** Room for the windows of all streams: callers who do not read must not take that of the others on the connection. */
  readonly #connectionWindow: number;
  readonly #clients = new Map<Http2Client, PooledClient>();
  readonly #queue: PoolQueue<Waiting>;
  #closed = false;

  constructor(host: Host, context: PoolContext, options: Http2PoolOptions) {
    this.#context = context;
    this.#options = options;
    const { maxConcurrentStreams } = options;
    this.#connectionWindow = Math.min(mostKept, maxConcurrentStreams * streamWindow);
    this.#queue = new PoolQueue(host, context, {
      http2: true, perConnection: Math.min(maxConcurrentStreams, context.limits.maxRequestsPerConnection),
      // One attempt to connect stands for all who waited for it.
      failsFor: (waiting, connecting) => Math.max(1, connecting === 0 ? waiting : maxConcurrentStreams),
      connected: (connection) => this.#connected(connection), size: () => this.#clients.size,
    });
  }

  send(request: UpstreamRequest, exchange: Exchange, fresh: boolean): Pending {
    const waiting = new Waiting(request, exchange, this);
    if (!this.#queue.admits(waiting)) return waiting;
    const client = this.#usable(fresh);
    if (client !== undefined) this.#assign(client, waiting);
    else this.#queue.push(waiting);
    return waiting;
  }

  /** A request that still waits does not want a connection any more. */
  forget(waiting: Waiting): void { this.#queue.forget(waiting); }

  /** Connections close when their requests are done. */
  close(): void {
    this.#closed = true;
    for (const { codec } of [...this.#clients.values()]) codec.shutdown();
  }

  changed(): void {
    while (this.#queue.length > 0) {
      const client = this.#usable(false);
      const [next] = client === undefined ? [] : this.#queue.take(1);
      if (client === undefined || next === undefined) break;
      this.#assign(client, next);
    }
    this.#queue.connectIfNeeded();
  }

  idled(): void { this.#context.counters.upstream_cx_idle_timeout++; }

  met(mishap: Mishap): void { countMishap(this.#context.counters, mishap); }

  gone(codec: Http2Client): void {
    const client = this.#clients.get(codec);
    if (client === undefined) return;
    this.#clients.delete(codec);
    client.gone();
    this.#queue.connectIfNeeded();
  }

  #usable(fresh: boolean): PooledClient | undefined {
    for (const client of this.#clients.values()) {
      const { codec } = client;
      if (codec.usable && codec.connection.active < this.#options.maxConcurrentStreams && !(fresh && codec.requests > 0)) return client;
    }
    return undefined;
  }

  #assign({ codec, connection }: PooledClient, waiting: Waiting): void {
    const done = this.#queue.began();
    waiting.exchange.connected(connection, codec.requests > 0);
    waiting.sent = codec.send(waiting.request, waiting.exchange, done);
    if (codec.requests < this.#context.limits.maxRequestsPerConnection) return;
    this.#context.counters.upstream_cx_max_requests++;
    codec.shutdown();
  }

  #connected(connection: UpstreamConnection): void {
    const { limits, environment } = this.#context;
    if (!speaksHttp2(connection.alpn, this.#options.negotiated)) {
      connection.link.destroy();
      this.#queue.discarded();
      this.#handOver();
      return;
    }
    const idleTimeout = Number.isFinite(limits.idleTimeout) ? limits.idleTimeout : 0;
    const codec = new Http2Client(handleLink(connection.link), this, { streamWindow, connectionWindow: this.#connectionWindow, maxConcurrentStreams: 0, headTimeout: 10_000, idleTimeout, keepalive: this.#options.keepalive }, environment.clock);
    this.#clients.set(codec, { codec, connection, gone: this.#queue.opened(() => codec.shutdown()) });
    codec.start();
    this.changed();
    if (this.#closed) codec.shutdown();
  }

  /** The host speaks HTTP/1.1: who waits goes there, and who comes after is sent there at once. */
  #handOver(): void {
    this.refused = true;
    for (const one of this.#queue.take(this.#queue.length)) one.elsewhere = this.#options.fallback.send(one.request, one.exchange, false);
  }
}

import type { UpstreamRequest } from '../hooks.ts';
import type { UpstreamConnection } from '../runtime.ts';
import type { Host } from './host.ts';
import type { PoolContext } from './pool-context.ts';
import type { Exchange } from './pool.ts';

/** A request that a pool has taken. */
export interface Queued {
  readonly request: UpstreamRequest;
  readonly exchange: Exchange;
}

/** What differs between the versions of HTTP when a pool connects. */
export interface Connecting {
  readonly http2: boolean;
  /** Requests that a new connection will take. */
  readonly perConnection: number;
  /** Of how many that wait a failed attempt is the end, while `connecting` others are under way. */
  failsFor(waiting: number, connecting: number): number;
  connected(connection: UpstreamConnection): void;
  /** Connections that are there. */
  size(): number;
}

/** Nobody waits. */
const none: readonly never[] = [];

/**
 * What pools do alike whatever protocol they speak: hold requests to the cluster's limits, keep those that wait, open connections for them,
 * and keep the cluster's and the host's counters.
 */
export class PoolQueue<Item extends Queued> {
  readonly #host: Host;
  readonly #context: PoolContext;
  readonly #connecting: Connecting;
  #waiting: Item[] = [];
  #underWay = 0;

  constructor(host: Host, context: PoolContext, connecting: Connecting) {
    this.#host = host;
    this.#context = context;
    this.#connecting = connecting;
  }

  get length(): number { return this.#waiting.length; }

  /** Whether another request may be active; when not, it has failed. */
  admits({ exchange }: Item): boolean {
    const { limits, use, counters } = this.#context;
    if (use.requests < limits.maxRequests) return true;
    counters.upstream_rq_pending_overflow++;
    counters.upstream_rq_active_overflow++;
    exchange.failed('overflow', 'overflow', true);
    return false;
  }

  /** Lets a request wait for a connection, or fails it when too many do. */
  push(item: Item): void {
    const { limits, use, counters } = this.#context;
    if (use.pending >= limits.maxPendingRequests) {
      counters.upstream_rq_pending_overflow++;
      item.exchange.failed('overflow', 'overflow', true);
      return;
    }
    use.pending++;
    counters.upstream_rq_pending_total++;
    this.#waiting.push(item);
    this.connectIfNeeded();
  }

  /** Takes out up to `most` that have waited longest. */
  take(most: number): readonly Item[] {
    if (this.#waiting.length === 0) return none;
    const taken = this.#waiting.splice(0, most);
    this.#context.use.pending -= taken.length;
    return taken;
  }

  /** A request that still waits does not want a connection any more. */
  forget(item: Item): void {
    const index = this.#waiting.indexOf(item);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#context.use.pending--;
    this.#context.counters.upstream_rq_cancelled++;
  }

  /** A request goes to the host. Returns what to do when it is over. */
  began(): () => void {
    this.entered();
    return () => { this.left(); };
  }

  /** A request goes to the host; {@link PoolQueue.left} follows when it is over. */
  entered(): void {
    const { use, counters } = this.#context;
    const host = this.#host;
    host.active++;
    use.requests++;
    counters.upstream_rq_total++;
    host.counters.rq_total++;
  }

  /** A request is over. */
  left(): void {
    this.#host.active--;
    this.#context.use.requests--;
  }

  /** A connection serves from now on; `worn` runs when it has lived as long as it may. Returns what to do when it is gone. */
  opened(worn: () => void): () => void {
    const { limits, counters, environment } = this.#context;
    this.#host.connections++;
    const stop = Number.isFinite(limits.maxConnectionDuration) ? environment.clock.after(limits.maxConnectionDuration, () => {
      counters.upstream_cx_max_duration_reached++;
      worn();
    }) : undefined;
    return () => {
      stop?.();
      this.#host.connections--;
      this.discarded();
    };
  }

  /** A connection that was made is no more. */
  discarded(): void {
    this.#context.use.connections--;
    this.#context.counters.upstream_cx_destroy++;
  }

  /**
   * Opens as many connections as those that wait will fill, within the limit. Envoy lets each host have one connection even above the limit,
   * so that no request waits for ever.
   */
  connectIfNeeded(): void {
    const { limits, use, counters } = this.#context;
    while (this.#underWay * this.#connecting.perConnection < this.#waiting.length) {
      if (use.connections >= limits.maxConnections) {
        counters.upstream_cx_overflow++;
        if (this.#connecting.size() > 0 || this.#underWay > 0) return;
      }
      this.#connect();
    }
  }

  #connect(): void {
    const { cluster, limits, use, counters, environment } = this.#context;
    this.#underWay++;
    counters.upstream_cx_total++;
    this.#host.counters.cx_total++;
    use.connections++;
    const abort = new AbortController();
    let timedOut = false;
    const cancelTimer = environment.clock.after(limits.connectTimeout, () => {
      timedOut = true;
      abort.abort();
    });
    environment.connector.connect(cluster, this.#host, abort.signal, this.#connecting.http2).then(
      (connection) => {
        cancelTimer();
        this.#underWay--;
        this.#connecting.connected(connection);
      },
      (error: unknown) => {
        cancelTimer();
        this.#underWay--;
        use.connections--;
        counters.upstream_cx_connect_fail++;
        if (timedOut) counters.upstream_cx_connect_timeout++;
        this.#host.counters.cx_connect_fail++;
        this.#failed(timedOut ? 'connection_timeout' : 'connection_failure', error);
      },
    );
  }

  #failed(details: string, error: unknown): void {
    const code = (error as { readonly code?: unknown } | undefined)?.code;
    const failed = this.take(this.#connecting.failsFor(this.#waiting.length, this.#underWay));
    this.#context.counters.upstream_rq_pending_failure_eject += failed.length;
    for (const { exchange } of failed) exchange.failed('connect-failure', typeof code === 'string' ? `${details}|${code}` : details, true);
    if (failed.length > 0) this.connectIfNeeded();
  }
}

import type { DecisionStep, ResponseFlag } from '../../contract/index.ts';
import { durationMs } from '../config/duration.ts';
import type { Address, Link, LinkReader } from '../link/index.ts';
import type { UpstreamCluster, UpstreamConnection, UpstreamHost } from '../runtime.ts';
import { nobody } from '../telemetry/peer.ts';
import { connectionFacts, connectionRecord } from './record.ts';
import type { TcpContext } from './runtime.ts';

/** A connection that is being proxied. */
export interface TcpConnection {
  /** Cuts it, both ways. */
  destroy(): void;
}

const reportEvery = 10_000;

/** Proxies bytes between a downstream connection and a host of a cluster: Envoy's TCP proxy. Takes the link over. `key` names the record. */
export function serveTcp(link: Link, context: TcpContext, key: number, done: () => void): TcpConnection {
  const session = new TcpSession(link, context, key, done);
  session.start().catch((error: unknown) => { session.fail('UF', error instanceof Error ? error.message : String(error)); });
  return session;
}

class TcpSession implements TcpConnection {
  readonly #down: Link;
  readonly #context: TcpContext;
  readonly #key: number;
  readonly #done: () => void;
  readonly #gone = new AbortController();
  readonly #steps: DecisionStep[] = [];
  #up: UpstreamConnection | undefined;
  #upstreamLocal: Address | undefined;
  #cluster: UpstreamCluster | undefined;
  #host: UpstreamHost | undefined;
  #clusterName = '';
  #upstreamDuration = 0;
  #received = 0;
  #sent = 0;
  #reported = { received: 0, sent: 0 };
  #lastActive: number;
  #cancelTimer: (() => void) | undefined;
  /** Gives back the upstream connection that it holds. */
  #release: (() => void) | undefined;
  #openSides = 2;
  #over = false;

  constructor(link: Link, context: TcpContext, key: number, done: () => void) {
    this.#down = link;
    this.#context = context;
    this.#key = key;
    this.#done = done;
    this.#lastActive = context.startTime;
  }

  async start(): Promise<void> {
    const { runtime, proxy } = this.#context;
    this.#clusterName = chooseCluster(proxy, runtime.random());
    this.#cluster = runtime.cluster(this.#clusterName);
    this.#steps.push({ stage: 'cluster', what: this.#clusterName, ...(this.#context.origin === undefined ? {} : { origin: this.#context.origin }) });
    this.#report({ opened: 1, closed: 0 });
    this.#waitForUpstream();
    if (this.#cluster === undefined) { this.fail('NC', 'cluster_not_found'); return; }
    const avoid = new Set<string>();
    const attempts = proxy.maxConnectAttempts ?? 1;
    for (let attempt = 1; attempt <= attempts && !this.#over; attempt += 1) {
      if (this.#cluster.use.connections >= this.#cluster.limits.maxConnections) {
        this.#cluster.counters.upstream_cx_overflow++;
        this.fail('UO', 'upstream_overflow');
        return;
      }
      const host = this.#cluster.pick({ avoid, originalDestination: this.#context.originalDestination });
      if (host === undefined) { this.fail('UH', 'no_healthy_upstream'); return; }
      avoid.add(host.address);
      if (await this.#connect(this.#cluster, host, attempt === attempts)) return;
    }
  }

  fail(flag: ResponseFlag, details: string): void {
    this.#finish([flag], details);
  }

  destroy(): void {
    this.#finish(['DC'], 'connection_closed_by_drain');
  }

  /** Resolves with true when the connection is made, or was the last try. */
  async #connect(cluster: UpstreamCluster, host: UpstreamHost, last: boolean): Promise<boolean> {
    const { runtime } = this.#context;
    this.#host = host;
    const began = runtime.clock.now();
    const release = occupy(cluster, host);
    this.#release = release;
    try {
      const connection = await runtime.tcpConnector.connect(cluster, host, this.#gone.signal);
      this.#upstreamDuration = runtime.clock.now() - began;
      host.monitor?.reached();
      host.monitor?.answered(200);
      this.#join(connection, host);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      release();
      if (!this.#over) {
        cluster.counters.upstream_cx_connect_fail++;
        host.counters.cx_connect_fail++;
        host.monitor?.unreachable('connection');
      }
      this.#steps.push({ stage: 'endpoint', what: host.address, why: `could not be connected: ${reason}` });
      if (last) this.fail('UF', `upstream_connection_failure{${reason}}`);
      return last;
    }
  }

  #join(connection: UpstreamConnection, host: UpstreamHost): void {
    if (this.#over) { connection.link.destroy(); return; }
    this.#up = connection;
    // A socket that is closed has no address any more.
    this.#upstreamLocal = connection.link.local;
    this.#steps.push({ stage: 'endpoint', what: host.address, why: connection.mtls ? `mTLS as ${connection.principal}` : 'plaintext' });
    connection.link.read(this.#reader(connection.link, this.#down, (count) => { this.#sent += count; }, 'upstream'));
    this.#down.read(this.#reader(this.#down, connection.link, (count) => { this.#received += count; }, 'downstream'));
    this.#arm();
  }

  /** Before there is an upstream, one chunk is kept at most, and the caller's going away ends it. */
  #waitForUpstream(): void {
    this.#down.read({
      data: (chunk) => { this.#down.pause(); this.#down.unread(chunk); },
      end: () => undefined,
      drain: () => undefined,
      close: (code) => { this.#finish(['DC'], code ?? 'downstream_closed'); },
    });
  }

  #reader(from: Link, to: Link, count: (bytes: number) => void, side: 'upstream' | 'downstream'): LinkReader {
    return {
      data: (chunk) => {
        this.#lastActive = this.#context.runtime.clock.now();
        count(chunk.length);
        if (!to.write(chunk)) from.pause();
      },
      end: () => {
        to.end();
        this.#openSides -= 1;
      },
      drain: () => { to.resume(); },
      close: (code) => { this.#closed(side, code); },
    };
  }

  #closed(side: 'upstream' | 'downstream', code: string | undefined): void {
    if (code === undefined) this.#finish([], '');
    else this.#finish([side === 'upstream' ? 'UC' : 'DC'], `${side}_closed{${code}}`);
  }

  /** One lazy timer serves the idle timeout and the reports of a long connection. */
  #arm(): void {
    const { runtime, proxy } = this.#context;
    const idle = durationMs(proxy.idleTimeout, 3_600_000);
    const longest = durationMs(proxy.maxDownstreamConnectionDuration, 0);
    const ends = longest === 0 ? Number.POSITIVE_INFINITY : this.#context.startTime + longest;
    if (runtime.clock.now() >= ends) { this.#finish(['DT'], 'max_downstream_connection_duration'); return; }
    const left = idle === 0 ? reportEvery : Math.max(1, this.#lastActive + idle - runtime.clock.now());
    this.#cancelTimer = runtime.clock.after(Math.max(0, Math.min(left, reportEvery, ends - runtime.clock.now())), () => {
      if (idle > 0 && runtime.clock.now() - this.#lastActive >= idle) { this.#finish(['SI'], 'idle_timeout'); return; }
      this.#report({ opened: 0, closed: 0 });
      this.#arm();
    });
  }

  #finish(flags: readonly ResponseFlag[], details: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelTimer?.();
    this.#gone.abort();
    this.#release?.();
    for (const link of [this.#down, this.#up?.link]) {
      if (link === undefined || link.destroyed) continue;
      if (flags.length === 0 && this.#openSides === 0) link.end();
      else link.destroy();
    }
    this.#report({ opened: 0, closed: 1 });
    this.#context.runtime.telemetry.request(this.#record(flags, details), () => connectionFacts(this.#context, this.#upstreamLocal));
    this.#done();
  }

  #report({ opened, closed }: { opened: number; closed: number }): void {
    const delta = { opened, closed, sent: this.#sent - this.#reported.sent, received: this.#received - this.#reported.received };
    if (opened + closed + delta.sent + delta.received === 0) return;
    this.#reported = { sent: this.#sent, received: this.#received };
    this.#context.runtime.telemetry.tcp(this.#record([], ''), delta, () => connectionFacts(this.#context));
  }

  #record(flags: readonly ResponseFlag[], details: string): ReturnType<typeof connectionRecord> {
    const principal = this.#up?.principal ?? '';
    const mtls = this.#context.direction === 'inbound' ? this.#context.sourcePrincipal !== '' : this.#up?.mtls === true;
    return connectionRecord(this.#context, {
      cluster: this.#clusterName, service: this.#cluster?.service ?? '', endpoint: this.#host?.address ?? '',
      destination: this.#host === undefined ? nobody : { ...this.#host.peer, principal, ip: this.#host.ip }, mtls, flags, details,
      upstreamDuration: this.#upstreamDuration, received: this.#received, sent: this.#sent, steps: this.#steps,
    }, this.#key);
  }
}

/** Counts a connection on a cluster and a host until it is released, once. */
function occupy(cluster: UpstreamCluster, host: UpstreamHost): () => void {
  let held = true;
  const add = (count: 1 | -1): void => {
    cluster.use.connections += count;
    host.connections += count;
    host.active += count;
  };
  add(1);
  cluster.counters.upstream_cx_total++;
  host.counters.cx_total++;
  return () => {
    if (!held) return;
    held = false;
    cluster.counters.upstream_cx_destroy++;
    add(-1);
  };
}

/** The cluster of a TCP proxy; among weighted ones by `random`, in [0, 1). */
export function chooseCluster(proxy: TcpContext['proxy'], random: number): string {
  const weighted = proxy.weightedClusters?.clusters ?? [];
  let at = random * weighted.reduce((sum, { weight }) => sum + (weight ?? 0), 0);
  for (const { name, weight } of weighted) {
    at -= weight ?? 0;
    if (at < 0) return name ?? '';
  }
  return proxy.cluster ?? '';
}

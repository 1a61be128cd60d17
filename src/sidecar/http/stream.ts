import type { DecisionStep, Peer, ResponseFlag } from '../../contract/index.ts';
import type { Route } from '../../xds/index.ts';
import type { Attempt, DownstreamConnection, HeaderMap, StreamInfo, UpstreamFailure } from '../hooks.ts';
import type { Link } from '../link/index.ts';
import type { HttpConnectionContext, UpstreamCluster, UpstreamHost } from '../runtime.ts';
import type { TraceContext } from './trace-context.ts';

/** Nothing is ever added to it. */
const noSteps: DecisionStep[] = [];

/** What is known of one request while it is served. */
export class Stream implements StreamInfo {
  readonly context: HttpConnectionContext;
  readonly #caller: { readonly connection: DownstreamConnection };
  readonly startTime: number;
  readonly direction: 'inbound' | 'outbound';
  readonly sourceIp: string;
  remoteIp: string;
  pathWithFragment: string | undefined;
  /** Telemetry wants the whole record, decision included. */
  readonly wanted: boolean;
  readonly decision: DecisionStep[];
  route: Route | undefined;
  cluster = '';
  endpoint = '';
  details = '';
  retries = 0;
  hash: number | undefined;
  attempt: Attempt | undefined;
  failure: UpstreamFailure | undefined;
  avoid: Set<string> | undefined;
  withoutPriorities: Set<number> | undefined;
  source: Peer | undefined;
  trace: TraceContext | undefined;
  /** The cluster and host of the last attempt, and who answered there. */
  upstream: UpstreamCluster | undefined;
  host: UpstreamHost | undefined;
  upstreamPrincipal = '';
  /** The connection of the last attempt. */
  upstreamLink: Link | undefined;
  mtls = false;
  /** Tells the caller something before the answer. */
  inform: ((status: number, headers: HeaderMap) => void) | undefined;
  upstreamDuration = 0;
  requestId = '';
  #abort: AbortController | undefined;
  #done: (() => void)[] | undefined;
  #over = false;
  #metadata: Map<string, Readonly<Record<string, unknown>>> | undefined;
  #flags: Set<ResponseFlag> | undefined;

  /** `caller` tells of the connection, which is the same for all requests on it. */
  constructor(context: HttpConnectionContext, caller: { readonly connection: DownstreamConnection }) {
    this.context = context;
    this.#caller = caller;
    this.direction = context.direction;
    this.sourceIp = context.sourceIp;
    this.remoteIp = context.sourceIp;
    this.startTime = context.runtime.clock.now();
    this.wanted = context.runtime.telemetry.reserve(this.startTime);
    this.decision = this.wanted ? [] : noSteps;
  }

  get priority(): number | undefined {
    return this.host?.priority;
  }

  get connection(): DownstreamConnection { return this.#caller.connection; }

  /** Made when a filter has something to say. */
  get metadata(): Map<string, Readonly<Record<string, unknown>>> {
    return (this.#metadata ??= new Map());
  }

  get flags(): Set<ResponseFlag> {
    return (this.#flags ??= new Set());
  }

  /** Whether any flag was ever asked for; spares making the set. */
  get flagged(): boolean {
    return this.#flags !== undefined && this.#flags.size > 0;
  }

  step(step: DecisionStep): void {
    if (this.wanted) this.decision.push(step);
  }

  /** Made when somebody asks: most requests need none. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    return this.#abort.signal;
  }

  whenDone(run: () => void): void {
    if (this.#over) run();
    else (this.#done ??= []).push(run);
  }

  /** The caller has gone: whatever is under way for it stops. */
  abort(): void {
    const attempt = this.attempt;
    this.finish();
    this.#abort?.abort();
    attempt?.cancel('gone');
  }

  /** The request is over. */
  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.attempt = undefined;
    for (const run of this.#done ?? []) run();
  }
}

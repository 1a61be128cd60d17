import type { DecisionStep, Peer } from '../../contract/index.ts';
import { Http1Server, type ProtocolError, type RequestLine, type RequestProgress, type ServerExchange, type ServerSession } from '../http1/index.ts';
import { Http2Server } from '../http2/index.ts';
import type { Body, DownstreamConnection, HttpHandler } from '../hooks.ts';
import { handleLink, type Link } from '../link/index.ts';
import type { HttpConnectionContext } from '../runtime.ts';
import { countAborted, countersOf, type DownstreamCounters } from './counters.ts';
import { detectHttp2, type Detector } from './detect.ts';
import { HttpExchange } from './exchange.ts';
import { managerHandler } from './manager-filters.ts';
import { managerPlan, type ManagerPlan } from './manager-plan.ts';
import { decodePeer } from './peers.ts';
import { accessFacts, requestRecord } from './record.ts';
import { routeHandler } from './route-handler.ts';
import { Stream } from './stream.ts';
import { RandomIds } from './random-ids.ts';

/** A downstream connection that is being served. */
export interface HttpConnection {
  /** Finishes the request that is under way, then closes; idle connections close when they have been silent for a moment. */
  drain(): void;
  destroy(): void;
}

/**
 * Serves HTTP on a connection whose filter chain has been chosen: the HTTP connection manager. Takes the link over. `renewed` gives what is in
 * force by then, for each request; `undefined` from it means that the connection is served no more: it ends after the request that found out.
 */
export function serveHttp(given: Link, context: HttpConnectionContext, renewed: () => HttpConnectionContext | undefined = () => context): HttpConnection {
  const link = handleLink(given);
  const session = new HttpSession(link, context, renewed);
  const { codec, limits } = session.plan;
  if (codec === 'AUTO') session.detecting(detectHttp2(link, limits, context.runtime.clock, (http2) => session.start(http2)));
  else session.start(codec === 'HTTP2');
  return { drain: () => session.drain(), destroy: () => link.destroy() };
}

/** What the requests of one connection share. */
export class HttpSession implements ServerSession {
  context: HttpConnectionContext;
  plan: ManagerPlan;
  counters: DownstreamCounters;
  /** What becomes of a request: the manager's filters, then its route. */
  handler: HttpHandler;
  /** Listener and filter chain, for every decision on this connection. */
  steps: readonly DecisionStep[];
  readonly ids: RandomIds;
  readonly switchToHttp2: ServerSession['switchToHttp2'];
  readonly #link: Link;
  readonly #renewed: () => HttpConnectionContext | undefined;
  #detector: Detector | undefined;
  #draining = false;
  #server: Http1Server | Http2Server | undefined;
  #connection: DownstreamConnection | undefined;
  #caller: { readonly told: string | undefined; readonly peer: Peer } | undefined;

  constructor(link: Link, context: HttpConnectionContext, renewed: () => HttpConnectionContext | undefined) {
    this.#link = link;
    this.#renewed = renewed;
    this.context = context;
    const { plan, handler } = managerOf(context);
    this.plan = plan;
    this.handler = handler;
    this.counters = countersOf(context.runtime.downstream, plan.statPrefix);
    this.counters.downstream_cx_total++;
    this.steps = stepsOf(context);
    const plaintext = context.scheme === 'http' && context.sourcePrincipal === '';
    this.switchToHttp2 = plaintext && this.plan.codec === 'AUTO' ? (head, settings, rest) => this.#upgraded(head, settings, rest) : undefined;
    this.ids = RandomIds.of(context.runtime);
  }

  /** Begins to serve, in the version that was found out or configured. */
  start(http2: boolean): void {
    const { plan, context, counters } = this;
    if (http2) counters.downstream_cx_http2_total++;
    else counters.downstream_cx_http1_total++;
    this.#server = new (http2 ? Http2Server : Http1Server)(this.#link, this, plan.limits, context.runtime.clock);
    this.#server.start();
    if (this.#draining) this.#server.shutdown();
  }

  /** The version is being found out; `start` follows. */
  detecting(detector: Detector): void {
    this.#detector = detector;
  }

  drain(): void {
    if (!this.#draining) this.counters.downstream_cx_drain_close++;
    this.#draining = true;
    this.#detector?.hurry();
    this.#server?.shutdown();
  }

  open(head: RequestLine, body: Body, progress: RequestProgress): ServerExchange {
    this.#renew();
    this.counters.downstream_rq_total++;
    return new HttpExchange(this, head, body, progress);
  }

  #renew(): void {
    const context = this.#renewed();
    if (context === this.context) return;
    if (context === undefined) {
      // The request that found out is answered first.
      queueMicrotask(() => { this.drain(); });
      return;
    }
    const { plan, handler } = managerOf(context);
    this.context = context;
    this.plan = plan;
    this.handler = handler;
    this.counters = countersOf(context.runtime.downstream, plan.statPrefix);
    this.steps = stepsOf(context);
  }

  /** Made when a rule looks at it; what it tells is known from the start, and stays when the config changes. */
  get connection(): DownstreamConnection {
    if (this.#connection === undefined) {
      const { sourceIp, sourcePort = 0, sourcePrincipal, originalDestination, serverName = '' } = this.context;
      const colon = originalDestination.lastIndexOf(':');
      this.#connection = { sourceIp, sourcePort, principal: sourcePrincipal, destinationIp: originalDestination.slice(0, colon), destinationPort: Number(originalDestination.slice(colon + 1)), serverName };
    }
    return this.#connection;
  }

  /** The caller as it describes itself; on one connection that hardly ever changes. */
  callerAs(told: string | undefined): Peer {
    if (this.#caller === undefined || this.#caller.told !== told) this.#caller = { told, peer: decodePeer(told, this.context.sourceIp, this.context.sourcePrincipal) };
    return this.#caller.peer;
  }

  invalid(error: ProtocolError): void {
    countAborted(this.counters, error);
    const stream = new Stream(this.context, this);
    stream.flags.add('DPE');
    stream.details = error.details;
    for (const step of this.steps) stream.step(step);
    stream.finish();
    this.context.runtime.telemetry.request(requestRecord(stream, undefined, undefined, { status: error.status, bytesReceived: 0, bytesSent: 0, trailers: undefined }), () => accessFacts(stream, undefined, undefined, undefined), stream.wanted);
  }

  #upgraded(head: RequestLine, settings: Buffer, rest: Buffer): void {
    const server = new Http2Server(this.#link, this, this.plan.limits, this.context.runtime.clock);
    this.#server = server;
    this.#link.unread(rest);
    server.upgraded(head, settings);
  }
}

function stepsOf({ listener, listenerOrigin, filterChain }: HttpConnectionContext): readonly DecisionStep[] {
  return [{ stage: 'listener', what: listener, ...(listenerOrigin === undefined ? {} : { origin: listenerOrigin }) }, { stage: 'filter-chain', what: filterChain }];
}

/** A connection manager's config and filters, from the memory of the runtime. */
interface Manager {
  readonly plan: ManagerPlan;
  readonly handler: HttpHandler;
}

function managerOf({ runtime, manager, rules = {} }: HttpConnectionContext): Manager {
  let made = runtime.derived.get(manager) as Manager | undefined;
  if (made === undefined) {
    const plan = managerPlan(manager);
    runtime.derived.set(manager, made = { plan, handler: managerHandler(manager, rules, runtime, routeHandler(plan.routeTable, runtime)) });
  }
  return made;
}

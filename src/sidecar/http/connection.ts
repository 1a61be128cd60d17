import type { DecisionStep, Peer } from '../../contract/index.ts';
import { Http1Server, type ProtocolError, type RequestHead, type ServerExchange, type ServerSession } from '../http1/index.ts';
import type { Body } from '../hooks.ts';
import { handleLink, type Link } from '../link/index.ts';
import type { HttpConnectionContext } from '../runtime.ts';
import { HttpExchange } from './exchange.ts';
import { managerPlan, type ManagerPlan } from './manager-plan.ts';
import { decodePeer } from './peers.ts';
import { requestRecord } from './record.ts';
import { Stream } from './stream.ts';
import { RandomIds } from './tracing.ts';

/** A downstream connection that is being served. */
export interface HttpConnection {
  /** Finishes the request that is under way, then closes; idle connections close at once. */
  drain(): void;
  destroy(): void;
}

/** Serves HTTP on a connection whose filter chain has been chosen: the HTTP connection manager. Takes the link over. */
export function serveHttp(given: Link, context: HttpConnectionContext): HttpConnection {
  const link = handleLink(given);
  const session = new HttpSession(context);
  const server = new Http1Server(link, session, session.plan.limits, context.runtime.clock);
  session.server = server;
  server.start();
  return { drain: () => server.shutdown(), destroy: () => link.destroy() };
}

/** What the requests of one connection share. */
export class HttpSession implements ServerSession {
  readonly context: HttpConnectionContext;
  readonly plan: ManagerPlan;
  /** Listener and filter chain, for every decision on this connection. */
  readonly steps: readonly DecisionStep[];
  readonly ids: RandomIds;
  server: Pick<Http1Server, 'bodyBytesRead'> | undefined;
  #caller: { readonly told: string | undefined; readonly peer: Peer } | undefined;

  constructor(context: HttpConnectionContext) {
    this.context = context;
    this.plan = planOf(context);
    this.ids = new RandomIds(context.runtime);
    const { listener, listenerOrigin, filterChain } = context;
    this.steps = [{ stage: 'listener', what: listener, ...(listenerOrigin === undefined ? {} : { origin: listenerOrigin }) }, { stage: 'filter-chain', what: filterChain }];
  }

  open(head: RequestHead, body: Body): ServerExchange {
    return new HttpExchange(this, head, body);
  }

  /** The caller as it describes itself; on one connection that hardly ever changes. */
  callerAs(told: string | undefined): Peer {
    if (this.#caller === undefined || this.#caller.told !== told) this.#caller = { told, peer: decodePeer(told, this.context.sourceIp, this.context.sourcePrincipal) };
    return this.#caller.peer;
  }

  invalid(error: ProtocolError): void {
    const stream = new Stream(this.context);
    stream.flags.add('DPE');
    stream.details = error.details;
    for (const step of this.steps) stream.step(step);
    stream.finish();
    this.context.runtime.telemetry.request(requestRecord(stream, undefined, undefined, { status: error.status, bytesReceived: 0, bytesSent: 0 }));
  }
}

function planOf({ runtime, manager }: HttpConnectionContext): ManagerPlan {
  let plan = runtime.derived.get(manager) as ManagerPlan | undefined;
  if (plan === undefined) runtime.derived.set(manager, plan = managerPlan(manager));
  return plan;
}

import { normalizePath, pathWithFragment } from '../../routing/index.ts';
import type { Body, HeaderMap, HttpResponse } from '../hooks.ts';
import { ReadyBody, type ProtocolError, type RequestLine, type RequestProgress, type ServerExchange } from '../http1/index.ts';
import { isGrpc } from '../http2/index.ts';
import type { AccessFacts } from '../runtime.ts';
import { spanTags } from '../telemetry/span-tags.ts';
import type { HttpSession } from './connection.ts';
import { countAborted } from './counters.ts';
import { forwardingHeaders, remoteAddress } from './forwarding-headers.ts';
import { protocolHeader, takePeerHeaders } from './peers.ts';
import { accessFacts, requestRecord } from './record.ts';
import { grpcReply, localReply } from './reply.ts';
import { ProxiedRequest } from './request.ts';
import { Stream } from './stream.ts';
import { traceRequest } from './tracing.ts';

/** One request from its head to its record. */
export class HttpExchange implements ServerExchange {
  readonly response: Promise<HttpResponse>;
  readonly #session: HttpSession;
  readonly #stream: Stream;
  readonly #request: ProxiedRequest;
  readonly #progress: RequestProgress;
  #response: HttpResponse | undefined;
  #trailers: HeaderMap | undefined;

  constructor(session: HttpSession, head: RequestLine, body: Body, progress: RequestProgress) {
    const { context, plan } = session;
    this.#session = session;
    this.#progress = progress;
    const stream = new Stream(context, session);
    this.#stream = stream;
    // One that is not taken here is answered as such by `#handle`; `h2c` alone is no wish that must be granted.
    const upgrade = head.upgrade === 'h2c' ? '' : head.upgrade;
    const request = new ProxiedRequest(head, context.scheme, body, upgrade, stream, plan.limits.proxyContinue === true && head.expectContinue);
    stream.inform = (status, headers) => { this.#inform(status, headers); };
    if (request.authority === '') request.authority = context.originalDestination;
    this.#request = request;
    if (stream.wanted) for (const step of session.steps) stream.step(step);
    this.response = head.http10 === true && !plan.http10 ? this.#local('low_version', localReply(426, '')) : this.#handle(request);
  }

  aborted(error: ProtocolError | undefined): void {
    const stream = this.#stream;
    countAborted(this.#session.counters, error);
    stream.flags.add(error === undefined ? 'DC' : 'DPE');
    stream.details = error === undefined ? 'downstream_remote_disconnect' : error.details;
    stream.abort();
    this.#record(error?.status ?? 0, 0);
  }

  sent(bodyBytes: number, trailers: HeaderMap | undefined): void {
    this.#stream.finish();
    this.#trailers = trailers;
    this.#record(this.#response?.status ?? 0, bodyBytes);
  }

  broken(bodyBytes: number, by: 'upstream' | 'downstream'): void {
    const stream = this.#stream;
    const { counters } = this.#session;
    if (by === 'downstream') counters.downstream_rq_rx_reset++;
    else counters.downstream_rq_tx_reset++;
    if (by === 'downstream') {
      stream.flags.add('DC');
      stream.details = 'downstream_remote_disconnect';
    } else if (!stream.flags.has('UT')) {
      stream.flags.add('UC');
      stream.details = 'upstream_reset_after_response_started{connection_termination}';
    }
    stream.abort();
    this.#record(this.#response?.status ?? 0, bodyBytes);
  }

  /** A 100 is for callers who wait for one; who asked us to say it has heard it. */
  #inform(status: number, headers: HeaderMap): void {
    if (status === 100 && !this.#request.expectContinue) return;
    takePeerHeaders(headers as ProxiedRequest['headers']);
    this.#progress.inform(status, headers);
  }

  #handle(request: ProxiedRequest): Promise<HttpResponse> {
    const { plan } = this.#session;
    this.#stream.pathWithFragment = pathWithFragment(request.path, plan.paths);
    const path = normalizePath(request.path, plan.paths);
    if (path === undefined) return this.#local('path_normalization_failed', localReply(400, ''));
    if (path.redirect) return this.#local('path_normalization_failed', localReply(307, '', [['location', path.path]]));
    request.path = path.path;
    this.#identify(request);
    if (request.upgrade !== '' && !this.#maySwitch(request)) return this.#local('upgrade_failed', localReply(403, ''));
    return this.#session.handler(request);
  }

  /** Whether the caller may switch to the protocol that it asks for: its route says so, else the connection manager. Source: Envoy, config.route.v3.RouteAction: upgrade_configs. */
  #maySwitch(request: ProxiedRequest): boolean {
    const { plan, context: { runtime } } = this.#session;
    const match = runtime.routeTable(plan.routeTable)?.match(request, runtime.random());
    const own = match?.kind === 'route' ? match.route.route?.upgradeConfigs?.find(({ upgradeType }) => upgradeType?.toLowerCase() === request.upgrade) : undefined;
    return own === undefined ? plan.upgrades.has(request.upgrade) : own.enabled !== false;
  }

  /** Who calls, on which trace, by which id; and headers that say so to the upstream. */
  #identify(request: ProxiedRequest): void {
    const stream = this.#stream;
    const { context, plan, ids } = this.#session;
    const { headers } = request;
    ids.next();
    const protocol = headers.get(protocolHeader);
    if (protocol !== undefined) {
      headers.delete(protocolHeader);
      if (context.sourcePrincipal !== '' && protocol === 'http/1.1') request.http2 = false;
    }
    const told = takePeerHeaders(headers);
    if (context.direction === 'inbound') stream.source = this.#session.callerAs(told);
    stream.remoteIp = remoteAddress(headers, context, plan);
    forwardingHeaders(headers, context, plan);
    // An id from outside of the mesh is nobody's word: two callers could choose the same.
    const given = plan.useRemoteAddress && !plan.preserveRequestId ? '' : headers.get('x-request-id') ?? '';
    const own = given === '' || given.length > 256;
    const { trace, requestId } = traceRequest(headers, plan.tracing, ids, own ? ids.uuid() : given, own);
    stream.trace = trace;
    stream.requestId = requestId;
    if (given !== requestId && (plan.generateRequestId || (given !== '' && given.length <= 256))) headers.put('x-request-id', requestId);
  }

  #local(details: string, response: HttpResponse): Promise<HttpResponse> {
    this.#stream.details = details;
    return Promise.resolve(response);
  }

  finalize(given: HttpResponse): HttpResponse {
    const stream = this.#stream;
    const { plan } = this.#session;
    const response = stream.details !== 'via_upstream' && isGrpc(this.#request.headers) ? grpcReply(given) : given;
    const { headers } = response;
    this.#response = response;
    takePeerHeaders(headers as ProxiedRequest['headers']);
    const upstream = stream.details === 'via_upstream';
    if (plan.serverHeader === 'OVERWRITE' || !upstream || (plan.serverHeader === 'APPEND_IF_ABSENT' && !headers.has('server'))) headers.set('server', plan.serverName);
    if (!headers.has('date')) headers.add('date', new Date(this.#session.context.runtime.clock.now()).toUTCString());
    if (plan.requestIdInResponse || this.#request.headers.has('x-envoy-force-trace')) headers.set('x-request-id', stream.requestId);
    if (stream.wanted) stream.step({ stage: 'response', what: String(response.status), why: stream.details });
    if (response.status < 200 && response.upgraded === undefined) response.body = ReadyBody.empty;
    return response;
  }

  #record(status: number, bytesSent: number): void {
    const { context, plan } = this.#session;
    const facts = (): AccessFacts => accessFacts(this.#stream, this.#request, this.#response, this.#trailers);
    const record = requestRecord(this.#stream, this.#request, this.#response, { status, bytesSent, bytesReceived: this.#progress.bodyBytesRead, trailers: this.#trailers });
    const tags = record.sampled && this.#stream.wanted ? plan.tracing?.tags ?? [] : [];
    const { environment, telemetry } = context.runtime;
    const tagged = tags.length === 0 ? record : { ...record, tags: spanTags(tags, record, facts(), { header: (name) => this.#request.headers.joined(name), environment }) };
    telemetry.request(tagged, facts, this.#stream.wanted);
  }
}

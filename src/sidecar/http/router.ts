import type { DecisionStep, ResponseFlag } from '../../contract/index.ts';
import type { Attempt, HeaderMap, HttpHandler, HttpResponse, UpstreamFailure } from '../hooks.ts';
import type { Headers } from '../http1/index.ts';
import { isGrpc, speaksHttp2 } from '../http2/index.ts';
import type { UpstreamConnection } from '../runtime.ts';
import type { Exchange, Pending } from '../upstream/pool.ts';
import { encodePeer, peerHeader, peerIdHeader, protocolHeader } from './peers.ts';
import { httpStatusOf, localReply } from './reply.ts';
import type { ProxiedRequest } from './request.ts';
import type { Stream } from './stream.ts';

/** The end of every filter chain: sends the request to a host of its cluster and resolves with what comes back, or with a reply that says why nothing did. */
export const route: HttpHandler = (request) => new Promise((resolve) => new RouterAttempt(request as ProxiedRequest, resolve).start());

/** Methods that may be sent again when nobody knows whether the first time counted. Source: RFC 9110 section 9.2.2. */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

const failures: Readonly<Record<UpstreamFailure, { readonly status: number; readonly flag: ResponseFlag; readonly words: string }>> = {
  'connect-failure': { status: 503, flag: 'UF', words: 'connection failure' },
  reset: { status: 503, flag: 'UC', words: 'connection termination' },
  'refused-stream': { status: 503, flag: 'UC', words: 'remote refused stream reset' },
  overflow: { status: 503, flag: 'UO', words: 'overflow' },
  'protocol-error': { status: 502, flag: 'UPE', words: 'protocol error' },
  'no-host': { status: 503, flag: 'UH', words: 'no healthy upstream' },
  'per-try-timeout': { status: 504, flag: 'UT', words: 'per try timeout' },
  cancelled: { status: 503, flag: 'DC', words: 'local reset' },
};

/** What a route answers whose cluster does not exist. Source: Envoy, config.route.v3.RouteAction. */
const notFoundStatus = { SERVICE_UNAVAILABLE: 503, NOT_FOUND: 404, INTERNAL_SERVER_ERROR: 500 } as const;

class RouterAttempt implements Exchange, Attempt {
  readonly #request: ProxiedRequest;
  readonly #stream: Stream;
  readonly #resolve: (response: HttpResponse) => void;
  #pending: Pending | undefined;
  #reused = false;
  #again = false;
  #sent = 0;
  #cancelled = false;
  #answered = false;

  constructor(request: ProxiedRequest, resolve: (response: HttpResponse) => void) {
    this.#request = request;
    this.#stream = request.stream;
    this.#resolve = resolve;
  }

  start(): void {
    const stream = this.#stream;
    const { runtime, originalDestination } = stream.context;
    stream.failure = undefined;
    const cluster = runtime.cluster(stream.cluster);
    stream.upstream = cluster;
    if (cluster === undefined) {
      this.#reply('NC', 'cluster_not_found', localReply(notFoundStatus[stream.route?.route?.clusterNotFoundResponseCode ?? 'SERVICE_UNAVAILABLE'], ''));
      return;
    }
    const host = cluster.pick({ originalDestination, hash: stream.hash, avoid: stream.avoid, withoutPriorities: stream.withoutPriorities });
    stream.host = host;
    if (host === undefined) {
      stream.failure = 'no-host';
      this.#reply('UH', 'no_healthy_upstream', localReply(503, 'no healthy upstream'));
      return;
    }
    stream.endpoint = host.address;
    if (stream.wanted) this.#explain(cluster.origin);
    if (stream.route?.route?.autoHostRewrite === true) this.#request.authority = host.endpoint.endpoint?.hostname || this.#request.authority;
    stream.attempt = this;
    this.#sent = runtime.clock.now();
    this.#send();
  }

  cancel(why: 'timeout' | 'gone'): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    const { host, upstream } = this.#stream;
    if (why === 'timeout' && !this.#answered) {
      host?.monitor?.unreachable('timeout');
      if (host !== undefined) host.counters.rq_timeout++;
      if (upstream !== undefined) upstream.counters.upstream_rq_timeout++;
    }
    this.#pending?.cancel();
  }

  connected(connection: UpstreamConnection, reused: boolean): void {
    const stream = this.#stream;
    const { headers } = this.#request;
    this.#reused = reused;
    stream.host?.monitor?.reached();
    stream.upstreamPrincipal = connection.principal;
    stream.upstreamLink = connection.link;
    if (stream.direction === 'inbound') return;
    stream.mtls = connection.mtls;
    if (connection.mtls && connection.principal !== '') {
      const { self, derived } = stream.context.runtime;
      let told = derived.get(self) as string | undefined;
      if (told === undefined) derived.set(self, told = encodePeer(self));
      headers.put(peerHeader, told);
      headers.put(peerIdHeader, `${self.ip}~${self.pod}`);
      if (!this.#request.http2 && speaksHttp2(connection.alpn, true)) headers.put(protocolHeader, 'http/1.1');
      else if (headers.has(protocolHeader)) headers.delete(protocolHeader);
    } else if (headers.has(peerHeader)) {
      headers.delete(peerHeader);
      headers.delete(peerIdHeader);
      headers.delete(protocolHeader);
    }
  }

  informational(status: number, headers: HeaderMap): void {
    if (!this.#cancelled) this.#stream.inform?.(status, headers);
  }

  response(response: HttpResponse): void {
    const stream = this.#stream;
    if (this.#cancelled) {
      response.body.cancel('cancelled');
      response.upgraded?.destroy();
      return;
    }
    this.#answered = true;
    this.#count(response);
    stream.upstreamDuration = stream.context.runtime.clock.now() - this.#sent;
    stream.details = 'via_upstream';
    (response.headers as Headers).put('x-envoy-upstream-service-time', String(Math.round(stream.upstreamDuration)));
    this.#resolve(response);
  }

  failed(failure: UpstreamFailure, details: string, untouched: boolean): void {
    if (this.#cancelled) return;
    // The upstream closed an idle connection just as we used it: no answer will tell, but the request may go again.
    if (failure === 'reset' && details === 'connection_termination' && untouched && this.#reused && !this.#again && this.#request.body.ready !== undefined && idempotent.has(this.#request.method)) {
      this.#again = true;
      this.#send();
      return;
    }
    const stream = this.#stream;
    stream.failure = failure;
    this.#answered = true;
    if (failure !== 'overflow' && stream.host !== undefined) {
      stream.host.counters.rq_error++;
      stream.host.monitor?.unreachable('connection');
    }
    const { status, flag, words } = failures[failure];
    const [reason] = details.split('|');
    const text = failure === 'connect-failure' && reason === 'connection_timeout' ? 'connection timeout' : words;
    this.#reply(flag, `upstream_reset_before_response_started{${details}}`,
      localReply(status, `upstream connect error or disconnect/reset before headers. reset reason: ${text}`, failure === 'overflow' ? [['x-envoy-overloaded', 'true']] : []));
  }

  #count({ status, headers }: HttpResponse): void {
    const { host, upstream } = this.#stream;
    if (host === undefined || upstream === undefined) return;
    const { counters } = upstream;
    counters.upstream_rq_completed++;
    if (status >= 500) counters.upstream_rq_5xx++;
    else if (status >= 400) counters.upstream_rq_4xx++;
    else if (status >= 300) counters.upstream_rq_3xx++;
    else if (status >= 200) counters.upstream_rq_2xx++;
    if (status >= 500) host.counters.rq_error++;
    else host.counters.rq_success++;
    // As in Envoy, a host is judged by gRPC's status where that stands in the head, as in most errors; what comes behind a body comes too late.
    const grpcStatus = isGrpc(this.#request.headers) ? headers.get('grpc-status') : undefined;
    host.monitor?.answered(grpcStatus === undefined ? status : httpStatusOf(grpcStatus));
  }

  #send(): void {
    const { upstream, host } = this.#stream;
    if (upstream !== undefined && host !== undefined) this.#pending = upstream.pool(host).send(this.#request, this, this.#again);
  }

  #reply(flag: ResponseFlag, details: string, response: HttpResponse): void {
    const stream = this.#stream;
    stream.flags.add(flag);
    stream.details = details;
    this.#resolve(response);
  }

  #explain(origin: DecisionStep['origin']): void {
    const stream = this.#stream;
    stream.step({ stage: 'cluster', what: stream.cluster, ...(origin === undefined ? {} : { origin }) });
    const peer = stream.host?.peer.workload ?? '';
    stream.step({ stage: 'endpoint', what: stream.endpoint, why: `${balancing(stream)}${peer === '' ? '' : `, ${peer}`}` });
  }
}

function balancing({ upstream, hash }: Stream): string {
  const policy = upstream?.config.lbPolicy ?? 'ROUND_ROBIN';
  const hosts = upstream?.hosts.length ?? 0;
  if (upstream?.config.type === 'ORIGINAL_DST') return 'where the caller wanted to go';
  if (hosts === 1) return 'the only host';
  return `${policy.toLowerCase().replaceAll('_', ' ')} of ${hosts} hosts${hash === undefined ? '' : ' by hash'}`;
}

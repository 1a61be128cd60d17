import type { Peer, RequestRecord } from '../../contract/index.ts';
import { parseClusterName } from '../../xds/index.ts';
import type { HeaderMap, HttpResponse } from '../hooks.ts';
import type { Headers } from '../http1/index.ts';
import type { AccessFacts } from '../runtime.ts';
import { unknownPeer } from './peers.ts';
import type { ProxiedRequest } from './request.ts';
import type { Stream } from './stream.ts';

/** How a request ended. */
export interface Ending {
  readonly status: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly trailers: HeaderMap | undefined;
}

const noFlags: RequestRecord['flags'] = [];

/** Makes the record of a finished request. */
export function requestRecord(stream: Stream, request: ProxiedRequest | undefined, response: HttpResponse | undefined, { status, bytesReceived, bytesSent, trailers }: Ending): RequestRecord {
  const { context, trace, direction, wanted } = stream;
  const { self, clock } = context.runtime;
  const inbound = direction === 'inbound';
  const headers = request?.headers;
  const grpcStatus = trailers?.get('grpc-status') ?? response?.headers.get('grpc-status');
  const spanId = trace?.spanId ?? '';
  const record: RequestRecord = {
    key: trace?.own !== true ? `${self.pod}/${stream.startTime.toString(36)}${Math.floor(context.runtime.random() * 0x1_0000_0000).toString(36)}` : `${self.pod}/${spanId}`,
    time: stream.startTime,
    reporter: inbound ? 'destination' : 'source',
    proxy: self.pod,
    requestId: stream.requestId,
    traceId: trace?.traceId ?? '',
    spanId,
    parentSpanId: trace?.parentSpanId ?? '',
    sampled: trace?.sampled ?? false,
    source: inbound ? sourceOf(stream) : self,
    destination: inbound ? self : destinationOf(stream),
    service: serviceOf(stream, request?.authority ?? ''),
    protocol: headers?.get('content-type')?.startsWith('application/grpc') === true ? 'grpc' : 'http',
    method: request?.method ?? '',
    authority: request?.authority ?? '',
    // As in Envoy's access log, what the caller asked for.
    path: headers?.get('x-envoy-original-path') ?? request?.path ?? '',
    flags: stream.flagged ? [...stream.flags] : noFlags,
    details: stream.details,
    duration: clock.now() - stream.startTime,
    upstreamDuration: stream.upstreamDuration,
    retries: stream.retries,
    mtls: inbound ? context.sourcePrincipal !== '' : stream.mtls,
    listener: context.listener,
    route: routeOf(stream),
    cluster: stream.cluster,
    endpoint: stream.endpoint,
    decision: stream.decision,
    requestHeaders: wanted && headers !== undefined ? headers.pairs() : [],
    responseHeaders: wanted && response !== undefined ? (response.headers as Headers).pairs() : [],
    status,
    bytesReceived,
    bytesSent,
  };
  return grpcStatus === undefined || !/^\d{1,10}$/.test(grpcStatus) ? record : { ...record, grpcStatus: Number(grpcStatus) };
}

/** What the access log tells besides. Behind a proxy that is trusted the caller's port is not known: 0, as in Envoy. */
export function accessFacts(stream: Stream, request: ProxiedRequest | undefined, response: HttpResponse | undefined, trailers: HeaderMap | undefined): AccessFacts {
  const { context: { sourceIp, sourcePort = 0, originalDestination, serverName = '' }, upstreamLink, remoteIp, route } = stream;
  const local = upstreamLink?.local;
  return {
    downstreamLocalAddress: originalDestination,
    downstreamRemoteAddress: `${remoteIp}:${remoteIp === sourceIp ? sourcePort : 0}`,
    downstreamDirectRemoteAddress: `${sourceIp}:${sourcePort}`,
    upstreamLocalAddress: local === undefined || local.ip === '' ? '' : `${local.ip}:${local.port}`,
    requestedServerName: serverName,
    protocol: request === undefined ? '' : request.http2 ? 'HTTP/2' : 'HTTP/1.1',
    routeName: route?.name ?? '',
    trailers,
    headers: () => ({ request: joined(request?.headers), response: joined(response?.headers as Headers | undefined) }),
  };
}

function joined(headers: Headers | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries((headers?.pairs() ?? []).map(([name]) => [name.toLowerCase(), headers?.joined(name.toLowerCase()) ?? '']));
}

/** Who called: by its own word over mTLS, else by its address, as far as the endpoints tell. */
function sourceOf({ source, context: { runtime, sourceIp, sourcePrincipal } }: Stream): Peer {
  if (source !== undefined && source.app !== '') return source;
  const known = runtime.peerAt(sourceIp, sourcePrincipal);
  return known.workload === '' ? (source ?? unknownPeer(sourceIp, sourcePrincipal)) : known;
}

/** The route's name; most of Istio's have none, but an operation that says as much (`HOST:PORT/PATH*`). */
function routeOf({ route }: Stream): string {
  return route?.name || (route?.decorator?.operation ?? '');
}

/** The host as a peer; remembered with the host for as long as its identity stays. */
function destinationOf({ host, upstreamPrincipal, context }: Stream): Peer {
  if (host === undefined) return unknownPeer('');
  const { derived } = context.runtime;
  const known = derived.get(host.peer) as Peer | undefined;
  if (known !== undefined && known.principal === upstreamPrincipal) return known;
  const peer = { ...host.peer, principal: upstreamPrincipal, ip: host.ip };
  derived.set(host.peer, peer);
  return peer;
}

/** The service that was asked for, also when no host of it was: by the upstream, the cluster's name, an inbound route's operation (`HOST:PORT/*`), else the authority. */
function serviceOf({ upstream, cluster, route }: Stream, authority: string): string {
  const operation = route?.decorator?.operation;
  return upstream?.service || parseClusterName(cluster)?.host || (operation?.endsWith('/*') === true && !operation.startsWith(':') && cluster.startsWith('inbound|') ? hostOf(operation.slice(0, -2)) : hostOf(authority));
}

function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon > 0 && !authority.endsWith(']') ? authority.slice(0, colon) : authority;
}

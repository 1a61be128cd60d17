import { upstreamTls } from '../../features/mtls/transport.ts';
import type { Cluster, Http2ProtocolOptions } from '../../xds/index.ts';
import type { UpstreamRequest } from '../hooks.ts';
import { keepaliveOf } from '../http2/index.ts';
import type { Host } from './host.ts';
import { Http1Pool } from './http1-pool.ts';
import { Http2Pool } from './http2-pool.ts';
import type { PoolContext } from './pool-context.ts';
import type { Exchange, HttpPool, Pending } from './pool.ts';

/** Which requests go to a host in HTTP/2: those of callers who speak it, all, or none. */
export type Http2Use = 'callers' | 'all' | 'none';

const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** Streams on a connection where nothing is said. */
const streams = 100;

interface ProtocolChoice {
  readonly explicitHttpConfig?: { readonly http2ProtocolOptions?: Http2ProtocolOptions };
  readonly useDownstreamProtocolConfig?: { readonly http2ProtocolOptions?: Http2ProtocolOptions };
}

/** Connections to one host in both versions of HTTP. */
export class HostPool implements HttpPool {
  readonly #use: Http2Use;
  readonly #http1: Http1Pool;
  readonly #http2: Http2Pool | undefined;

  constructor(host: Host, context: PoolContext) {
    const { config } = context.cluster;
    const carried = ridesMesh(host, context);
    this.#use = carried ? 'all' : http2Use(config);
    this.#http1 = new Http1Pool(host, context);
    const options = choice(config).explicitHttpConfig?.http2ProtocolOptions ?? choice(config).useDownstreamProtocolConfig?.http2ProtocolOptions;
    this.#http2 = this.#use === 'none' ? undefined : new Http2Pool(host, context, { maxConcurrentStreams: Number(options?.maxConcurrentStreams ?? streams), keepalive: keepaliveOf(options), negotiated: carried, fallback: this.#http1 });
  }

  send(request: UpstreamRequest, exchange: Exchange, fresh: boolean): Pending {
    const http2 = this.#http2;
    // A switch of protocols takes a connection of its own: see the decision on upgrades.
    if (http2 === undefined || http2.refused || request.upgrade !== '' || (this.#use === 'callers' && !request.http2)) return this.#http1.send(request, exchange, fresh);
    return http2.send(request, exchange, fresh);
  }

  /** Idle connections close now, busy ones when they are done. */
  close(): void {
    this.#http1.close();
    this.#http2?.close();
  }
}

/** What a cluster's protocol options say. Source: Envoy, extensions.upstreams.http.v3.HttpProtocolOptions. */
export function http2Use(config: Cluster): Http2Use {
  const { explicitHttpConfig, useDownstreamProtocolConfig } = choice(config);
  if (explicitHttpConfig?.http2ProtocolOptions !== undefined || (config.http2ProtocolOptions !== undefined && useDownstreamProtocolConfig === undefined)) return 'all';
  return useDownstreamProtocolConfig?.http2ProtocolOptions === undefined ? 'none' : 'callers';
}

function choice(config: Cluster): ProtocolChoice {
  return (config.typedExtensionProtocolOptions?.[protocolOptions] as ProtocolChoice | undefined) ?? {};
}

/**
 * Between sidecars requests of either version ride as streams on few connections. Not where connections or waiting requests are limited and
 * the service speaks HTTP/1.1: there each request in flight has to be a connection, or the limits would mean something else.
 */
function ridesMesh({ endpoint }: Host, { cluster, limits }: PoolContext): boolean {
  const limited = Number.isFinite(limits.maxConnections) || Number.isFinite(limits.maxPendingRequests);
  if (limited && http2Use(cluster.config) !== 'all') return false;
  return upstreamTls(cluster.config, endpoint)?.commonTlsContext?.alpnProtocols?.includes('istio') === true;
}

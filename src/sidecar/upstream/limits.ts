import type { Cluster } from '../../xds/index.ts';
import { milliseconds } from '../../util/envoy-json.ts';

/** What a cluster allows, from its circuit breakers and HTTP protocol options. */
export interface ClusterLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRequestsPerConnection: number;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
}

/** How much of it is in use, over all hosts of the cluster. */
export interface ClusterUse {
  connections: number;
  pending: number;
  requests: number;
}

const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

interface CommonOptions {
  readonly idleTimeout?: string;
  readonly maxRequestsPerConnection?: number;
}

/** Reads the limits, with Envoy's defaults (1,024 each, 5 s to connect, an hour of idleness). Source: config.cluster.v3.CircuitBreakers. */
export function clusterLimits(config: Cluster): ClusterLimits {
  const breaker = config.circuitBreakers?.thresholds?.find(({ priority }) => priority === undefined || priority === 'DEFAULT');
  const typed = config.typedExtensionProtocolOptions?.[protocolOptions] as { readonly commonHttpProtocolOptions?: CommonOptions } | undefined;
  const common: CommonOptions = typed?.commonHttpProtocolOptions ?? (config.commonHttpProtocolOptions as CommonOptions | undefined) ?? {};
  const perConnection = common.maxRequestsPerConnection ?? config.maxRequestsPerConnection ?? 0;
  return {
    maxConnections: Number(breaker?.maxConnections ?? 1024),
    maxPendingRequests: Number(breaker?.maxPendingRequests ?? 1024),
    maxRequests: Number(breaker?.maxRequests ?? 1024),
    maxRequestsPerConnection: perConnection === 0 ? Number.POSITIVE_INFINITY : perConnection,
    connectTimeout: milliseconds(config.connectTimeout) ?? 5000,
    idleTimeout: milliseconds(common.idleTimeout) ?? 3_600_000,
  };
}

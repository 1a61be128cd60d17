import { milliseconds } from '../../util/envoy-json.ts';
import type { Cluster, HttpProtocolOptions } from '../../xds/index.ts';

/** What a cluster allows, from its circuit breakers and HTTP protocol options. Times in milliseconds; no limit is `Infinity`. */
export interface ClusterLimits {
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  /** Retries under way at the same time; a budget, where there is one, counts instead. */
  readonly maxRetries: number;
  readonly retryBudget: { readonly percent: number; readonly atLeast: number } | undefined;
  readonly maxRequestsPerConnection: number;
  readonly connectTimeout: number;
  readonly idleTimeout: number;
  readonly maxConnectionDuration: number;
}

/** How much of it is in use, over all hosts of the cluster. */
export interface ClusterUse {
  connections: number;
  pending: number;
  requests: number;
  retries: number;
}

/** The largest count of Envoy's, which stands for no limit. */
const unlimited = 4_294_967_295;
const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Reads the limits, with Envoy's defaults (1,024 each, 3 retries, 5 s to connect, an hour of idleness). Source: config.cluster.v3.CircuitBreakers, core.v3.HttpProtocolOptions. */
export function clusterLimits(config: Cluster): ClusterLimits {
  const breaker = config.circuitBreakers?.thresholds?.find(({ priority }) => priority === undefined || priority === 'DEFAULT');
  const typed = config.typedExtensionProtocolOptions?.[protocolOptions] as { readonly commonHttpProtocolOptions?: HttpProtocolOptions } | undefined;
  const common: HttpProtocolOptions = typed?.commonHttpProtocolOptions ?? config.commonHttpProtocolOptions ?? {};
  const perConnection = Number(common.maxRequestsPerConnection ?? config.maxRequestsPerConnection ?? 0);
  const budget = breaker?.retryBudget;
  return {
    maxConnections: count(breaker?.maxConnections, 1024),
    maxPendingRequests: count(breaker?.maxPendingRequests, 1024),
    maxRequests: count(breaker?.maxRequests, 1024),
    maxRetries: count(breaker?.maxRetries, 3),
    retryBudget: budget === undefined ? undefined : { percent: Number(budget.budgetPercent?.value ?? 20), atLeast: Number(budget.minRetryConcurrency ?? 3) },
    maxRequestsPerConnection: perConnection === 0 ? Number.POSITIVE_INFINITY : perConnection,
    connectTimeout: milliseconds(config.connectTimeout) ?? 5000,
    idleTimeout: never(milliseconds(common.idleTimeout) ?? 3_600_000),
    maxConnectionDuration: never(milliseconds(common.maxConnectionDuration) ?? 0),
  };
}

/** How many retries may be under way now: the limit, or the budget's share of all requests that are. Source: CircuitBreakers.Thresholds.RetryBudget. */
export function retriesAllowed({ maxRetries, retryBudget }: ClusterLimits, { requests, pending }: ClusterUse): number {
  if (retryBudget === undefined) return maxRetries;
  return Math.max(retryBudget.atLeast, Math.floor((retryBudget.percent / 100) * (requests + pending)));
}

function count(value: number | string | null | undefined, otherwise: number): number {
  const limit = Number(value ?? otherwise);
  return limit >= unlimited ? Number.POSITIVE_INFINITY : limit;
}

/** Zero turns a timeout off. */
function never(timeout: number): number {
  return timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
}

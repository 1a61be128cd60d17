import { formatDuration } from '../../util/manifest-fields.ts';
import type { Cluster, HttpProtocolOptions, TcpProxy } from '../../xds/index.ts';
import type { ConnectionPoolSettings, RetryBudget } from './manifest.ts';

/** Envoy's largest count, which means no limit: Istio's default for all of them. */
const unlimited = 4_294_967_295;
/** Istio's defaults of a retry budget. */
const budget = { percent: 20, minRetryConcurrency: 3 } as const;

/** What a cluster's connections and requests are limited to. */
export function compileCircuitBreakers(pool: ConnectionPoolSettings | undefined, retries?: RetryBudget): Required<Pick<Cluster, 'circuitBreakers'>> {
  const or = (value: number | undefined): number => (value === undefined || value <= 0 ? unlimited : value);
  return {
    circuitBreakers: {
      thresholds: [{
        maxConnections: or(pool?.tcp?.maxConnections),
        maxPendingRequests: or(pool?.http?.http1MaxPendingRequests),
        maxRequests: or(pool?.http?.http2MaxRequests),
        maxRetries: or(pool?.http?.maxRetries),
        ...(retries === undefined ? {} : { retryBudget: { budgetPercent: { value: retries.percent ?? budget.percent }, minRetryConcurrency: retries.minRetryConcurrency ?? budget.minRetryConcurrency } }),
        trackRemaining: true,
      }],
    },
  };
}

/** TCP keepalive of a cluster's connections; nothing where nothing is written. */
export function compileKeepalive(pool: ConnectionPoolSettings | undefined): Pick<Cluster, 'upstreamConnectionOptions'> {
  const keepalive = pool?.tcp?.tcpKeepalive;
  if (keepalive === undefined) return {};
  return { upstreamConnectionOptions: { tcpKeepalive: { ...(keepalive.probes === 0 ? {} : { keepaliveProbes: keepalive.probes }), ...seconds('keepaliveTime', keepalive.time), ...seconds('keepaliveInterval', keepalive.interval) } } };
}

/** How long HTTP connections of a cluster live, and how many requests each takes. */
export function compileConnectionLife(pool: ConnectionPoolSettings | undefined): HttpProtocolOptions {
  const { tcp, http } = pool ?? {};
  return {
    ...(http?.idleTimeout === undefined ? {} : { idleTimeout: formatDuration(http.idleTimeout) }),
    ...(http === undefined || http.maxRequestsPerConnection <= 0 ? {} : { maxRequestsPerConnection: http.maxRequestsPerConnection }),
    ...(tcp?.maxConnectionDuration === undefined ? {} : { maxConnectionDuration: formatDuration(tcp.maxConnectionDuration) }),
  };
}

/** How long TCP connections to a service live, which the proxy that accepts them sees to. */
export function compileTcpLife(pool: ConnectionPoolSettings | undefined): Pick<TcpProxy, 'idleTimeout' | 'maxDownstreamConnectionDuration'> {
  const tcp = pool?.tcp;
  return {
    ...(tcp?.idleTimeout === undefined ? {} : { idleTimeout: formatDuration(tcp.idleTimeout) }),
    ...(tcp?.maxConnectionDuration === undefined ? {} : { maxDownstreamConnectionDuration: formatDuration(tcp.maxConnectionDuration) }),
  };
}

function seconds<Key extends string>(key: Key, milliseconds: number | undefined): { readonly [Name in Key]?: number } {
  return (milliseconds === undefined ? {} : { [key]: Math.round(milliseconds / 1000) }) as { readonly [Name in Key]?: number };
}

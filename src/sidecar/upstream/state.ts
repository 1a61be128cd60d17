import { retriesAllowed } from '../../features/circuit-breaking/cluster.ts';
import type { EjectionCounters } from '../../features/outlier-detection/cluster.ts';
import type { UpstreamHostState, UpstreamState } from '../../contract/index.ts';
import type { UpstreamCluster, UpstreamHost } from '../runtime.ts';

type Watched = Pick<UpstreamCluster, 'name' | 'service' | 'config' | 'hosts' | 'limits' | 'use' | 'counters'>;

/** A cluster as people are shown it; `undefined` when there is nothing to see: no limits, no ejections, one locality. */
export function clusterState(cluster: Watched, panic: boolean): UpstreamState | undefined {
  const limits = limitsOf(cluster);
  const [first] = cluster.hosts;
  const placed = cluster.hosts.some(({ locality, priority }) => locality !== first?.locality || priority !== first.priority);
  if (cluster.config.outlierDetection === undefined && Object.keys(limits).length === 0 && !placed) return undefined;
  const { name, service, use, counters } = cluster;
  return {
    cluster: name, service, limits, panic,
    use: { ...use },
    overflows: { connections: counters.upstream_cx_overflow, pending: counters.upstream_rq_pending_overflow - counters.upstream_rq_active_overflow, requests: counters.upstream_rq_active_overflow, retries: counters.upstream_rq_retry_overflow },
    hosts: cluster.hosts.map(hostState),
  };
}

/** Gauges of a cluster and its circuit breakers, and counts of ejections, by Envoy's names. */
export function clusterGauges({ hosts, limits, use }: Watched, detector: { readonly ejected: number; readonly counters: EjectionCounters } | undefined): Readonly<Record<string, number>> {
  const retries = retriesAllowed(limits, use);
  const breaker = (name: string, used: number, most: number): Readonly<Record<string, number>> => ({
    [`circuit_breakers.default.${name}_open`]: used >= most ? 1 : 0, ...(Number.isFinite(most) ? { [`circuit_breakers.default.remaining_${plural[name] ?? name}`]: Math.max(0, most - used) } : {}),
  });
  return {
    upstream_cx_active: use.connections, upstream_rq_active: use.requests, upstream_rq_pending_active: use.pending,
    membership_total: hosts.length, membership_healthy: hosts.filter(({ health }) => health === 'healthy').length, membership_degraded: hosts.filter(({ health }) => health === 'degraded').length,
    ...breaker('cx', use.connections, limits.maxConnections), ...breaker('rq_pending', use.pending, limits.maxPendingRequests), ...breaker('rq', use.requests, limits.maxRequests), ...breaker('rq_retry', use.retries, retries),
    ...(detector === undefined ? {} : {
      'outlier_detection.ejections_active': detector.ejected, 'outlier_detection.ejections_enforced_total': detector.counters.ejections_enforced_total,
      'outlier_detection.ejections_overflow': detector.counters.ejections_overflow, 'outlier_detection.ejections_detected': detector.counters.ejections_detected,
    }),
  };
}

const plural: Readonly<Record<string, string>> = { rq_retry: 'retries' };

function limitsOf({ limits, use }: Watched): UpstreamState['limits'] {
  const all = { connections: limits.maxConnections, pending: limits.maxPendingRequests, requests: limits.maxRequests, retries: retriesAllowed(limits, use) };
  return Object.fromEntries(Object.entries(all).filter(([, most]) => Number.isFinite(most)));
}

function hostState(host: UpstreamHost): UpstreamHostState {
  const { address, peer, locality, priority, health, connections, active, counters, monitor } = host;
  const ejection = monitor?.ejection;
  return {
    address, pod: peer.pod, workload: peer.workload, version: peer.version, locality, priority, healthy: health !== 'unhealthy', connections, requests: active,
    succeeded: counters.rq_success, failed: counters.rq_error, ejections: monitor?.ejections ?? 0, ...(ejection === undefined ? {} : { ejection }),
  };
}

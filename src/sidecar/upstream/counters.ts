import type { Mishap } from './pool.ts';

/** What was counted of a cluster since it was first there, with the names of Envoy's cluster statistics. Source: Envoy, "Cluster manager statistics". */
export interface ClusterCounters {
  upstream_cx_total: number;
  upstream_cx_connect_fail: number;
  upstream_cx_connect_timeout: number;
  upstream_cx_destroy: number;
  /** Of these, the ones that the host closed while requests were under way. */
  upstream_cx_destroy_remote_with_active_rq: number;
  upstream_cx_overflow: number;
  upstream_cx_idle_timeout: number;
  upstream_cx_max_requests: number;
  upstream_cx_max_duration_reached: number;
  upstream_cx_protocol_error: number;
  upstream_rq_total: number;
  upstream_rq_completed: number;
  upstream_rq_2xx: number;
  upstream_rq_3xx: number;
  upstream_rq_4xx: number;
  upstream_rq_5xx: number;
  upstream_rq_cancelled: number;
  upstream_rq_timeout: number;
  upstream_rq_pending_total: number;
  upstream_rq_pending_overflow: number;
  /** Of these, the ones that met the limit of active requests. */
  upstream_rq_active_overflow: number;
  upstream_rq_pending_failure_eject: number;
  upstream_rq_rx_reset: number;
  /** Requests that were given up after they had been sent: the caller went away, or had waited long enough. */
  upstream_rq_tx_reset: number;
  upstream_rq_retry: number;
  upstream_rq_retry_success: number;
  upstream_rq_retry_overflow: number;
  upstream_rq_retry_limit_exceeded: number;
  lb_healthy_panic: number;
}

/** All at zero. */
export function newCounters(): ClusterCounters {
  return {
    upstream_cx_total: 0, upstream_cx_connect_fail: 0, upstream_cx_connect_timeout: 0, upstream_cx_destroy: 0, upstream_cx_destroy_remote_with_active_rq: 0, upstream_cx_overflow: 0, upstream_cx_idle_timeout: 0,
    upstream_cx_max_requests: 0, upstream_cx_max_duration_reached: 0, upstream_cx_protocol_error: 0, upstream_rq_total: 0, upstream_rq_completed: 0, upstream_rq_2xx: 0,
    upstream_rq_3xx: 0, upstream_rq_4xx: 0, upstream_rq_5xx: 0, upstream_rq_cancelled: 0, upstream_rq_timeout: 0, upstream_rq_pending_total: 0,
    upstream_rq_pending_overflow: 0, upstream_rq_active_overflow: 0, upstream_rq_pending_failure_eject: 0, upstream_rq_rx_reset: 0, upstream_rq_tx_reset: 0, upstream_rq_retry: 0, upstream_rq_retry_success: 0,
    upstream_rq_retry_overflow: 0, upstream_rq_retry_limit_exceeded: 0, lb_healthy_panic: 0,
  };
}

/** Where a mishap is counted. */
const mishaps: Readonly<Record<Mishap, keyof ClusterCounters>> = {
  violation: 'upstream_cx_protocol_error', reset: 'upstream_rq_rx_reset', 'given-up': 'upstream_rq_tx_reset', cut: 'upstream_cx_destroy_remote_with_active_rq',
};

/** Counts what a codec met. */
export function countMishap(counters: ClusterCounters, mishap: Mishap): void {
  counters[mishaps[mishap]]++;
}

/** What was counted of one host. Source: Envoy, admin `/clusters`. */
export interface HostCounters {
  cx_total: number;
  cx_connect_fail: number;
  rq_total: number;
  rq_success: number;
  rq_error: number;
  rq_timeout: number;
}

/** All at zero. */
export function newHostCounters(): HostCounters {
  return { cx_total: 0, cx_connect_fail: 0, rq_total: 0, rq_success: 0, rq_error: 0, rq_timeout: 0 };
}

import type { ProtocolError } from '../http1/index.ts';

/** What was counted of the callers of one connection manager, with the names of Envoy's statistics. Source: Envoy, "HTTP connection manager statistics". */
export interface DownstreamCounters {
  downstream_cx_total: number;
  downstream_cx_http1_total: number;
  downstream_cx_http2_total: number;
  /** Callers who did not keep to the protocol. */
  downstream_cx_protocol_error: number;
  /** Connections that were told to end, because the config does not hold for them any more or the proxy ends. */
  downstream_cx_drain_close: number;
  downstream_rq_total: number;
  /** Requests that their callers reset or left. */
  downstream_rq_rx_reset: number;
  /** Responses that we broke off, because the upstream did or took too long. */
  downstream_rq_tx_reset: number;
  /** Callers who did not send a head in time. */
  downstream_rq_header_timeout: number;
  /** Callers who stopped in the middle of a body. */
  downstream_rq_idle_timeout: number;
}

/** All at zero. */
export function newDownstreamCounters(): DownstreamCounters {
  return {
    downstream_cx_total: 0, downstream_cx_http1_total: 0, downstream_cx_http2_total: 0, downstream_cx_protocol_error: 0, downstream_cx_drain_close: 0, downstream_rq_total: 0,
    downstream_rq_rx_reset: 0, downstream_rq_tx_reset: 0, downstream_rq_header_timeout: 0, downstream_rq_idle_timeout: 0,
  };
}

/** The counters of a connection manager by its `stat_prefix`; they outlive changes of its config. */
export function countersOf(all: Map<string, DownstreamCounters>, prefix: string): DownstreamCounters {
  let counters = all.get(prefix);
  if (counters === undefined) all.set(prefix, counters = newDownstreamCounters());
  return counters;
}

/** Counts a request that ended before its answer: its caller has gone, or broke the protocol. */
export function countAborted(counters: DownstreamCounters, error: ProtocolError | undefined): void {
  if (error === undefined) counters.downstream_rq_rx_reset++;
  else if (error.details.endsWith('headers_timeout')) counters.downstream_rq_header_timeout++;
  else if (error.details.endsWith('body_timeout')) counters.downstream_rq_idle_timeout++;
  else counters.downstream_cx_protocol_error++;
}

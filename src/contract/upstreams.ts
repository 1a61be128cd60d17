/** Connections, waiting requests, requests and retries under way, counted over a whole cluster. */
export interface UpstreamCounts {
  readonly connections: number;
  readonly pending: number;
  readonly requests: number;
  readonly retries: number;
}

/** Why a host was ejected: so many of these came one after the other. */
export type EjectionReason = 'consecutive-5xx-errors' | 'consecutive-gateway-errors' | 'consecutive-local-origin-failures';

/** One host of a cluster as one proxy sees it now. */
export interface UpstreamHostState {
  /** `ip:port`. */
  readonly address: string;
  /** `namespace/pod`; empty for a host that is none. */
  readonly pod: string;
  readonly workload: string;
  readonly version: string;
  /** `region/zone/subzone`; empty when it has none. */
  readonly locality: string;
  /** 0 is the best. */
  readonly priority: number;
  /** May be chosen now: neither ejected nor unhealthy by the control plane's word. */
  readonly healthy: boolean;
  readonly connections: number;
  readonly requests: number;
  /** Responses below 500 and failures (5xx, resets, timeouts) since it became a host. */
  readonly succeeded: number;
  readonly failed: number;
  /** How often it was ejected since it became a host. */
  readonly ejections: number;
  /** While it is ejected. Milliseconds since the epoch; it comes back at `until`. */
  readonly ejection?: { readonly since: number; readonly until: number; readonly reason: EjectionReason };
}

/** One upstream cluster as one proxy sees it now: what its circuit breakers allow and hold, and who is ejected. */
export interface UpstreamState {
  /** `outbound|9080|v1|reviews.default.svc.cluster.local`. */
  readonly cluster: string;
  /** Fully qualified host of the service. */
  readonly service: string;
  /** What is missing is not limited. */
  readonly limits: Partial<UpstreamCounts>;
  readonly use: UpstreamCounts;
  /** How often a limit was hit since the cluster was first there: connections that were not opened, requests refused with 503 UO, retries not made. */
  readonly overflows: UpstreamCounts;
  /** So few hosts are healthy that all of them are used again. */
  readonly panic: boolean;
  readonly hosts: readonly UpstreamHostState[];
}

/** {@link UpstreamState} with the proxy that sees it, `namespace/pod`. */
export interface UpstreamStatus extends UpstreamState {
  readonly proxy: string;
}

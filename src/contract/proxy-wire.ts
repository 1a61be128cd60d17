import type { ContainerNews } from '../util/prober.ts';
import type { DiscoveryRequest, DiscoveryResponse } from '../xds/index.ts';
import type { RateLimitAnswer, RateLimitQuestion } from './rate-limits.ts';
import type { RequestRecord } from './record.ts';
import type { UpstreamState } from './upstreams.ts';

/**
 * The wire between a proxy and the control plane (port 15012): TLS 1.3, verified against the mesh root that the container was given,
 * one JSON object a line in each direction (at most 16 MiB a line). The first line of the proxy is `hello`; anything else first ends the connection.
 */
export type FromProxy =
  | { readonly hello: { readonly node: string; /** `namespace/pod`. */ readonly proxy: string; readonly token: string } }
  | { readonly request: DiscoveryRequest }
  /** PKCS#10, PEM. Its own SANs are ignored: the certificate carries the identity that the token stands for. */
  | { readonly csr: { readonly id: number; readonly pem: string } }
  | { readonly readiness: { readonly ready: boolean; readonly message?: string } }
  | { readonly telemetry: TelemetryBatch }
  /** Clusters with limits, ejections or localities, all of them, when any has changed; at most every 250 ms. */
  | { readonly upstreams: readonly UpstreamState[] }
  | { readonly rateLimit: RateLimitQuestion }
  /** Run the command of this probe; core knows it, so that a proxy cannot have others run. */
  | { readonly probe: ProbeQuestion }
  /** A container has failed its liveness or startup probe. */
  | { readonly restart: RestartRequest };

/** A command that is to be run in a container of the proxy's pod, with the proxy's own number. */
export interface ProbeQuestion {
  readonly id: number;
  readonly container: string;
  readonly kind: 'readiness' | 'liveness' | 'startup';
}

/** A container that is to be ended, and started anew where the pod's policy says so. */
export interface RestartRequest {
  readonly container: string;
  readonly why: string;
  /** Seconds that it has to end in; the pod's own where it is missing. */
  readonly grace?: number;
}

export type FromControlPlane =
  | { readonly response: DiscoveryResponse }
  /** Certificate chain (leaf first) and the trust bundle (one or more roots), PEM. */
  | { readonly certificate: { readonly id: number; readonly chain: string; readonly roots: string } }
  /** Trust these from now on, and ask for a new certificate at once when the one in use is of a root that will go. */
  | { readonly roots: string; readonly renew: boolean }
  | { readonly rateLimit: { readonly id: number; readonly answer: RateLimitAnswer } }
  /** What a command has found: null for success, else what was wrong. A command that could not be run has no answer. */
  | { readonly probed: { readonly id: number; readonly problem: string | null } }
  /** A container of the pod has started or ended. */
  | { readonly container: ContainerNews }
  | { readonly error: { readonly code: string; readonly message: string } };

/** Sent every 50 ms when there is something to say. Records may be sampled; metrics never are. */
export interface TelemetryBatch {
  readonly records: readonly RequestRecord[];
  /** Records that were not sent because of sampling. */
  readonly skipped: number;
  readonly metrics: readonly MetricDelta[];
}

/** What was added to one label set of Istio's standard metrics since the last batch. */
export interface MetricDelta {
  /** Always the standard ones: the lab's own figures count by them. */
  readonly labels: MetricLabels;
  /** Where rules change what a metric (`requests_total`) shows to Prometheus: its labels, or null for none. */
  readonly shown?: Readonly<Record<string, Readonly<Record<string, string>> | null>>;
  readonly requests: number;
  /** Requests by upper bound of `istio_request_duration_milliseconds`' buckets; same order as {@link durationBuckets}, then +Inf. */
  readonly durations: readonly number[];
  readonly durationSum: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly tcpOpened: number;
  readonly tcpClosed: number;
  readonly tcpSent: number;
  readonly tcpReceived: number;
}

/** Istio's default buckets for durations, in milliseconds. */
export const durationBuckets = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000] as const;

/** Istio's standard labels. Source: istio.io/latest/docs/reference/config/metrics. */
export interface MetricLabels {
  readonly reporter: 'source' | 'destination';
  readonly source_workload: string;
  readonly source_workload_namespace: string;
  readonly source_principal: string;
  readonly source_app: string;
  readonly source_version: string;
  readonly source_canonical_service: string;
  readonly source_canonical_revision: string;
  readonly source_cluster: string;
  readonly destination_workload: string;
  readonly destination_workload_namespace: string;
  readonly destination_principal: string;
  readonly destination_app: string;
  readonly destination_version: string;
  readonly destination_service: string;
  readonly destination_service_name: string;
  readonly destination_service_namespace: string;
  readonly destination_canonical_service: string;
  readonly destination_canonical_revision: string;
  readonly destination_cluster: string;
  readonly request_protocol: string;
  readonly response_code: string;
  readonly grpc_response_status: string;
  readonly response_flags: string;
  readonly connection_security_policy: 'mutual_tls' | 'none' | 'unknown';
}

import type { Origin } from '../xds/index.ts';

/** One end of a request: who it is in the mesh. */
export interface Peer {
  /** `namespace/pod`, or empty for a peer outside of the mesh. */
  readonly pod: string;
  readonly workload: string;
  readonly namespace: string;
  /** Label `app` (Istio's canonical name), else the workload. */
  readonly app: string;
  /** Label `version`, else `latest`. */
  readonly version: string;
  /** The verified SPIFFE identity; empty without mTLS. */
  readonly principal: string;
  readonly ip: string;
}

/** One step of a decision, in the order in which it was taken. */
export interface DecisionStep {
  readonly stage: 'listener' | 'filter-chain' | 'virtual-host' | 'route' | 'filter' | 'cluster' | 'endpoint' | 'retry' | 'transport' | 'response';
  /** What was chosen or done, in the field's terms: `outbound|9080|v2|reviews.default.svc.cluster.local`. */
  readonly what: string;
  /** Why, in plain words: `header end-user is "jason"`. */
  readonly why?: string;
  readonly origin?: Origin;
  /** Candidates that lost, and why. */
  readonly rejected?: readonly { readonly what: string; readonly why: string; readonly origin?: Origin }[];
}

/** Envoy's response flags that Weft sets. Source: Envoy, "Access log command operators", %RESPONSE_FLAGS%. */
export type ResponseFlag =
  | 'NR' | 'UH' | 'UF' | 'UC' | 'UT' | 'UR' | 'URX' | 'UO' | 'DC' | 'DI' | 'FI' | 'RL' | 'RLSE' | 'UAEX' | 'NC' | 'DT' | 'DPE' | 'UPE' | 'SI' | 'IH' | 'UMSDR' | 'LR' | 'OM';

/** One request (or TCP connection) as one proxy saw it. Times in milliseconds, sizes in bytes. */
export interface RequestRecord {
  /** Unique within the lab: pod and a counter. */
  readonly key: string;
  /** Start, milliseconds since the epoch, with fractions. */
  readonly time: number;
  /** `source`: the caller's sidecar or a gateway; `destination`: the callee's sidecar. */
  readonly reporter: 'source' | 'destination';
  /** `namespace/pod` of the proxy that reports. */
  readonly proxy: string;
  readonly requestId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** The span is reported to whoever collects traces; false for TCP, and where the proxy makes no spans. */
  readonly sampled: boolean;
  /** Tags that the rules give the span, when it is reported. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly source: Peer;
  readonly destination: Peer;
  /** Fully qualified host of the service, or the authority for a destination that is not in the registry. */
  readonly service: string;
  readonly protocol: 'http' | 'grpc' | 'tcp';
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  /** 0 when no response was sent (TCP, or the caller went away). */
  readonly status: number;
  readonly grpcStatus?: number;
  readonly flags: readonly ResponseFlag[];
  /** Envoy's RESPONSE_CODE_DETAILS, e.g. `via_upstream`, `fault_filter_abort`, `route_not_found`. */
  readonly details: string;
  readonly duration: number;
  /** Time until the first byte of the upstream's response; 0 without upstream. */
  readonly upstreamDuration: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Retries made after the first attempt. */
  readonly retries: number;
  readonly mtls: boolean;
  readonly listener: string;
  readonly route: string;
  readonly cluster: string;
  /** `ip:port` of the upstream host. */
  readonly endpoint: string;
  readonly decision: readonly DecisionStep[];
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly responseHeaders: readonly (readonly [string, string])[];
}

/** How a request ended, for colour and shape. */
export type Outcome = 'ok' | 'client-error' | 'server-error' | 'denied' | 'fault' | 'retried' | 'timeout';

/** gRPC statuses that blame the server: unknown, resource exhausted, unimplemented, internal, unavailable, data loss. */
const serverStatuses: ReadonlySet<number> = new Set([2, 8, 12, 13, 14, 15]);

/** Classifies a record; the one place that decides what a colour means. */
export function outcomeOf(record: Pick<RequestRecord, 'status' | 'flags' | 'retries' | 'protocol' | 'details' | 'grpcStatus'>): Outcome {
  const has = (flag: ResponseFlag): boolean => record.flags.includes(flag);
  if (has('FI')) return 'fault';
  if (has('UAEX') || record.details.startsWith('rbac_access_denied')) return 'denied';
  if (has('UT') || has('DT') || record.grpcStatus === 4) return 'timeout';
  if (record.protocol === 'tcp') return record.flags.length === 0 ? 'ok' : 'server-error';
  if (record.status === 0 || record.status >= 500) return has('DC') ? 'client-error' : 'server-error';
  if (record.status >= 400) return 'client-error';
  if (record.grpcStatus !== undefined && record.grpcStatus !== 0) return serverStatuses.has(record.grpcStatus) ? 'server-error' : 'client-error';
  return record.retries > 0 ? 'retried' : has('DI') ? 'fault' : 'ok';
}

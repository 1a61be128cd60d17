import type { PodInfo } from '../compile/index.ts';
import type { Diagnostic, SourceFile } from '../manifest/index.ts';
import type { ProxyConfigSection, ProxyStatus, RecordQuery } from './lab.ts';
import type { RequestRecord } from './record.ts';
import type { Trace } from './trace.ts';
import type { MetricDelta, ProbeQuestion, RestartRequest } from './proxy-wire.ts';
import type { ContainerNews } from '../util/prober.ts';
import type { UpstreamStatus } from './upstreams.ts';

/** A pod as core registers it with the control plane, before its containers start. */
export interface PodRegistration extends PodInfo {
  readonly kind: 'workload' | 'gateway';
  /** SHA-256 (hex) of the token that the pod's proxy says in `hello`; empty for pods without a proxy. */
  readonly tokenHash: string;
}

/**
 * What core asks of the control plane, over TLS on the port published on 127.0.0.1: one JSON object a line, birpc messages,
 * after a first line `{"core": {"token": …}}`. The control plane is the lab's memory: manifests, pods, versions.
 */
export interface ControlApi {
  files(): Promise<readonly SourceFile[]>;
  /** Replaces all manifests at once; errors in them are returned, and then nothing has changed. */
  setFiles(files: readonly SourceFile[]): Promise<{ readonly applied: boolean; readonly version: string; readonly diagnostics: readonly Diagnostic[] }>;
  pods(): Promise<readonly PodRegistration[]>;
  /** Replaces all pods at once. Readiness is what proxies report; `ready` here counts for pods without one. */
  setPods(pods: readonly PodRegistration[]): Promise<void>;
  /** Virtual IPs are given by the control plane from this range and kept for the lab's life. */
  setNetwork(network: { readonly virtualIpCidr: string }): Promise<void>;
  status(): Promise<ControlStatus>;
  proxyConfig(proxy: string, section: ProxyConfigSection): Promise<readonly unknown[]>;
  records(query: RecordQuery): Promise<readonly RequestRecord[]>;
  /** The trace of this id (or of a request with this id), or the newest; `null` when there is none. */
  trace(id: string): Promise<Trace | null>;
  metricsText(): Promise<string>;
  /** Upstream clusters that have limits, ejections or localities, as each proxy sees them now. */
  upstreams(): Promise<readonly UpstreamStatus[]>;
  /** Virtual IP by service, for explain. */
  virtualIps(): Promise<Readonly<Record<string, string>>>;
  /** Key sets of issuers of tokens as they were fetched last, JSON by URL, for explain. */
  keySets(): Promise<Readonly<Record<string, string>>>;
  /** Replaces the mesh's root without a lost request, one phase a call. Rejects with `usage` out of order. */
  rotateRoot(step: RootRotation): Promise<RotationPhase>;
  /** Tells a pod's proxy what a command that it asked for has found. */
  probed(proxy: string, answer: { readonly id: number; readonly problem: string | null }): Promise<void>;
  /** Tells a pod's proxy of a container that has started or ended; `restarts` are to be added to those that the engine counts. */
  containerNews(proxy: string, news: ContainerNews & { readonly restarts?: number }): Promise<void>;
  /** From now on `records`, `metrics` and `upstreams` events are sent on this connection. */
  subscribe(): Promise<void>;
}

/** How far a rotation of the root has come: `introduced` trusts two and signs with the old one, `replaced` signs with the new one. */
export type RotationPhase = 'settled' | 'introduced' | 'replaced';

/** The next phase of a rotation. */
export type RootRotation =
  /** The new root, PEM: an EC P-256 authority and its key (PKCS#8). */
  | { readonly step: 'introduce'; readonly root: { readonly certificate: string; readonly key: string } }
  | { readonly step: 'replace' | 'retire' };

export interface ControlStatus {
  readonly version: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly proxies: readonly ProxyStatus[];
  /** `namespace/pod` → ready, as reported by its proxy. */
  readonly readiness: Readonly<Record<string, { readonly ready: boolean; readonly message?: string }>>;
  /** `namespace/pod/container` → restarts by its probes. */
  readonly restarts: Readonly<Record<string, number>>;
}

export interface ControlEvents {
  status(status: ControlStatus): void;
  records(records: readonly RequestRecord[]): void;
  /** Every second: what all proxies added. */
  metrics(deltas: readonly MetricDelta[]): void;
  /** All of them anew, when any has changed. */
  upstreams(upstreams: readonly UpstreamStatus[]): void;
  /** To one of those who are subscribed: a command that is to be run in a container. */
  probe(question: ProbeQuestion & { readonly proxy: string }): void;
  /** To one of those who are subscribed: a container that is to be restarted. */
  restart(request: RestartRequest & { readonly proxy: string }): void;
}

/** Ports of a lab's containers, as in Istio. */
export const ports = { outbound: 15001, inbound: 15006, dns: 15053, admin: 15000, prometheus: 15090, health: 15021, discovery: 15010, controlPlane: 15012, controlPlaneMetrics: 15014, otlpGrpc: 4317, otlpHttp: 4318, zipkin: 9411 } as const;

/** The uid of every sidecar; capture lets it pass. */
export const proxyUid = 1337;

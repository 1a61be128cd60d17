import type { Diagnostic, SourceFile } from '../manifest/index.ts';
import type { RequestRecord } from './record.ts';

/** A check before anything is started: what was tried, what came of it, and how to fix it. */
export interface PreflightCheck {
  readonly id: 'engine' | 'version' | 'memory' | 'disk' | 'images';
  readonly title: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  readonly tried: readonly string[];
  readonly fix?: string;
}

export interface Preflight {
  readonly ok: boolean;
  readonly checks: readonly PreflightCheck[];
}

/** A lab that ships with the app. */
export interface Sample {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly files: readonly SourceFile[];
  /** Path that the traffic generator asks for through the ingress, e.g. `/productpage`. */
  readonly path: string;
}

export type LabPhase = 'starting' | 'running' | 'degraded' | 'stopping' | 'stopped' | 'failed';

/** A published port of the ingress gateway on 127.0.0.1. */
export interface IngressPort {
  readonly name: string;
  readonly port: number;
  readonly hostPort: number;
  /** The gateway's workload, `namespace/name`. */
  readonly gateway?: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  /** The image that really runs, when a stand-in takes its place. */
  readonly standIn?: string;
  readonly state: 'waiting' | 'running' | 'exited';
  readonly reason?: string;
  readonly exitCode?: number;
  readonly restarts: number;
}

export interface PodStatus {
  readonly name: string;
  readonly namespace: string;
  readonly workload: string;
  readonly app: string;
  readonly version: string;
  readonly ip: string;
  readonly kind: 'workload' | 'gateway';
  readonly sidecar: boolean;
  readonly phase: 'Pending' | 'Running' | 'Failed' | 'Terminating';
  readonly ready: boolean;
  readonly message?: string;
  readonly containers: readonly ContainerStatus[];
  /** Milliseconds since the epoch. */
  readonly started: number;
}

/** What one proxy has been sent and has acknowledged. */
export interface ProxyStatus {
  /** `namespace/pod`. */
  readonly proxy: string;
  readonly connected: boolean;
  /** Version last sent and last acknowledged, over all types; equal when in sync. */
  readonly sent: string;
  readonly acknowledged: string;
  /** Why the last push was rejected; the last good config stays in force. */
  readonly rejected?: string;
  /** Certificate expiry, milliseconds since the epoch; 0 without one. */
  readonly certificateExpires: number;
}

export interface LabSummary {
  readonly name: string;
  readonly phase: LabPhase;
  readonly pods: number;
  readonly ready: number;
}

/** The whole state of a lab but for traffic. */
export interface LabStatus {
  readonly name: string;
  readonly phase: LabPhase;
  readonly message?: string;
  readonly ingress: readonly IngressPort[];
  readonly ingressUrl: string;
  /** A path on the ingress that a route takes; `/` where no route tells. */
  readonly ingressPath: string;
  readonly images: 'pull' | 'stand-in';
  readonly pods: readonly PodStatus[];
  readonly proxies: readonly ProxyStatus[];
  /** The version of the config that the control plane has compiled last. */
  readonly version: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly switches: Switches;
  readonly services: readonly ServiceSummary[];
}

export interface ServiceSummary {
  readonly name: string;
  readonly namespace: string;
  readonly host: string;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly protocol: string }[];
  /** Values of the label `version` among its pods, sorted. */
  readonly versions: readonly string[];
  /** Canonical names of the workloads that it selects: the names of their nodes in the graph. Most often its own name. */
  readonly apps: readonly string[];
}

/** A step of something long, such as `up`. */
export interface Step {
  readonly id: string;
  readonly title: string;
  readonly state: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  readonly detail?: string;
  /** Milliseconds that it took, when done. */
  readonly took?: number;
}

export interface Operation {
  readonly id: string;
  readonly lab: string;
  readonly title: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly steps: readonly Step[];
  readonly error?: LabError;
}

/** An expected failure as it crosses a wire: what, why, what to do. `code` is stable. */
export interface LabError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly help?: string;
  readonly diagnostics?: readonly Diagnostic[];
}

export type ErrorCode =
  | 'engine-not-found' | 'engine-gone' | 'engine-too-old' | 'engine-disk-full' | 'port-taken' | 'image-unavailable' | 'lab-not-found' | 'lab-exists'
  | 'manifest-invalid' | 'manifest-unreadable' | 'consent-required' | 'pod-not-found' | 'pod-failed' | 'control-plane-gone' | 'timeout' | 'cancelled'
  | 'usage' | 'not-found' | 'internal';

export interface UpRequest {
  readonly lab: string;
  readonly files: readonly SourceFile[];
  readonly sample?: string;
  /** `auto`: pull when a registry answers, else stand-ins. */
  readonly images?: 'auto' | 'pull' | 'stand-in';
  /** Consent to things that are refused by default (`privileged`, `hostPath`, …), item by item. */
  readonly consent?: readonly string[];
}

/** A change of the files: the text before and after, per file. `before` is empty for a new file, `after` for a removed one. */
export interface FileChange {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

export interface ApplyResult {
  /** False when an error kept the change from being applied; the files are then as before. */
  readonly applied: boolean;
  readonly version: string;
  readonly changes: readonly FileChange[];
  readonly diagnostics: readonly Diagnostic[];
}

export type MtlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

/** A switch that a person can throw by hand; each becomes an edit of the lab's manifests. */
export type SwitchAction =
  | { readonly kind: 'fault'; readonly host: string; readonly namespace: string; readonly delay?: { readonly milliseconds: number; readonly percent: number }; readonly abort?: { readonly status: number; readonly percent: number } }
  | { readonly kind: 'weights'; readonly host: string; readonly namespace: string; readonly weights: Readonly<Record<string, number>> }
  /** `namespace` empty: the whole mesh. `mode` undefined: back to inheriting. */
  | { readonly kind: 'mtls'; readonly namespace: string; readonly mode?: MtlsMode }
  | { readonly kind: 'clear'; readonly what: 'faults' | 'all' };

/** What the manifests say now, in the switches' terms. */
export interface Switches {
  readonly faults: readonly { readonly host: string; readonly namespace: string; readonly delay?: { readonly milliseconds: number; readonly percent: number }; readonly abort?: { readonly status: number; readonly percent: number } }[];
  readonly weights: readonly { readonly host: string; readonly namespace: string; readonly weights: Readonly<Record<string, number>> }[];
  /** Mode by namespace; key empty for the mesh. */
  readonly mtls: Readonly<Record<string, MtlsMode>>;
}

export interface RecordQuery {
  readonly limit?: number;
  /** Only records older than this time. */
  readonly before?: number;
  /** Words that must all occur in method, path, host, peers, status or flags. */
  readonly text?: string;
  readonly outcome?: string;
  readonly service?: string;
}

/** Figures over the last ten seconds. Rates per second, shares 0 to 1, latencies in milliseconds. */
export interface Figures {
  readonly rps: number;
  readonly errorShare: number;
  readonly p50: number;
  readonly p99: number;
}

export interface GraphNode {
  /** `namespace/app` for workloads, `gateway:NAME`, `host:FQDN` for the outside, `unknown`. */
  readonly id: string;
  readonly kind: 'service' | 'gateway' | 'external' | 'unknown';
  readonly name: string;
  readonly namespace: string;
  readonly versions: readonly { readonly version: string; readonly ready: number; readonly pods: number; readonly figures: Figures }[];
  readonly figures: Figures;
}

export interface GraphEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly protocol: 'http' | 'grpc' | 'tcp';
  readonly figures: Figures;
  /** Share of requests over mTLS, 0 to 1. */
  readonly mtls: number;
  readonly sourcePrincipal: string;
  readonly targetPrincipal: string;
}

/** The live graph: whole new value about once a second. */
export interface Graph {
  readonly time: number;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface LoadRequest {
  readonly lab: string;
  readonly rps: number;
  readonly seconds?: number;
  /** Absolute, or a path on the ingress; without it, a path that the lab's routes take. */
  readonly url?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadStatus {
  readonly running: boolean;
  readonly rps: number;
  readonly url: string;
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly byStatus: Readonly<Record<string, number>>;
}

/** A call to explain or simulate. `from` is `ingress` or `namespace/pod` (or a workload's name). */
export interface Call {
  readonly from: string;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

export interface Explanation {
  readonly call: Call;
  /** One sentence: what happens. */
  readonly summary: string;
  readonly status?: number;
  readonly flags: readonly string[];
  /** Clusters that may be chosen, with their share 0 to 1 and how a call to each ends; without a status, the application decides. */
  readonly clusters: readonly { readonly cluster: string; readonly share: number; readonly status?: number; readonly flags: readonly string[] }[];
  readonly steps: RequestRecord['decision'];
}

export type ProxyConfigSection = 'listeners' | 'routes' | 'clusters' | 'endpoints' | 'secrets';

/** A tutorial as read from `assets/tutorials`. */
export interface Tutorial {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly minutes: number;
  readonly sample: string;
  readonly steps: readonly TutorialStep[];
}

export interface TutorialStep {
  readonly id: string;
  readonly title: string;
  /** Markdown. */
  readonly text: string;
  readonly hint?: string;
  /** True when "do it for me" is offered. */
  readonly doable: boolean;
}

export interface TutorialState {
  readonly tutorial: string;
  readonly lab: string;
  /** Ids of the steps that have been seen to hold, in order. */
  readonly done: readonly string[];
  /** The step at hand; `undefined` at the end. */
  readonly current?: string;
  /** What the check of the step at hand still misses, in words. */
  readonly waitingFor?: string;
}

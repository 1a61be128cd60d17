import type { Diagnostic, SourceFile } from '../manifest/index.ts';
import type {
  ApplyResult, Call, Explanation, Graph, LabStatus, LabSummary, LoadRequest, LoadStatus, Operation, Preflight, ProxyConfigSection, RecordQuery,
  Sample, SwitchAction, Tutorial, TutorialState, UpRequest,
} from './lab.ts';
import type { RequestRecord } from './record.ts';
import type { Trace } from './trace.ts';
import type { UpstreamStatus } from './upstreams.ts';

/**
 * The one API of the lab: what the window, the browser and the CLI can ask of core. Every method takes one plain object,
 * checked against `schemas` before it runs, and rejects with a LabError. Names in `schemas` are the allow-list.
 */
export interface LabApi {
  preflight(request: object): Promise<Preflight>;
  samples(request: object): Promise<readonly Sample[]>;
  labs(request: object): Promise<readonly LabSummary[]>;
  /** Starts a lab; returns at once with the operation, whose progress comes as events. */
  up(request: UpRequest): Promise<Operation>;
  /** Removes a lab: containers, networks, volumes. */
  down(request: { readonly lab: string }): Promise<Operation>;
  operation(request: { readonly id: string }): Promise<Operation>;
  /** Cancels an operation; what it had started is removed. */
  cancel(request: { readonly id: string }): Promise<void>;
  status(request: { readonly lab: string }): Promise<LabStatus>;

  files(request: { readonly lab: string }): Promise<readonly SourceFile[]>;
  /** Adds or replaces files. With `dryRun` nothing changes: the result says what would. */
  apply(request: { readonly lab: string; readonly files: readonly SourceFile[]; readonly dryRun?: boolean; readonly consent?: readonly string[] }): Promise<ApplyResult>;
  /** Removes the resources that these files hold, as `kubectl delete -f`. */
  delete(request: { readonly lab: string; readonly files: readonly SourceFile[] }): Promise<ApplyResult>;
  /** Resources as plain JSON; `kind` in any of kubectl's spellings (`vs`, `virtualservice`, `VirtualService`). */
  get(request: { readonly lab: string; readonly kind: string; readonly name?: string; readonly namespace?: string }): Promise<readonly Record<string, unknown>[]>;
  analyze(request: { readonly lab?: string; readonly files?: readonly SourceFile[] }): Promise<readonly Diagnostic[]>;
  explain(request: { readonly lab?: string; readonly files?: readonly SourceFile[]; readonly call: Call }): Promise<Explanation>;
  /** Throws a switch; with `dryRun` only says what it would write. */
  switch(request: { readonly lab: string; readonly action: SwitchAction; readonly dryRun?: boolean }): Promise<ApplyResult>;

  proxyConfig(request: { readonly lab: string; readonly proxy: string; readonly section: ProxyConfigSection }): Promise<readonly unknown[]>;
  records(request: RecordQuery & { readonly lab: string }): Promise<readonly RequestRecord[]>;
  /** A trace by its id, by the id of a request on it, or (without one) the newest. Rejects with `not-found`. */
  trace(request: { readonly lab: string; readonly id?: string }): Promise<Trace>;
  graph(request: { readonly lab: string }): Promise<Graph>;
  /** Circuit breakers and ejected hosts, live, as each proxy sees its upstream clusters. */
  upstreams(request: { readonly lab: string }): Promise<readonly UpstreamStatus[]>;
  /** Istio's standard metrics of the whole lab, in Prometheus' text format. */
  metrics(request: { readonly lab: string }): Promise<string>;
  load(request: LoadRequest): Promise<LoadStatus>;
  stopLoad(request: { readonly lab: string }): Promise<LoadStatus>;

  /** Opens a stream of a container's log; data comes as `stream` events with the id that is returned. */
  logs(request: { readonly lab: string; readonly pod: string; readonly container?: string; readonly tail?: number; readonly follow?: boolean }): Promise<string>;
  /** Opens a terminal in a container. */
  exec(request: { readonly lab: string; readonly pod: string; readonly container?: string; readonly command: readonly string[]; readonly tty: boolean; readonly columns?: number; readonly rows?: number }): Promise<string>;
  write(request: { readonly stream: string; readonly data: string }): Promise<void>;
  resize(request: { readonly stream: string; readonly columns: number; readonly rows: number }): Promise<void>;
  close(request: { readonly stream: string }): Promise<void>;
  /** Deletes a pod's containers; its workload makes a new one. */
  restart(request: { readonly lab: string; readonly pod: string }): Promise<void>;

  tutorials(request: object): Promise<readonly Tutorial[]>;
  tutorial(request: { readonly lab: string; readonly tutorial: string }): Promise<TutorialState>;
  tutorialStart(request: { readonly lab: string; readonly tutorial: string; readonly fresh?: boolean }): Promise<TutorialState>;
  tutorialDo(request: { readonly lab: string; readonly tutorial: string }): Promise<TutorialState>;

  /** From now on, events of this lab are sent to the caller: `status`, `graph`, `records`, `upstreams`, `load`, `tutorial`. */
  watch(request: { readonly lab: string }): Promise<void>;
  unwatch(request: { readonly lab: string }): Promise<void>;
}

/** What core tells its callers, always as whole new values (records and stream data: what is new). */
export interface LabEvents {
  labs(labs: readonly LabSummary[]): void;
  operation(operation: Operation): void;
  status(status: LabStatus): void;
  graph(event: { readonly lab: string; readonly graph: Graph }): void;
  records(event: { readonly lab: string; readonly records: readonly RequestRecord[] }): void;
  /** All of them anew, when any has changed. */
  upstreams(event: { readonly lab: string; readonly upstreams: readonly UpstreamStatus[] }): void;
  load(event: { readonly lab: string; readonly load: LoadStatus }): void;
  tutorial(state: TutorialState): void;
  stream(event: { readonly stream: string; readonly data?: string; readonly end?: { readonly exitCode?: number } }): void;
}

/** Where a LabApi's events come from: core itself, or the far end of a wire. */
export interface LabEventSource {
  /** Calls the listener for each such event from now on; returns how to stop. */
  on<Name extends keyof LabEvents>(event: Name, listener: LabEvents[Name]): () => void;
}

/** A LabApi with its events. `watch` and `unwatch` come in pairs, one pair for each caller that looks. */
export type Lab = LabApi & LabEventSource;

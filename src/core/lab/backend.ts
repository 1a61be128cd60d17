import type { Duplex, Readable } from 'node:stream';
import type { IngressPort, LabSummary, PodStatus, Preflight } from '../../contract/index.ts';
import type { Resource, SourceFile } from '../../manifest/index.ts';
import type { ControlAddress, ControlClient } from '../control/connect.ts';

/** What a lab is started with. */
export interface LabPlan {
  readonly lab: string;
  readonly files: readonly SourceFile[];
  readonly resources: readonly Resource[];
  readonly images: 'auto' | 'pull' | 'stand-in';
  readonly consent: readonly string[];
}

/** How long work tells where it is, and how it is ended. */
export interface Work {
  readonly signal: AbortSignal;
  detail(text: string): void;
}

/** A running command or log: bytes out, bytes in where there is a way in. */
export interface ContainerStream {
  readonly output: Readable;
  readonly input?: Duplex;
  resize?(columns: number, rows: number): Promise<void>;
  exitCode?(): Promise<number | undefined>;
  close(): void;
}

/** The engine as core's lab sees it: everything that is done with containers, nothing that is done with configs. */
export interface Backend {
  preflight(): Promise<Preflight>;
  labs(): Promise<readonly LabSummary[]>;
  prepareImage(work: Work): Promise<void>;
  /** Network and control plane; returns where it answers and which addresses it may give to services. */
  startControlPlane(plan: LabPlan, work: Work): Promise<{ readonly address: ControlAddress; readonly virtualIpCidr: string }>;
  /** Where a running lab's control plane answers; `undefined` when there is no such lab. */
  control(lab: string): Promise<ControlAddress | undefined>;
  /** Makes the pods that the resources ask for, removes the others, registers all with the control plane. */
  reconcile(lab: string, resources: readonly Resource[], control: ControlClient, work: Work, consent?: readonly string[]): Promise<void>;
  pods(lab: string): Promise<readonly PodStatus[]>;
  ingress(lab: string): Promise<readonly IngressPort[]>;
  images(lab: string): Promise<'pull' | 'stand-in'>;
  /** Calls back for every change of the lab's containers, and again after the engine came back. With `control`, does for the pods meanwhile what only the engine can. */
  watch(lab: string, changed: () => void, control?: ControlClient): Promise<() => void>;
  restartPod(lab: string, pod: string, control: ControlClient): Promise<void>;
  logs(lab: string, pod: string, container: string | undefined, options: { readonly tail?: number; readonly follow: boolean }): Promise<ContainerStream>;
  exec(lab: string, pod: string, container: string | undefined, options: { readonly command: readonly string[]; readonly tty: boolean; readonly columns?: number; readonly rows?: number }): Promise<ContainerStream>;
  remove(lab: string): Promise<void>;
}

import type { Duplex, Readable } from 'node:stream';
import { LabFailure } from '../../contract/index.ts';
import type { ContainerSummary, Engine } from '../docker/index.ts';
import { findPod, roleOf, type ExistingPod } from './inventory.ts';
import { label } from './labels.ts';

/** A container's output, or a command in it: bytes out and, for commands, bytes in. */
export interface PodStream {
  readonly output: Readable;
  readonly input?: Duplex;
  resize?(columns: number, rows: number): Promise<void>;
  exitCode?(): Promise<number | undefined>;
  close(): void;
}

/** Which container of which pod; the first app container when none is named, `istio-proxy` for a gateway. */
export interface PodTarget {
  readonly lab: string;
  readonly pod: string;
  readonly container?: string | undefined;
}

/** Opens a container's log; `tail` counts lines, 1000 when it is not said. */
export async function podLogs(engine: Engine, target: PodTarget, options: { readonly tail?: number | undefined; readonly follow: boolean }): Promise<PodStream> {
  const container = await targetContainer(engine, target);
  return await engine.logs(container.id, { tail: options.tail ?? 1000, follow: options.follow });
}

/** Runs a command in a container, with a terminal or without. */
export async function podExec(engine: Engine, target: PodTarget, options: { readonly command: readonly string[]; readonly tty: boolean; readonly columns?: number | undefined; readonly rows?: number | undefined }): Promise<PodStream> {
  const { command, tty, columns, rows } = options;
  const container = await targetContainer(engine, target);
  if (container.state !== 'running') throw new LabFailure('pod-failed', `Container ${container.labels[label.container] ?? ''} of pod ${target.pod} is not running (${container.status}).`, { help: 'Its log says why.' });
  const session = await engine.exec(container.id, {
    command, tty, env: tty ? { TERM: 'xterm-256color' } : {}, ...(columns === undefined || rows === undefined ? {} : { size: { columns, rows } }),
  });
  return { output: session.output, input: session.input, resize: (width, height) => session.resize(width, height), exitCode: () => session.exitCode, close: () => { session.close(); } };
}

async function targetContainer(engine: Engine, { lab, pod: name, container }: PodTarget): Promise<ContainerSummary> {
  const pod = await findPod(engine, lab, name);
  const found = container === undefined ? firstOf(pod) : pod.members.find(({ labels }) => labels[label.container] === container);
  if (found !== undefined) return found;
  const names = pod.members.map(({ labels }) => labels[label.container] ?? '');
  throw new LabFailure('pod-not-found', container === undefined ? `Pod ${pod.name} has no container: ${pod.facts.problem ?? 'it is being made'}.` : `Pod ${pod.name} has no container ${container}.`, { help: names.length === 0 ? 'weft status says more.' : `Its containers: ${names.join(', ')}.` });
}

/** The first app container in the manifest's order. */
function firstOf({ facts, members }: ExistingPod): ContainerSummary | undefined {
  const first = facts.containers.find(({ init }) => !init)?.name;
  return members.find(({ labels }) => labels[label.container] === first) ?? members.find((member) => roleOf(member) === 'sidecar');
}

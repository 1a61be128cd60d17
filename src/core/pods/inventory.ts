import { LabFailure } from '../../contract/index.ts';
import type { ContainerSummary, Engine } from '../docker/index.ts';
import { label, readLabel, type ContainerRole, type PodFacts } from './labels.ts';

/** A pod as the engine has it: its facts and its containers. */
export interface ExistingPod {
  /** `namespace/name`. */
  readonly name: string;
  readonly facts: PodFacts;
  readonly hash: string;
  readonly sandbox: ContainerSummary;
  readonly members: readonly ContainerSummary[];
}

/** The pods of a lab, by what the engine says now. Containers without a sandbox come as `strays`. */
export async function inventory(engine: Engine, lab: string): Promise<{ readonly pods: readonly ExistingPod[]; readonly strays: readonly ContainerSummary[] }> {
  const containers = await engine.containers({ [label.lab]: lab, [label.pod]: '' });
  const pods = containers.filter((container) => roleOf(container) === 'sandbox').flatMap((sandbox): ExistingPod[] => {
    const facts = readLabel<PodFacts>(sandbox.labels, label.facts);
    const name = sandbox.labels[label.pod] ?? '';
    return facts === undefined ? [] : [{ name, facts, hash: sandbox.labels[label.hash] ?? '', sandbox, members: containers.filter((other) => other.labels[label.pod] === name && other !== sandbox) }];
  });
  const owned = new Set(pods.flatMap(({ sandbox, members }) => [sandbox, ...members]));
  return { pods, strays: containers.filter((container) => !owned.has(container)) };
}

/** What a container is for. */
export function roleOf(container: ContainerSummary): ContainerRole | undefined {
  const role = container.labels[label.role];
  return role === 'control-plane' || role === 'sandbox' || role === 'sidecar' || role === 'app' || role === 'init' ? role : undefined;
}

/** True when a killed start has left nothing out: every container is there, and those that go on running were started. */
export function isComplete({ facts, members }: ExistingPod): boolean {
  const names = new Set(members.map(({ labels }) => labels[label.container]));
  const started = members.every((member) => member.state !== 'created');
  return started && facts.containers.every(({ name }) => names.has(name)) && (!facts.sidecar || names.has('istio-proxy'));
}

/** A pod by `namespace/name`, by name alone where that is clear, or by its workload's name. Rejects with `pod-not-found`. */
export async function findPod(engine: Engine, lab: string, name: string): Promise<ExistingPod> {
  const { pods } = await inventory(engine, lab);
  const found = pods.find((pod) => pod.name === name) ?? only(pods.filter(({ facts }) => facts.name === name)) ?? pods.find(({ facts }) => facts.workload === name || `${facts.namespace}/${facts.workload}` === name);
  if (found !== undefined) return found;
  const known = pods.map((pod) => pod.name).sort();
  throw new LabFailure('pod-not-found', `Lab ${lab} has no pod ${name}.`, { help: known.length === 0 ? 'The lab has no pods.' : `Its pods: ${known.join(', ')}.` });
}

function only<Item>(items: readonly Item[]): Item | undefined {
  return items.length === 1 ? items[0] : undefined;
}

import { LabFailure, type PodRegistration } from '../../contract/index.ts';
import { podTemplates, withInstalled, type Resource } from '../../manifest/index.ts';
import type { Engine } from '../docker/index.ts';
import type { Registry } from '../images/index.ts';
import { atMost } from './at-most.ts';
import { chooseImages } from './choose-images.ts';
import { labRecord } from './control-plane.ts';
import { desiredPods, imagesOf, requireConsent, type Desired } from './desired.ts';
import { inventory, isComplete, type ExistingPod } from './inventory.ts';
import { findNetwork } from './network.ts';
import { composePods, type ComposedPod } from './compose.ts';
import { removePod, sweepPod } from './remove.ts';
import { recordProblem, startPod } from './start-pod.ts';
import { registrationOf } from './status.ts';

/** What bringing pods in line needs. */
export interface ReconcileOptions {
  /** The runtime image's reference, from `ensureImage`. */
  readonly image: string;
  readonly registry: Registry;
  /** Items agreed to now, besides those that the lab was made with. */
  readonly consent?: readonly string[] | undefined;
  /** Tells the control plane of all pods, before new ones start and after old ones are gone. */
  readonly register: (pods: readonly PodRegistration[]) => Promise<void>;
  /** Resolves when these pods (`namespace/name`) are ready or will not be soon: only then the ones that they replace are removed. */
  readonly ready?: ((pods: readonly string[]) => Promise<void>) | undefined;
  /** Whether a port of 127.0.0.1 is free for the gateway; asks the host when it is not said. */
  readonly isFree?: ((port: number) => Promise<boolean>) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** What was done. */
export interface Reconciled {
  readonly created: readonly string[];
  readonly removed: readonly string[];
  readonly kept: readonly string[];
  /** Pods that could not be made, and why; `listPods` shows them too. */
  readonly problems: readonly { readonly pod: string; readonly failure: LabFailure }[];
}

/** Pods whose containers are made at the same time; more only makes the engine wait for itself. */
const atOnce = 4;
/** Failures that are not one pod's: the whole stops. */
const general: ReadonlySet<string> = new Set(['engine-gone', 'engine-disk-full', 'cancelled', 'port-taken', 'consent-required']);

/**
 * Brings a lab's pods in line with its manifests: makes what is missing, replaces what was made from something else, removes the rest.
 * New pods of a workload start before its old ones go. Rejects when the engine fails or consent is missing; what keeps a single pod from starting is in the result.
 */
export async function reconcilePods(engine: Engine, lab: string, written: readonly Resource[], options: ReconcileOptions): Promise<Reconciled> {
  const resources = withInstalled(written);
  const { signal, onProgress } = options;
  const [record, network, { pods: existing, strays }] = await Promise.all([labRecord(engine, lab), findNetwork(engine, lab), inventory(engine, lab)]);
  const templates = podTemplates(resources);
  const images = await chooseImages(engine, imagesOf(templates), { mode: record.images, registry: options.registry, standing: standing(existing), signal, onProgress });
  const { missing, kept, surplus } = difference(desiredPods(resources, templates, images), existing);
  requireConsent(missing.map(({ desired }) => desired), [...record.consent, ...options.consent ?? []]);
  await Promise.all(strays.map(({ id }) => engine.removeContainer(id)));

  // Pods that keep their name (StatefulSet, bare Pod) and the gateway with its ports cannot run beside the ones that they replace.
  const composed = await composePods(missing, { lab, network, record, runtime: options.image, resources, images, existing, isFree: options.isFree });
  const names = new Set(composed.map(({ name }) => name));
  const [early, late] = partition(surplus, (pod) => names.has(pod.name) || pod.facts.kind === 'gateway' || pod.facts.problem !== undefined);
  await Promise.all(early.map((pod) => removePod(engine, lab, pod)));
  const stay = [...kept, ...late].map(({ facts, sandbox }) => registrationOf(facts, sandbox.state === 'running'));
  await options.register([...stay, ...composed.map(({ start }) => registrationOf(start.facts, true))]);

  const problems: { pod: string; failure: LabFailure }[] = [];
  let started = 0;
  const finish = await atMost(atOnce, composed, async (pod) => {
    const rest = await guarded(engine, lab, pod, problems, async () => {
      if ('failure' in pod) throw pod.failure;
      return await startAnywhere(engine, lab, pod, signal);
    });
    onProgress?.(`${++started} of ${composed.length} pods started`);
    return rest;
  });
  await Promise.all(finish.map(async (rest, index) => (rest === undefined ? undefined : await guarded(engine, lab, composed[index] as ComposedPod, problems, rest, true))));

  const failed = new Set(problems.map(({ pod }) => pod));
  if (late.length > 0) await options.ready?.(composed.map(({ name }) => name).filter((name) => !failed.has(name)));
  if (late.length > 0 || failed.size > 0) {
    await options.register([...kept.map(({ facts, sandbox }) => registrationOf(facts, sandbox.state === 'running')), ...composed.filter(({ name }) => !failed.has(name)).map(({ start }) => registrationOf(start.facts, true))]);
  }
  await Promise.all(late.map((pod) => removePod(engine, lab, pod)));
  return { created: composed.map(({ name }) => name), removed: surplus.map(({ name }) => name), kept: kept.map(({ name }) => name), problems };
}

/** A pod to be made: the how-many-th of its group. */
export interface Missing {
  readonly desired: Desired;
  readonly ordinal: number;
}

/** What is to be made, what stays, what goes. Pods with a problem, and those that a killed start has left incomplete, go. Pure. */
export function difference(desired: readonly Desired[], existing: readonly ExistingPod[]): { readonly missing: readonly Missing[]; readonly kept: readonly ExistingPod[]; readonly surplus: readonly ExistingPod[] } {
  const free = new Set(existing.filter((pod) => pod.facts.problem === undefined && isComplete(pod)));
  const missing: Missing[] = [];
  const kept: ExistingPod[] = [];
  for (const group of desired) {
    const fitting = [...free].filter(({ facts, hash }) => hash === group.hash && facts.workload === group.workload && facts.namespace === group.namespace).slice(0, group.replicas);
    for (const pod of fitting) { free.delete(pod); kept.push(pod); }
    const taken = new Set(fitting.map(({ facts }) => facts.name));
    for (let ordinal = 0, count = fitting.length; count < group.replicas; ordinal++) {
      // A StatefulSet's pods are known by their numbers; one that stays keeps its own.
      if (group.template?.kind === 'StatefulSet' && taken.has(`${group.workload}-${ordinal}`)) continue;
      missing.push({ desired: group, ordinal });
      count++;
    }
  }
  const stays = new Set(kept);
  return { missing, kept, surplus: existing.filter((pod) => !stays.has(pod)) };
}

/** A pod whose preferred host ports were taken in the meantime gets any free ones. */
async function startAnywhere(engine: Engine, lab: string, { name, start }: ComposedPod, signal: AbortSignal | undefined): Promise<() => Promise<void>> {
  try {
    return await startPod(engine, start, signal);
  } catch (error) {
    if (!(error instanceof LabFailure) || error.code !== 'port-taken' || start.publish.every(({ host }) => host === 0)) throw error;
    await sweepPod(engine, lab, name);
    return await startPod(engine, { ...start, publish: start.publish.map((port) => ({ ...port, host: 0 })) }, signal);
  }
}

function standing(existing: readonly ExistingPod[]): ReadonlySet<string> {
  return new Set(existing.flatMap(({ facts }) => facts.containers.filter(({ standIn }) => standIn !== undefined).map(({ image }) => image)));
}

/** Runs one pod's step; its failure is noted (the engine remembers it too) unless it is everybody's. */
async function guarded<Result>(engine: Engine, lab: string, pod: ComposedPod, problems: { pod: string; failure: LabFailure }[], run: () => Promise<Result>, keep = false): Promise<Result | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof LabFailure) || general.has(error.code)) throw error;
    problems.push({ pod: pod.name, failure: error });
    // A pod whose init containers fail stays, with its logs.
    if (keep) return undefined;
    await sweepPod(engine, lab, pod.name);
    await recordProblem(engine, pod.start, [error.message, error.help].filter((text) => text !== undefined).join(' '));
    return undefined;
  }
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): readonly [readonly Item[], readonly Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

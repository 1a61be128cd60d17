import type { Engine } from '../docker/index.ts';
import { imageLabel } from '../images/index.ts';
import { atMost } from './at-most.ts';
import type { ExistingPod } from './inventory.ts';
import { label } from './labels.ts';

/** How often a sweep looks whether something is left: another program may have been starting something. */
const passes = 5;

/** Removes everything of a lab: containers, volumes, networks. Content when there is nothing, so it can be repeated after any failure. */
export async function removeLab(engine: Engine, lab: string): Promise<void> {
  for (let pass = 0; pass < passes; pass++) {
    const containers = await engine.containers({ [label.lab]: lab });
    // Sandboxes last: their networks carry the others.
    const sandboxes = containers.filter(({ labels }) => labels[label.role] === 'sandbox');
    const others = containers.filter((container) => !sandboxes.includes(container));
    await atMost(8, others, ({ id }) => engine.removeContainer(id));
    await atMost(8, sandboxes, ({ id }) => engine.removeContainer(id));
    const [volumes, networks] = await Promise.all([engine.volumes({ [label.lab]: lab }), engine.networks()]);
    const own = networks.filter(({ labels }) => labels[label.lab] === lab);
    await Promise.all([...volumes.map(({ name }) => engine.removeVolume(name)), ...own.map(({ id }) => engine.removeNetwork(id))]);
    if (containers.length + volumes.length + own.length === 0) return;
  }
}

/** Removes what a killed making of an image left behind, and every lab. */
export async function removeAll(engine: Engine, labs: readonly string[]): Promise<void> {
  for (const lab of labs) await removeLab(engine, lab);
  for (const { id } of await engine.containers({ [imageLabel]: 'build' })) await engine.removeContainer(id);
}

/** Removes one pod: its programs are asked to end and given `seconds`, its proxy as long as it was told to drain; then all of it goes, volumes included. */
export async function removePod(engine: Engine, lab: string, pod: Pick<ExistingPod, 'name' | 'sandbox' | 'members'>, seconds = 3): Promise<void> {
  const running = pod.members.filter(({ state }) => state === 'running');
  if (seconds > 0) await Promise.all(running.map(({ id, labels }) => engine.stopContainer(id, labels[label.role] === 'sidecar' ? undefined : seconds)));
  await Promise.all(pod.members.map(({ id }) => engine.removeContainer(id)));
  await engine.removeContainer(pod.sandbox.id);
  await removePodVolumes(engine, lab, pod.name);
}

/** Removes whatever carries a pod's name, for pods whose start has failed half-way. */
export async function sweepPod(engine: Engine, lab: string, name: string): Promise<void> {
  for (const { id } of await engine.containers({ [label.lab]: lab, [label.pod]: name })) await engine.removeContainer(id);
  await removePodVolumes(engine, lab, name);
}

async function removePodVolumes(engine: Engine, lab: string, name: string): Promise<void> {
  for (const volume of await engine.volumes({ [label.lab]: lab, [label.pod]: name })) await engine.removeVolume(volume.name);
}

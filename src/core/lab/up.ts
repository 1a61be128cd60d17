import { LabFailure, type PodStatus, type UpRequest } from '../../contract/index.ts';
import type { ControlClient } from '../control/connect.ts';
import type { Backend, LabPlan } from './backend.ts';
import { requireRunnable } from './manifests.ts';
import type { Progress } from './operations.ts';

/** The steps of starting a lab, in order. */
export const upSteps = [
  { id: 'manifests', title: 'Read the manifests' },
  { id: 'image', title: 'Prepare the image' },
  { id: 'control-plane', title: 'Start the control plane' },
  { id: 'pods', title: 'Start the pods' },
  { id: 'ready', title: 'Wait until all pods are ready' },
] as const;

/** How long pods may take to be ready; images that are pulled are not counted in. */
const readyTimeout = 180_000;

/** Starts a lab; when it fails or is cancelled, what it had started is removed. */
export async function runUp(backend: Backend, request: UpRequest, progress: Progress, connect: (lab: string) => Promise<ControlClient>): Promise<void> {
  const { lab, files, images = 'auto', consent = [] } = request;
  const resources = await progress.step('manifests', async (detail) => {
    const found = requireRunnable(files, consent);
    detail(`${found.length} resources in ${files.length} ${files.length === 1 ? 'file' : 'files'}`);
    return found;
  });
  if ((await backend.labs()).some((other) => other.name === lab)) await makeRoom(backend, lab, connect);
  const plan: LabPlan = { lab, files, resources, images, consent };
  try {
    await progress.step('image', (detail) => backend.prepareImage({ signal: progress.signal, detail }));
    const control = await progress.step('control-plane', async (detail) => {
      const { virtualIpCidr } = await backend.startControlPlane(plan, { signal: progress.signal, detail });
      const connected = await connect(lab);
      await connected.setNetwork({ virtualIpCidr });
      const { applied, diagnostics } = await connected.setFiles(files);
      if (!applied) throw new LabFailure('manifest-invalid', 'The control plane rejects the manifests.', { diagnostics });
      return connected;
    });
    await progress.step('pods', (detail) => backend.reconcile(lab, resources, control, { signal: progress.signal, detail }, consent));
    await progress.step('ready', (detail) => untilReady(backend, lab, control, progress.signal, detail));
  } catch (error) {
    await backend.remove(lab);
    throw error;
  }
}

/** A lab of that name that answers stays; what a killed start has left is removed. */
async function makeRoom(backend: Backend, lab: string, connect: (lab: string) => Promise<ControlClient>): Promise<void> {
  const files = await connect(lab).then((control) => control.files(), () => []);
  if (files.length > 0) throw new LabFailure('lab-exists', `A lab named ${lab} is there already.`, { help: `Change it with weft apply, remove it with weft down --name ${lab}, or choose another --name.` });
  await backend.remove(lab);
}

async function untilReady(backend: Backend, lab: string, control: ControlClient, signal: AbortSignal, detail: (text: string) => void): Promise<void> {
  const deadline = Date.now() + readyTimeout;
  let last: readonly PodStatus[] = [];
  const wake = createWake();
  const stops = [control.on('status', wake.now), await backend.watch(lab, wake.now)];
  signal.addEventListener('abort', wake.now);
  try {
    for (;;) {
      signal.throwIfAborted();
      const [pods, { readiness }] = await Promise.all([backend.pods(lab), control.status()]);
      last = pods.filter((pod) => !(readiness[`${pod.namespace}/${pod.name}`]?.ready ?? pod.ready));
      detail(`${pods.length - last.length} of ${pods.length}`);
      const failed = pods.find((pod) => pod.phase === 'Failed');
      if (failed !== undefined) throw new LabFailure('pod-failed', `Pod ${failed.name} failed: ${failed.message ?? 'see its log'}.`, { help: 'The container ended and will not be started again. Run it by itself to see why.' });
      if (last.length === 0) return;
      if (Date.now() > deadline) throw new LabFailure('timeout', `Not ready after ${readyTimeout / 1000} s: ${last.map((pod) => `${pod.name} (${readiness[`${pod.namespace}/${pod.name}`]?.message ?? pod.message ?? pod.phase})`).join(', ')}.`, { help: 'Read their logs; a readiness probe may never succeed.' });
      await wake.wait(1000);
    }
  } finally {
    signal.removeEventListener('abort', wake.now);
    for (const stop of stops) stop();
  }
}

/** Waits for a nudge, at most so long. */
function createWake(): { now(): void; wait(milliseconds: number): Promise<void> } {
  let nudge: (() => void) | undefined;
  return {
    now: () => nudge?.(),
    wait: (milliseconds) => new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      nudge = () => { clearTimeout(timer); nudge = undefined; resolve(); };
    }),
  };
}

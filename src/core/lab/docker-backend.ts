import { LabFailure } from '../../contract/index.ts';
import { parseManifests } from '../../manifest/index.ts';
import type { ControlClient } from '../control/connect.ts';
import type { Engine } from '../docker/index.ts';
import { ensureImage, rememberRegistries, type BundleSource } from '../images/index.ts';
import {
  createLab, findPod, ingress, keepPods, labRecord, labs, listPods, openControl, podExec, podLogs, reconcilePods, removeLab, removePod, watchLab,
} from '../pods/index.ts';
import type { checkMachine } from '../preflight/index.ts';
import type { Backend } from './backend.ts';

/** What the Docker backend needs: a way to the engine, and the bundle that the lab's containers run. */
export interface DockerBackendOptions {
  /** Finds and connects to the engine anew; rejects with `engine-not-found`. */
  readonly engine: () => Promise<Engine>;
  readonly preflight: () => ReturnType<typeof checkMachine>;
  readonly bundle: BundleSource;
}

/** Pods that replace others may take this long to be ready before the old ones go all the same, in milliseconds. */
const replacementTimeout = 60_000;

/** The lab on a container engine. The connection is made at the first call and made anew when the engine had gone. */
export function dockerBackend(options: DockerBackendOptions): Backend {
  const registry = rememberRegistries();
  let connected: Promise<Engine> | undefined;
  const engine = (): Promise<Engine> => {
    const current = connected ??= options.engine();
    current.catch(() => { if (connected === current) connected = undefined; });
    return current;
  };
  const image = async (work: { signal?: AbortSignal; detail?: (text: string) => void } = {}): Promise<string> =>
    (await ensureImage(await engine(), options.bundle, { registry, signal: work.signal, onProgress: work.detail })).reference;

  return {
    preflight: () => options.preflight(),
    labs: async () => {
      try {
        return await labs(await engine());
      } catch (error) {
        if (error instanceof LabFailure && error.code === 'engine-not-found') return [];
        throw error;
      }
    },
    prepareImage: async (work) => {
      const { made, took } = await ensureImage(await engine(), options.bundle, { registry, signal: work.signal, onProgress: (text) => { work.detail(text); } });
      work.detail(made === 'nothing' ? 'ready' : `made the ${made} in ${(took / 1000).toFixed(1)} s`);
    },
    startControlPlane: async ({ lab, images, consent }, work) => {
      const { network, ...address } = await createLab(await engine(), { lab, image: await image(work), images, consent }, (text) => { work.detail(text); }, work.signal);
      return { address, virtualIpCidr: network.virtualIps };
    },
    control: async (lab) => {
      try {
        return await openControl(await engine(), lab);
      } catch (error) {
        if (error instanceof LabFailure && error.code === 'lab-not-found') return undefined;
        throw error;
      }
    },
    reconcile: async (lab, resources, control, work, consent) => {
      const { problems } = await reconcilePods(await engine(), lab, resources, {
        image: await image(work), registry, consent, signal: work.signal, onProgress: (text) => { work.detail(text); },
        register: (pods) => control.setPods(pods), ready: (pods) => untilReported(control, pods, work.signal),
      });
      const [first] = problems;
      if (first !== undefined) throw first.failure;
    },
    pods: async (lab) => await listPods(await engine(), lab),
    ingress: async (lab) => await ingress(await engine(), lab),
    images: async (lab) => ((await labRecord(await engine(), lab)).images === 'stand-in' || (await listPods(await engine(), lab)).some((pod) => pod.containers.some((container) => container.standIn !== undefined)) ? 'stand-in' : 'pull'),
    watch: async (lab, changed, control) => {
      const keeper = control === undefined ? undefined : keepPods(await engine(), lab, control);
      const stop = watchLab(await engine(), lab, changed, (event) => { keeper?.heard(event); });
      return () => {
        stop();
        keeper?.stop();
      };
    },
    restartPod: async (lab, name, control) => {
      const found = await findPod(await engine(), lab, name);
      await removePod(await engine(), lab, found);
      const { resources } = parseManifests(await control.files());
      const { problems } = await reconcilePods(await engine(), lab, resources, { image: await image(), registry, register: (pods) => control.setPods(pods) });
      const [first] = problems;
      if (first !== undefined) throw first.failure;
    },
    logs: async (lab, pod, container, { tail, follow }) => await podLogs(await engine(), { lab, pod, container }, { tail, follow }),
    exec: async (lab, pod, container, request) => await podExec(await engine(), { lab, pod, container }, request),
    remove: async (lab) => { await removeLab(await engine(), lab); },
  };
}

/** Resolves when the pods' proxies have reported them ready, or after a while, or when the work is cancelled. */
async function untilReported(control: ControlClient, pods: readonly string[], signal: AbortSignal): Promise<void> {
  const ready = (readiness: Readonly<Record<string, { readonly ready: boolean }>>): boolean => pods.every((pod) => readiness[pod]?.ready === true);
  if (ready((await control.status()).readiness)) return;
  await new Promise<void>((resolve) => {
    const finish = (): void => { clearTimeout(timer); stop(); signal.removeEventListener('abort', finish); resolve(); };
    const timer = setTimeout(finish, replacementTimeout);
    const stop = control.on('status', ({ readiness }) => { if (ready(readiness)) finish(); });
    signal.addEventListener('abort', finish);
  });
}

import { LabFailure, defaultDrain, proxyReadyLine, proxyUid, type SidecarSettings } from '../../contract/index.ts';
import type { ContainerSpec, Engine, PublishedPort } from '../docker/index.ts';
import { containerName } from './names.ts';
import { label, podLabels, type ContainerRole, type PodFacts } from './labels.ts';
import type { LabNetwork } from './network.ts';
import type { ContainerPlan, PodPlan } from './plan.ts';
import { sandboxProcess, sandboxReady } from './sandbox.ts';
import { saysReady } from './output-line.ts';
import { rootArchive, volumesArchive } from './archive.ts';
import { sidecarNode } from './sidecar-node.ts';

/** A pod as it is to be started. */
export interface PodToStart {
  readonly lab: string;
  readonly network: LabNetwork;
  /** The runtime image's reference. */
  readonly runtime: string;
  readonly facts: PodFacts;
  readonly hash: string;
  /** `undefined` for gateways, which have a proxy only. */
  readonly plan: PodPlan | undefined;
  readonly sidecar: SidecarSettings | undefined;
  /** Names that other containers of the network find the pod by. */
  readonly aliases: readonly string[];
  readonly hostname: string;
  readonly publish: readonly PublishedPort[];
  readonly hostNetwork: boolean;
  /** The containers of the application wait for the proxy. */
  readonly hold: boolean;
  readonly hostNamespaces?: { readonly pid: boolean; readonly ipc: boolean };
}

/** Where a sandbox has its pod's volumes, to fill them. */
const volumesFolder = '/volumes';
const mebibyte = 1024 * 1024;
const proxyPatience = 60_000;
/** Attempts of an init container before the pod counts as failed, and milliseconds between them. */
const initAttempts = { count: 3, pause: 1000, longest: 120_000 };

/** Makes and starts a pod's containers. Resolves with what is left to do when the rest runs: the init containers and then the apps, where there are init containers or the apps wait for the proxy. */
export async function startPod(engine: Engine, pod: PodToStart, signal?: AbortSignal): Promise<() => Promise<void>> {
  const name = `${pod.facts.namespace}/${pod.facts.name}`;
  await createVolumes(engine, pod);
  const sandbox = await engine.createContainer(sandboxSpec(pod, name));
  const starting = startSandbox(engine, pod, sandbox, signal);
  // A failure below must not leave this promise without a listener.
  starting.catch(() => undefined);
  const [proxy, init, apps] = await Promise.all([
    pod.sidecar === undefined ? undefined : engine.createContainer(sidecarSpec(pod, pod.sidecar, name)),
    Promise.all((pod.plan?.init ?? []).map((plan) => createMember(engine, pod, plan, 'init', name))),
    Promise.all((pod.plan?.apps ?? []).map((plan) => createMember(engine, pod, plan, 'app', name))),
  ]);
  await starting;
  signal?.throwIfAborted();
  const startApps = async (): Promise<void> => { await Promise.all(apps.map((id) => engine.startContainer(id))); };
  const since = Date.now() - 2000;
  const waits = init.length > 0 || (pod.hold && proxy !== undefined);
  await Promise.all([proxy === undefined ? undefined : engine.startContainer(proxy), waits ? undefined : startApps()]);
  return async () => {
    if (!waits) return;
    for (const id of init) await runInit(engine, id, name, signal);
    if (pod.hold && proxy !== undefined) await proxyReady(engine, proxy, since, signal);
    await startApps();
  };
}

/** Remembers on the engine a pod that could not be made, so that whoever looks sees why. */
export async function recordProblem(engine: Engine, pod: PodToStart, problem: string): Promise<void> {
  const facts: PodFacts = { ...pod.facts, problem: problem.slice(0, 2000) };
  await engine.createContainer({ ...sandboxSpec({ ...pod, facts, plan: undefined, publish: [], hostNetwork: false, aliases: [] }, `${facts.namespace}/${facts.name}`), network: 'none' });
}

async function startSandbox(engine: Engine, pod: PodToStart, id: string, signal: AbortSignal | undefined): Promise<void> {
  const volumes = (pod.plan?.volumes ?? []).filter(({ memory }) => !memory);
  if (volumes.length > 0) await engine.putArchive(id, volumesFolder, volumesArchive(volumes));
  const since = Date.now() - 2000;
  await engine.startContainer(id);
  if (captured(pod)) await sandboxReady(engine, id, since, signal);
}

/** Waits for the proxy; a proxy that does not get ready is a failure of the pod, as with Istio's hook. */
async function proxyReady(engine: Engine, id: string, since: number, signal: AbortSignal | undefined): Promise<void> {
  const said = await saysReady(engine, id, proxyReadyLine, { since, patience: proxyPatience }, signal);
  if (said !== undefined) throw new LabFailure('pod-failed', `The proxy was not ready within ${proxyPatience / 1000} s, and holdApplicationUntilProxyStarts is set: ${said.trim().slice(-300)}`);
}

/** Capture is for sidecars; gateways are called directly. */
function captured(pod: PodToStart): boolean {
  return pod.sidecar !== undefined && pod.plan !== undefined && !pod.hostNetwork;
}

function sandboxSpec(pod: PodToStart, name: string): ContainerSpec {
  return {
    ...base(pod, name, 'sandbox', 'sandbox'),
    labels: { ...podLabels(pod.lab, name, 'sandbox', 'sandbox', pod.hash), [label.facts]: JSON.stringify(pod.facts) },
    image: pod.runtime, ...sandboxProcess(captured(pod) ? pod.plan?.capture : undefined),
    network: pod.hostNetwork ? 'host' : { name: pod.network.name, aliases: pod.aliases, ip: pod.facts.ip },
    ...(pod.hostNetwork ? {} : {
      hostname: pod.hostname, publish: pod.publish, extraHosts: pod.plan?.hosts ?? [], sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
      dnsSearch: [`${pod.facts.namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local'],
    }),
    mounts: (pod.plan?.volumes ?? []).map((volume) => ({ volume: volumeName(pod, volume.name), target: volumeFolder(volume.name), readOnly: false })),
    noNewPrivileges: true, memoryBytes: 128 * mebibyte, pids: 64, restart: 'always',
  };
}

function sidecarSpec(pod: PodToStart, settings: SidecarSettings, name: string): ContainerSpec {
  return {
    ...base(pod, name, 'sidecar', 'istio-proxy'), image: pod.runtime, entrypoint: ['node', ...sidecarNode.flags, '/weft/main.mjs'], command: ['sidecar'], env: { ...sidecarNode.env, WEFT: JSON.stringify(settings) },
    user: `${proxyUid}:${proxyUid}`, capabilities: [], noNewPrivileges: true, readOnlyRoot: true, tmpfs: { '/tmp': 16 * mebibyte },
    memoryBytes: 512 * mebibyte, pids: 256, restart: 'always', stopSeconds: stopSeconds(pod, settings),
  };
}

/** A moment longer than the proxy takes by itself; one that waits for its connections has what the pod has. */
function stopSeconds({ plan }: PodToStart, { drain = defaultDrain }: SidecarSettings): number {
  return drain.untilNoConnections ? plan?.apps[0]?.spec.stopSeconds ?? 30 : Math.ceil(drain.termination) + 1;
}

async function createMember(engine: Engine, pod: PodToStart, plan: ContainerPlan, role: ContainerRole, name: string): Promise<string> {
  const mounts = (plan.spec.mounts ?? []).map((mount) => ({ ...mount, volume: volumeName(pod, mount.volume) }));
  const id = await engine.createContainer({ ...base(pod, name, role, plan.facts.name), ...plan.spec, mounts, ...(pod.hostNamespaces === undefined ? {} : { hostNamespaces: pod.hostNamespaces }) });
  if (plan.copies.length > 0) await engine.putArchive(id, '/', rootArchive(plan.copies));
  return id;
}

function base(pod: PodToStart, name: string, role: ContainerRole, container: string): Pick<ContainerSpec, 'name' | 'labels' | 'network'> {
  return {
    name: containerName(pod.lab, name, container), labels: podLabels(pod.lab, name, role, container, pod.hash),
    network: { container: containerName(pod.lab, name, 'sandbox') },
  };
}

async function createVolumes(engine: Engine, pod: PodToStart): Promise<void> {
  await Promise.all((pod.plan?.volumes ?? []).map(({ name, memory, sizeBytes, mode }) => engine.createVolume({
    name: volumeName(pod, name), labels: { [label.lab]: pod.lab, [label.pod]: `${pod.facts.namespace}/${pod.facts.name}` },
    ...(memory ? { memory: { bytes: sizeBytes, mode: mode.toString(8) } } : {}),
  })));
}

function volumeName(pod: PodToStart, volume: string): string {
  return containerName(pod.lab, `${pod.facts.namespace}/${pod.facts.name}`, `volume-${volume}`);
}

function volumeFolder(volume: string): string {
  return `${volumesFolder}/${volume}`;
}

/** Runs an init container to its end, again when it fails; a pod whose init container goes on failing is failed. */
async function runInit(engine: Engine, id: string, pod: string, signal: AbortSignal | undefined): Promise<void> {
  const limit = AbortSignal.timeout(initAttempts.longest);
  for (let attempt = 1; ; attempt++) {
    await engine.startContainer(id);
    const code = await engine.waitContainer(id, signal === undefined ? limit : AbortSignal.any([signal, limit]));
    if (code === 0) return;
    if (attempt === initAttempts.count) throw new LabFailure('pod-failed', `An init container of pod ${pod} ended with ${code}, ${attempt} times.`, { help: 'Its log says why.' });
    await new Promise((resolve) => { setTimeout(resolve, initAttempts.pause * attempt); });
  }
}

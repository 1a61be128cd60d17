import { LabFailure, type ControlApi, type ControlEvents, type Probe } from '../../contract/index.ts';
import { startProbes, unknown, type ContainerNews, type Found, type Prober } from '../../util/prober.ts';
import type { ContainerInfo, Engine, EngineEvent } from '../docker/index.ts';
import { findPod, inventory, roleOf, type ExistingPod } from './inventory.ts';
import { label } from './labels.ts';
import { restartContainer } from './restart-container.ts';
import { RestartPauses } from './restart-pauses.ts';
import { runProbe } from './run-probe.ts';

/** What a keeper hears from the control plane, and tells it. */
export interface KeeperControl extends Pick<ControlApi, 'probed' | 'containerNews'> {
  on<Name extends 'probe' | 'restart'>(event: Name, listener: ControlEvents[Name]): () => void;
}

/** Does for a lab's pods what the kubelet does and only the engine can: runs the commands of probes, restarts containers, tells of those that start and end. */
export interface Keeper {
  /** The engine has said something of one of the lab's containers; `undefined` when it may have said what nobody heard. */
  heard(event: EngineEvent | undefined): void;
  stop(): void;
}

const clock = {
  after(milliseconds: number, run: () => void): () => void {
    const timer = setTimeout(run, milliseconds);
    return () => { clearTimeout(timer); };
  },
};

/**
 * Keeps a lab's pods. Sidecars decide when a probe is due and what its results mean; for pods without one the probes by command are run from here.
 * Source: kubernetes.io, "Pod Lifecycle", container probes.
 */
export function keepPods(engine: Engine, lab: string, control: KeeperControl, now: () => number = Date.now): Keeper {
  /** Probes of pods without a sidecar, by the id of their sandbox. */
  const plain = new Map<string, { readonly pod: string; readonly prober: Prober }>();
  /** Commands and restarts under way: neither is begun twice. */
  const busy = new Set<string>();
  const pauses = new RestartPauses();
  let stopped = false;

  /** Expected failures (the engine or the control plane is gone, the pod is being removed) leave it to the next time. */
  const attempt = (work: () => Promise<void>): void => {
    work().catch((error: unknown) => { if (!(error instanceof LabFailure)) throw error; });
  };
  const once = async <Result, Otherwise>(what: string, otherwise: Otherwise, run: () => Promise<Result>): Promise<Result | Otherwise> => {
    if (busy.has(what)) return otherwise;
    busy.add(what);
    try { return await run(); } finally { busy.delete(what); }
  };
  const run = async (pod: ExistingPod, probe: Pick<Probe, 'container' | 'kind'>): Promise<Found> => {
    const known = pod.facts.commands?.find(({ container, kind }) => container === probe.container && kind === probe.kind);
    const id = idOf(pod, probe.container);
    if (known === undefined || !('exec' in known.action) || id === undefined) return unknown;
    const { command } = known.action.exec;
    return await once(`${id} ${probe.kind}`, unknown, () => runProbe(engine, id, command, known));
  };
  const restart = async (pod: ExistingPod, container: string, grace: number | undefined): Promise<void> => {
    const id = idOf(pod, container);
    // A container that is asked for too early goes on as it is, not ready: its probe asks again for as long as it fails.
    if (id === undefined || !pauses.due(id, now())) return;
    const restarts = await once(`${id} restart`, undefined, () => restartContainer(engine, id, grace));
    if (restarts !== undefined) pauses.restarted(id, now());
    const news = restarts === undefined ? undefined : await newsOf(engine, id);
    if (news !== undefined && restarts !== undefined) await control.containerNews(pod.name, { ...news, restarts });
  };
  const tell = async (pod: string, id: string): Promise<void> => {
    const news = await newsOf(engine, id);
    if (news === undefined || stopped) return;
    for (const watched of plain.values()) if (watched.pod === pod) watched.prober.heard(news);
    await control.containerNews(pod, news);
  };
  const look = async (): Promise<void> => {
    const { pods } = await inventory(engine, lab);
    if (stopped) return;
    const there = new Set(pods.map(({ sandbox }) => sandbox.id));
    for (const [id, { prober }] of plain) {
      if (there.has(id)) continue;
      prober.stop();
      plain.delete(id);
    }
    for (const pod of pods) {
      const probes = pod.facts.sidecar ? [] : (pod.facts.commands ?? []).filter(({ kind }) => kind !== 'readiness');
      if (probes.length === 0 || plain.has(pod.sandbox.id)) continue;
      plain.set(pod.sandbox.id, {
        pod: pod.name,
        prober: startProbes({ probes, clock, attempt: (probe) => run(pod, probe), changed: () => undefined, failed: ({ container, grace }) => { attempt(() => restart(pod, container, grace)); } }),
      });
    }
    await Promise.all(pods.flatMap(({ name, members }) => members.filter((member) => roleOf(member) === 'app' && member.state !== 'created').map(({ id }) => tell(name, id))));
  };

  const stops = [
    control.on('probe', ({ proxy, id, container, kind }) => {
      attempt(async () => {
        const found = await run(await findPod(engine, lab, proxy), { container, kind });
        if (found !== unknown && !stopped) await control.probed(proxy, { id, problem: found ?? null });
      });
    }),
    control.on('restart', ({ proxy, container, grace }) => { attempt(async () => { await restart(await findPod(engine, lab, proxy), container, grace); }); }),
  ];
  attempt(look);
  return {
    heard(event) {
      if (stopped) return;
      if (event === undefined) attempt(look);
      else if (event.action !== 'start' && event.action !== 'die') return;
      else if (event.labels[label.role] === 'app') attempt(() => tell(event.labels[label.pod] ?? '', event.id));
      else if (event.labels[label.role] === 'sandbox' && event.action === 'start') attempt(look);
    },
    stop() {
      stopped = true;
      for (const stop of stops) stop();
      for (const { prober } of plain.values()) prober.stop();
    },
  };
}

function idOf({ members }: ExistingPod, container: string): string | undefined {
  return members.find((member) => roleOf(member) === 'app' && member.labels[label.container] === container)?.id;
}

async function newsOf(engine: Engine, id: string): Promise<ContainerNews | undefined> {
  const info = await engine.container(id);
  return info === undefined || info.started === 0 || completed(info) ? undefined : { name: info.labels[label.container] ?? '', running: info.state === 'running', started: info.started };
}

/** Has done what it was there for; a pod is no less ready for it. */
function completed({ state, exitCode, restart }: ContainerInfo): boolean {
  return state === 'exited' && exitCode === 0 && restart !== 'always';
}

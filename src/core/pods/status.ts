import type { ContainerStatus, IngressPort, LabSummary, PodRegistration, PodStatus } from '../../contract/index.ts';
import type { ContainerInfo, ContainerSummary, Engine } from '../docker/index.ts';
import { portName } from './gateway.ts';
import { inventory, roleOf, type ExistingPod } from './inventory.ts';
import { label, type PodFacts } from './labels.ts';

/** The pods of a lab and how their containers are, by what the engine says now. `ready` is the engine's view; what proxies report goes over it. */
export async function listPods(engine: Engine, lab: string): Promise<readonly PodStatus[]> {
  const { pods } = await inventory(engine, lab);
  return await Promise.all(pods.map((pod) => podStatus(engine, pod)));
}

/** What a lab's control plane has to know of its pods; `ready` counts for those without a proxy. */
export function registrationOf(facts: PodFacts, ready: boolean): PodRegistration {
  const { problem: _problem, containers: _containers, commands: _commands, ...registration } = facts;
  return { ...registration, ready };
}

/** All labs that the engine has something of, by label; leftovers of a killed start count as failed labs, so that they can be removed. */
export async function labs(engine: Engine): Promise<readonly LabSummary[]> {
  const [containers, networks, volumes] = await Promise.all([engine.containers({ [label.lab]: '' }), engine.networks(), engine.volumes({ [label.lab]: '' })]);
  const names = new Set([...containers, ...networks, ...volumes].flatMap(({ labels }) => labels[label.lab] ?? []));
  return [...names].sort().map((name) => summary(name, containers.filter(({ labels }) => labels[label.lab] === name)));
}

/** The ports of gateways on 127.0.0.1. */
export async function ingress(engine: Engine, lab: string): Promise<readonly IngressPort[]> {
  const { pods } = await inventory(engine, lab);
  const ports = pods.filter(({ facts, sandbox }) => facts.kind === 'gateway' && sandbox.state === 'running').flatMap(({ facts, sandbox }) => sandbox.ports.map((port) => ({ ...port, gateway: `${facts.namespace}/${facts.workload}` })));
  return ports.map(({ container, host, gateway }) => ({ name: portName(container), port: container, hostPort: host, gateway })).sort((a, b) => a.port - b.port);
}

function summary(name: string, containers: readonly ContainerSummary[]): LabSummary {
  const sandboxes = containers.filter((container) => roleOf(container) === 'sandbox');
  const running = (pod: string | undefined): boolean => containers.filter(({ labels }) => labels[label.pod] === pod).every((container) => container.state === 'running' || roleOf(container) === 'init');
  const ready = sandboxes.filter(({ labels }) => running(labels[label.pod])).length;
  const control = containers.find((container) => roleOf(container) === 'control-plane');
  const phase = control === undefined ? 'failed' : control.state !== 'running' || ready < sandboxes.length ? 'degraded' : 'running';
  return { name, phase, pods: sandboxes.length, ready };
}

async function podStatus(engine: Engine, pod: ExistingPod): Promise<PodStatus> {
  const { facts, sandbox, members } = pod;
  const infos = new Map(await Promise.all(members.map(async (member) => [member.labels[label.container] ?? '', await engine.container(member.id)] as const)));
  const apps = facts.containers.filter(({ init }) => !init);
  const statuses = [
    ...facts.containers.filter(({ name, init }) => !init || infos.get(name)?.state !== 'exited' || infos.get(name)?.exitCode !== 0)
      .map((container) => containerStatus(container.name, container.image, container.standIn, infos.get(container.name))),
    ...(facts.sidecar ? [containerStatus('istio-proxy', members.find((member) => roleOf(member) === 'sidecar')?.image ?? '', undefined, infos.get('istio-proxy'))] : []),
  ];
  const up = (name: string): boolean => infos.get(name)?.state === 'running' && infos.get(name)?.health !== 'unhealthy' && infos.get(name)?.health !== 'starting';
  const all = apps.every(({ name }) => up(name)) && (!facts.sidecar || up('istio-proxy')) && sandbox.state === 'running';
  const { phase, message } = phaseOf(pod, infos);
  return {
    name: facts.name, namespace: facts.namespace, workload: facts.workload, app: facts.labels['app'] ?? facts.labels['app.kubernetes.io/name'] ?? facts.workload,
    version: facts.labels['version'] ?? facts.labels['app.kubernetes.io/version'] ?? 'latest', ip: facts.ip, kind: facts.kind, sidecar: facts.sidecar,
    phase, ready: all && phase === 'Running', ...(message === undefined ? {} : { message }), containers: statuses, started: sandbox.created,
  };
}

function phaseOf({ facts, sandbox, members }: ExistingPod, infos: ReadonlyMap<string, ContainerInfo | undefined>): { phase: PodStatus['phase']; message?: string } {
  if (facts.problem !== undefined) return { phase: 'Pending', message: facts.problem };
  if (sandbox.state === 'removing') return { phase: 'Terminating' };
  if (sandbox.state !== 'running') return { phase: 'Pending', message: `The pod’s network is gone (${sandbox.status}).` };
  for (const { name, init } of facts.containers) {
    const info = infos.get(name);
    if (info === undefined) return { phase: 'Pending', message: `Container ${name} is not there.` };
    if (init && info.state === 'exited' && info.exitCode !== 0) return { phase: 'Pending', message: `Init container ${name} ended with ${info.exitCode}.` };
    if (init) continue;
    if (info.state === 'created') return { phase: 'Pending', message: 'PodInitializing' };
    if (info.state === 'exited' && info.restart === 'no' && info.exitCode !== 0) return { phase: 'Failed', message: `Container ${name} ended with ${info.exitCode}${info.oomKilled ? ' (out of memory)' : ''}.` };
    if (info.state !== 'running' && !(info.state === 'exited' && info.exitCode === 0 && info.restart === 'no')) return { phase: 'Running', message: `Container ${name}: ${reasonOf(info) ?? info.state}.` };
  }
  return members.length === 0 ? { phase: 'Pending', message: 'Its containers are being made.' } : { phase: 'Running' };
}

function containerStatus(name: string, image: string, standIn: string | undefined, info: ContainerInfo | undefined): ContainerStatus {
  const state = info === undefined || info.state === 'created' ? 'waiting' : info.state === 'running' || info.state === 'paused' ? 'running' : info.state === 'restarting' ? 'waiting' : 'exited';
  const reason = info === undefined ? 'ContainerCreating' : reasonOf(info);
  return { name, image, ...(standIn === undefined ? {} : { standIn }), state, ...(reason === undefined ? {} : { reason }), ...(state === 'exited' && info !== undefined ? { exitCode: info.exitCode } : {}), restarts: info?.restarts ?? 0 };
}

/** Kubernetes' words for why a container does not run. */
function reasonOf(info: ContainerInfo): string | undefined {
  if (info.state === 'running') return undefined;
  if (info.state === 'created') return info.error === '' ? 'PodInitializing' : info.error;
  if (info.oomKilled) return 'OOMKilled';
  if (info.state === 'restarting') return 'CrashLoopBackOff';
  return info.exitCode === 0 ? 'Completed' : 'Error';
}

import type { ContainerInfo, Engine } from '../docker/index.ts';
import { atMost } from './at-most.ts';
import { inventory, roleOf, type ExistingPod } from './inventory.ts';
import { label } from './labels.ts';
import { sandboxReady } from './sandbox.ts';

/**
 * Sets right what the engine's own restarts do not: after a crash of the engine plain containers are `Exited (137)`, and containers that joined
 * a sandbox's network keep the old one when the sandbox was started again. Pods keep their addresses and identities. Idempotent.
 */
export async function mendPods(engine: Engine, lab: string): Promise<void> {
  const [control] = await engine.containers({ [label.lab]: lab, [label.role]: 'control-plane' });
  if (control !== undefined && control.state === 'exited') await engine.startContainer(control.id);
  const { pods } = await inventory(engine, lab);
  await atMost(4, pods.filter(({ facts }) => facts.problem === undefined), (pod) => mendPod(engine, pod));
}

async function mendPod(engine: Engine, pod: ExistingPod): Promise<void> {
  let sandbox = await engine.container(pod.sandbox.id);
  if (sandbox === undefined || sandbox.state === 'created' || sandbox.state === 'removing') return;
  if (sandbox.state !== 'running') {
    const since = Date.now() - 1000;
    await engine.startContainer(sandbox.id);
    if (pod.facts.sidecar && pod.facts.kind === 'workload') await sandboxReady(engine, sandbox.id, since);
    sandbox = await engine.container(sandbox.id);
  }
  for (const member of pod.members) {
    const info = await engine.container(member.id);
    if (info === undefined || sandbox === undefined || roleOf(member) === 'init' || info.started === 0) continue;
    await mendMember(engine, info, sandbox);
  }
}

async function mendMember(engine: Engine, member: ContainerInfo, sandbox: ContainerInfo): Promise<void> {
  const stale = member.state === 'running' && member.started < sandbox.started;
  const ended = member.state === 'exited' && (member.restart === 'always' || (member.restart === 'on-failure' && member.exitCode !== 0));
  if (stale) await engine.stopContainer(member.id, 1);
  if (stale || ended) await engine.startContainer(member.id);
}

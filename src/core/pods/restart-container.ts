import type { ContainerInfo, Engine } from '../docker/index.ts';

/**
 * Ends a container, with `grace` seconds or as many as it was made with, and starts it anew where its pod's restart policy says so.
 * Resolves with the restarts that the engine does not count: it begins at 0 again with each start by hand. `undefined` when it did not run.
 */
export async function restartContainer(engine: Engine, id: string, grace?: number): Promise<number | undefined> {
  const before = await engine.container(id);
  if (before === undefined || before.state !== 'running') return undefined;
  await engine.stopContainer(id, grace);
  const ended = await engine.container(id);
  if (ended === undefined || !startsAgain(ended)) return 0;
  await engine.startContainer(id);
  const after = await engine.container(id);
  return before.restarts + 1 - (after?.restarts ?? 0);
}

/** What Kubernetes' `restartPolicy` says of a container that has ended. */
function startsAgain({ restart, exitCode }: ContainerInfo): boolean {
  return restart === 'always' || (restart === 'on-failure' && exitCode !== 0);
}

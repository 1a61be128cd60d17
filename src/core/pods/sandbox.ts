import { LabFailure, type CaptureSettings } from '../../contract/index.ts';
import type { ContainerSpec, Engine } from '../docker/index.ts';
import { saysReady } from './output-line.ts';

/** What a ready sandbox prints. */
const readyLine = 'weft: the sandbox is ready';
/** Nobody: what is left of the sandbox has no rights. */
const nobody = 65534;
/** Longest time that writing the capture rules may take. */
const patience = 30_000;

const rest = `process.setgroups([]);process.setgid(${nobody});process.setuid(${nobody});console.log('${readyLine}');process.execve('/bin/sleep',['sleep','inf'],{})`;

/**
 * What the sandbox runs. With capture it writes the rules of its network namespace first and then, for good, becomes an idle program of
 * nobody without capabilities; so the rules are there again whenever the engine starts the sandbox anew.
 */
export function sandboxProcess(capture: CaptureSettings | undefined): Pick<ContainerSpec, 'entrypoint' | 'command' | 'env' | 'user' | 'capabilities'> {
  if (capture === undefined) return { entrypoint: ['sleep'], command: ['inf'], env: {}, user: `${nobody}:${nobody}`, capabilities: [] };
  return {
    entrypoint: ['sh', '-c'], command: [`node /weft/main.mjs init && exec node -e "${rest}"`], env: { WEFT: JSON.stringify(capture) },
    user: '0', capabilities: ['NET_ADMIN', 'SETGID', 'SETUID'],
  };
}

/** Waits until a sandbox with capture that was started after `since` (milliseconds since the epoch) has its rules; rejects with `pod-failed` and what it printed when it has not. */
export async function sandboxReady(engine: Engine, id: string, since: number, signal?: AbortSignal): Promise<void> {
  const text = await saysReady(engine, id, readyLine, { since, patience }, signal);
  if (text === undefined) return;
  throw new LabFailure('pod-failed', `The pod’s traffic could not be captured: ${text.trim().slice(-600) || `nothing was said within ${patience / 1000} s`}.`, {
    help: 'The engine’s kernel needs iptables’ nat table (modules iptable_nat or nft_chain_nat) and containers that may have NET_ADMIN.',
  });
}

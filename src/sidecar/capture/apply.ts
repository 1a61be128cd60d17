import { spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { captureRules, captureRules6, withoutPresentJumps } from './rules.ts';
import type { CaptureSettings } from '../../contract/index.ts';

interface Backend {
  readonly name: string;
  readonly save: readonly string[];
  readonly restore: readonly string[];
}

const backends: readonly Backend[] = [
  { name: 'nf_tables', save: ['iptables-nft-save', '-t', 'nat'], restore: ['iptables-nft-restore', '--noflush'] },
  { name: 'legacy', save: ['iptables-legacy-save', '-t', 'nat'], restore: ['iptables-legacy-restore', '--noflush'] },
  { name: 'default', save: ['iptables-save', '-t', 'nat'], restore: ['iptables-restore', '--noflush'] },
];

/** Runs a command with `input`; resolves with its exit code (127 when there is no such command) and what it printed. */
export type Run = (command: readonly string[], input: string) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;

/**
 * Writes the capture rules into this network namespace. Of the two kernel interfaces of iptables the one is used in which Docker wrote
 * its DNS rules (rules of the other would come after those and miss DNS), else the first that works. Returns its name.
 */
export async function applyCapture(settings: CaptureSettings, uid: number, run: Run = runCommand): Promise<string> {
  const rules = captureRules(settings, uid);
  const tried: string[] = [];
  for (const { backend, saved } of await usable(run, tried)) {
    const result = await run(backend.restore, withoutPresentJumps(rules, saved));
    if (result.code === 0) {
      await refuseIpv6(uid, run);
      return backend.name;
    }
    tried.push(`${backend.restore[0]}: ${result.stderr.trim() || `exit code ${result.code}`}`);
  }
  throw new Error(`The capture rules could not be written. Tried: ${tried.join('; ')}. The init container needs the capability NET_ADMIN and a kernel with iptables' nat table.`);
}

async function usable(run: Run, tried: string[]): Promise<{ backend: Backend; saved: string }[]> {
  const found: { backend: Backend; saved: string }[] = [];
  for (const backend of backends) {
    const result = await run(backend.save, '');
    if (result.code === 0) found.push({ backend, saved: result.stdout });
    else tried.push(`${backend.save[0]}: ${result.stderr.trim() || `exit code ${result.code}`}`);
  }
  return found.sort((a, b) => Number(b.saved.includes('DOCKER_OUTPUT')) - Number(a.saved.includes('DOCKER_OUTPUT')));
}

/** Only where the pod has an IPv6 address besides loopback; failing to close that way round the proxy fails the pod. */
async function refuseIpv6(uid: number, run: Run): Promise<void> {
  const exposed = Object.values(networkInterfaces()).flat().some((address) => address?.family === 'IPv6' && !address.internal);
  if (!exposed) return;
  const tried: string[] = [];
  for (const command of ['ip6tables-nft', 'ip6tables-legacy', 'ip6tables']) {
    const saved = await run([`${command}-save`, '-t', 'filter'], '');
    const result = await run([`${command}-restore`, '--noflush'], withoutPresentJumps(captureRules6(uid), saved.stdout));
    if (result.code === 0) return;
    tried.push(`${command}-restore: ${result.stderr.trim()}`);
  }
  throw new Error(`The pod has an IPv6 address and the rules that close it could not be written. Tried: ${tried.join('; ')}.`);
}

/** Runs a command of this machine. */
export const runCommand: Run = ([program = '', ...args], input) => new Promise((resolve) => {
  const child = spawn(program, args, { stdio: 'pipe' });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  child.stdin.on('error', (error) => { stderr += error.message; });
  child.on('error', (error) => { resolve({ code: 127, stdout, stderr: error.message }); });
  child.on('close', (code) => { resolve({ code: code ?? 1, stdout, stderr }); });
  child.stdin.end(input);
});

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const bin = join(import.meta.dirname, '../../../src/cli/bin.mjs');

/** How a command of the CLI ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `weft` as a process of its own and waits for its end. */
export function weft(...args: readonly string[]): Promise<Ended> {
  return startWeft(...args).ended;
}

/** Starts `weft` as a process of its own. */
export function startWeft(...args: readonly string[]): { readonly process: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = (async (): Promise<Ended> => {
    const exit = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    const [out, err, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
    return { exitCode, out, err };
  })();
  return { process: child, ended };
}

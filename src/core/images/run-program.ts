import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { LabFailure } from '../../contract/index.ts';

/** How to run a program of the host: never through a shell, but where Windows starts `.cmd` files no other way. */
export interface ProgramOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a program to its end and returns what it printed; rejects with what it complained about. */
export async function runProgram(program: string, args: readonly string[], options: ProgramOptions = {}): Promise<string> {
  const { output, ended } = startProgram(program, args, options);
  const chunks: Buffer[] = [];
  output.on('data', (chunk: Buffer) => { chunks.push(chunk); });
  await ended;
  return Buffer.concat(chunks).toString();
}

/** Starts a program whose output is read as it comes. `ended` must be awaited. */
export function startProgram(program: string, args: readonly string[], { cwd, signal }: ProgramOptions = {}): { readonly output: Readable; readonly ended: Promise<void> } {
  const windows = process.platform === 'win32';
  const child = spawn(windows ? `${program}.cmd` : program, args, { stdio: ['ignore', 'pipe', 'pipe'], shell: windows, ...(cwd === undefined ? {} : { cwd }), ...(signal === undefined ? {} : { signal }) });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => { complaint = `${complaint}${chunk.toString()}`.slice(-2000); });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) => {
      reject(signal?.aborted === true ? new LabFailure('cancelled', 'Cancelled.') : new LabFailure('image-unavailable', `${program} could not be run: ${cause.message}.`, { cause }));
    });
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new LabFailure('image-unavailable', `${program} ${args[0] ?? ''} failed (${code ?? 'killed'}): ${complaint.trim().split('\n').slice(-4).join(' ')}`));
    });
  });
  return { output: child.stdout, ended };
}

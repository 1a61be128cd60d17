import { LabFailure, type Probe } from '../../contract/index.ts';
import { unknown, type Found } from '../../util/prober.ts';
import type { Engine, ExecSession } from '../docker/index.ts';

/** Of a command's output, in a message. */
const longestOutput = 200;

/** Runs a probe's command in a container: well when it ends with 0 in time. `unknown` when the engine could not run it. */
export async function runProbe(engine: Engine, container: string, command: readonly string[], { timeout }: Pick<Probe, 'timeout'>): Promise<Found> {
  let session: ExecSession;
  try {
    session = await engine.exec(container, { command, tty: false });
  } catch (error) {
    if (error instanceof LabFailure) return unknown;
    throw error;
  }
  session.input.on('error', () => undefined);
  session.input.end();
  let said = '';
  session.output.on('data', (chunk: Buffer) => { if (said.length < longestOutput) said += chunk.toString(); });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => { timer = setTimeout(() => { resolve('late'); }, timeout * 1000); });
  try {
    const code = await Promise.race([session.exitCode, late]);
    if (code === 'late') return `the command did not end within ${timeout} s`;
    return code === 0 ? undefined : [`the command ended with ${code}`, said.trim().slice(0, longestOutput)].filter((text) => text !== '').join(': ');
  } catch (error) {
    if (error instanceof LabFailure) return unknown;
    throw error;
  } finally {
    clearTimeout(timer);
    session.close();
  }
}

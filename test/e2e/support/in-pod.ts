import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { TestLab } from './index.ts';

const execute = promisify(execFile);

/** Why commands of this machine cannot run in the network of a pod; `undefined` when they can. */
export const noPodNetwork: string | undefined = ((): string | undefined => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'entering a pod’s network needs Linux and root';
  try {
    execFileSync('nsenter', ['--version'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'no nsenter';
  }
})();

/** The network of a pod, for programs of this machine. */
export interface PodNetwork {
  /** Runs a program there, as an application of the pod would; resolves with what it printed. It is ended after half a minute. */
  run(program: string, args: readonly string[], input?: string): Promise<{ readonly output: string; readonly errors: string; readonly exitCode: number }>;
  /** The address that a name has there. */
  address(host: string): Promise<string>;
}

/** Finds the network of the first pod of a workload. */
export async function podNetwork(lab: TestLab, workload: string): Promise<PodNetwork> {
  const pod = (await lab.status()).pods.find((candidate) => candidate.workload === workload);
  if (pod === undefined) throw new Error(`no pod of ${workload}`);
  const ids = (await execute('docker', ['ps', '-q', '--filter', `label=dev.weft.lab=${lab.name}`])).stdout.trim().split('\n');
  const { stdout } = await execute('docker', ['inspect', '-f', '{{.State.Pid}} {{.Name}}', ...ids]);
  const line = stdout.split('\n').find((one) => one.includes(pod.name) && one.trim().endsWith('_sandbox'));
  const pid = line?.split(' ')[0];
  if (pid === undefined) throw new Error(`no sandbox of ${pod.name}`);
  return {
    run: (program, args, input) => run('nsenter', ['-t', pid, '-n', '--', program, ...args], input),
    async address(host) {
      const { output } = await lab.exec(workload, 'node', '-e', `require('dns').lookup('${host}',{family:4},(e,a)=>console.log(a||e.message))`);
      const found = /^\d+\.\d+\.\d+\.\d+/.exec(output)?.[0];
      if (found === undefined) throw new Error(`${workload} knows no ${host}: ${output}`);
      return found;
    },
  };
}

/** Runs a program of this machine; a failure is an exit code, no exception. */
export function run(program: string, args: readonly string[], input = ''): Promise<{ readonly output: string; readonly errors: string; readonly exitCode: number }> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { timeout: 30_000, maxBuffer: 64 * 1024 * 1024 }, (error, output, errors) => {
      resolve({ output, errors, exitCode: error === null ? 0 : typeof error.code === 'number' ? error.code : 1 });
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

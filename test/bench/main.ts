import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { bookinfo, hasPeer, noEngine, startLab } from '../e2e/support/index.ts';

/** Cost against peers in the same run; CPU is per request, so 1 means as cheap as the peer and 2 twice as dear. */
interface Against { readonly cpu_vs_nginx: number; readonly rps_vs_nginx: number; readonly cpu_vs_haproxy: number }

/** What `npm run bench -- --json` prints. */
interface Results {
  one_hop_200b?: Against;
  one_hop_64k?: Against;
  mtls_pair_200b?: Against;
  mtls_pair_64k?: Against;
  idle_pss_mb?: number;
  idle_rss_mb?: number;
  up_ms?: number;
  up_steps_ms?: Readonly<Record<string, number>>;
  frame_ms_p95?: number;
}

const json = process.argv.includes('--json');
const say = (text: string): void => { if (!json) console.log(text); };
const results: Results = {};

await part('the data plane against nginx and HAProxy', async () => {
  Object.assign(results, JSON.parse(lastLine(await script('test/bench/proxy.ts', '--json'))));
  for (const [name, value] of Object.entries(results).filter((entry): entry is [string, Against] => typeof entry[1] === 'object')) {
    say(`  ${name.padEnd(16)} CPU/request ${value.cpu_vs_nginx.toFixed(2)} × nginx, ${value.cpu_vs_haproxy.toFixed(2)} × HAProxy; ${value.rps_vs_nginx.toFixed(2)} of nginx’s requests a second`);
  }
});

await part('start-up of Bookinfo, engine and image warm', async () => {
  if (noEngine !== undefined || !hasPeer) { say(`  skipped: ${noEngine ?? 'no sample files'}`); return; }
  await (await startLab('bench', bookinfo())).down();
  const lab = await startLab('bench', bookinfo());
  try {
    results.up_steps_ms = Object.fromEntries(lab.steps.map((step) => [step.id, Math.round(step.took ?? 0)]));
    results.up_ms = Object.values(results.up_steps_ms).reduce((sum, took) => sum + took, 0);
    for (const [id, took] of Object.entries(results.up_steps_ms)) say(`  ${id.padEnd(16)} ${took} ms`);
    say(`  ${'all'.padEnd(16)} ${results.up_ms} ms`);
    await new Promise((resolve) => { setTimeout(resolve, 5_000); });
    const memory = sidecarMemory();
    results.idle_pss_mb = median(memory.map(({ pss }) => pss));
    results.idle_rss_mb = median(memory.map(({ rss }) => rss));
    say(`  idle sidecar: ${results.idle_pss_mb.toFixed(1)} MB PSS, ${results.idle_rss_mb.toFixed(1)} MB RSS (median of ${memory.length})`);
  } finally {
    await lab.down();
  }
});

await part('a frame’s own work with 40 nodes, 120 edges and 300 requests a second', async () => {
  if (!existsSync('test/bench/frame.ts')) { say('  skipped: no measurement'); return; }
  const { p95 } = JSON.parse(lastLine(await script('test/bench/frame.ts', '--json'))) as { p95: number };
  results.frame_ms_p95 = p95;
  say(`  ${p95.toFixed(1)} ms p95`);
});

if (json) console.log(JSON.stringify(results));

async function part(title: string, work: () => Promise<void>): Promise<void> {
  say(`\n${title}`);
  try {
    await work();
  } catch (error) {
    process.exitCode = 1;
    console.error(`  failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function script(file: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (data: Buffer) => { output += data.toString(); });
    child.on('error', reject);
    child.on('exit', (code) => { if (code === 0) resolve(output); else reject(new Error(`${file} ended with ${code}`)); });
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** Memory of each sidecar process, MB, as the kernel counts it (`/proc/PID/smaps_rollup`). */
function sidecarMemory(): readonly { readonly pss: number; readonly rss: number }[] {
  const ids = execFileSync('docker', ['ps', '-q', '--filter', 'label=dev.weft.lab=bench', '--filter', 'name=istio-proxy'], { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
  return ids.map((id) => {
    const pid = execFileSync('docker', ['inspect', '--format', '{{.State.Pid}}', id], { encoding: 'utf8' }).trim();
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const kilobytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
    return { pss: kilobytes('Pss') / 1024, rss: kilobytes('Rss') / 1024 };
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

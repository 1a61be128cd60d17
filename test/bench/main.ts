import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { noBrowser } from '../e2e/support/browser.ts';
import type { WireScale } from './scale-wire.ts';
import { bookinfo, hasPeer, noEngine, sample, startLab, until } from '../e2e/support/index.ts';

/** Cost against peers in the same run; CPU is per request, so 1 means as cheap as the peer and 2 twice as dear. */
interface Against { readonly cpu_vs_nginx: number; readonly rps_vs_nginx: number; readonly cpu_vs_haproxy: number; readonly sockets_cpu_vs_nginx: number }

/** Milliseconds on the clock and of the processor. */
interface Cost { readonly ms: number; readonly cpu_ms: number }

/** A mesh with simulated proxies: manifests read, all compiled and pushed, one rule changed, one pod lost; what the rule's change put on the wire; heap in use. */
interface Scale { readonly read: Cost; readonly full: Cost; readonly change: Cost; readonly pod: Cost; readonly responses: number; readonly sent_mb: number; readonly heap_mb: number }

/** What `npm run bench -- --json` prints. */
interface Results {
  /** The version that sidecars ran on beside nginx. */
  node?: string;
  one_hop_200b?: Against;
  one_hop_64k?: Against;
  mtls_pair_200b?: Against;
  mtls_pair_64k?: Against;
  /** HTTP/2 in the clear, against a proxy on `node:http2`. */
  http2_200b?: { readonly cpu_node_vs_weft: number };
  /** Median of the sidecars, of which `idle_sidecars` run: they share Node's program, so what is shared counts for a part of each in PSS. */
  idle_pss_mb?: number;
  idle_rss_mb?: number;
  idle_sidecars?: number;
  up_ms?: number;
  up_steps_ms?: Readonly<Record<string, number>>;
  frame_ms_p95?: number;
  screen_ms_p95?: number;
  /** Containers of a lab of Bookinfo, its control plane and gateway among them, and the process that runs the lab. */
  lab_memory_mb?: { readonly containers: number; readonly core: number; readonly all: number };
  /** 1,000 services, 2,000 proxies, 500 VirtualServices; and half of each; and all of it over the wire. */
  scale?: { readonly full: Scale; readonly half: Scale; readonly wire: WireScale };
}

const json = process.argv.includes('--json');
const say = (text: string): void => { if (!json) console.log(text); };
const results: Results = {};

await part('the data plane against nginx and HAProxy', async () => {
  Object.assign(results, JSON.parse(lastLine(await script('test/bench/proxy.ts', '--json'))));
  say(`  on Node ${results.node ?? ''}`);
  for (const [name, value] of Object.entries(results).filter((entry): entry is [string, Against] => typeof entry[1] === 'object' && 'cpu_vs_nginx' in entry[1])) {
    say(`  ${name.padEnd(16)} CPU/request ${value.cpu_vs_nginx.toFixed(2)} × nginx, ${value.cpu_vs_haproxy.toFixed(2)} × HAProxy, on public sockets ${value.sockets_cpu_vs_nginx.toFixed(2)} × nginx; ${value.rps_vs_nginx.toFixed(2)} of nginx’s requests a second`);
  }
  if (results.http2_200b !== undefined) say(`  ${'http2_200b'.padEnd(16)} node:http2 takes ${results.http2_200b.cpu_node_vs_weft.toFixed(2)} × our CPU/request`);
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
    const containers = containerMemory();
    const core = process.memoryUsage().rss / 1e6;
    results.lab_memory_mb = { containers, core, all: containers + core };
    say(`  memory of the whole lab: ${(containers + core).toFixed(0)} MB of 1024 (containers ${containers.toFixed(0)}, the process that runs it ${core.toFixed(0)})`);
    // Ten sidecars: Bookinfo's six, the gateway's and three more. Idle is when they have had a moment to rest.
    await lab.apply(sample('helloworld/helloworld.yaml', 'curl/curl.yaml'));
    await until('ten sidecars to be ready', async () => {
      const { pods, proxies } = await lab.status();
      return proxies.length === 10 && pods.every(({ ready }) => ready);
    }, 90_000);
    await new Promise((resolve) => { setTimeout(resolve, 40_000); });
    const memory = sidecarMemory();
    results.idle_pss_mb = median(memory.map(({ pss }) => pss));
    results.idle_rss_mb = median(memory.map(({ rss }) => rss));
    results.idle_sidecars = memory.length;
    say(`  idle sidecar: ${results.idle_pss_mb.toFixed(1)} MB PSS, ${results.idle_rss_mb.toFixed(1)} MB RSS (median of the ${memory.length} that run)`);
  } finally {
    await lab.down();
  }
});

await part('the control plane at scale: 1,000 services, 2,000 proxies, 500 VirtualServices', async () => {
  const { scale } = JSON.parse(lastLine(await script('test/bench/scale.ts'))) as { scale: NonNullable<Results['scale']> };
  results.scale = scale;
  const cost = ({ ms, cpu_ms }: Cost): string => `${String(ms).padStart(6)} ms (${cpu_ms} ms of processor time)`;
  for (const [name, label] of [['read', 'manifests read'], ['full', 'all compiled and pushed'], ['change', 'one rule changed'], ['pod', 'one pod lost']] as const) {
    say(`  ${label.padEnd(24)} ${cost(scale.full[name])}; half of it all ${cost(scale.half[name]).trim()}`);
  }
  say('  over the wire, from core’s call to the last of 2,000 acknowledgements:');
  for (const [name, label] of [['connect', 'all proxies connected'], ['change', 'one rule changed'], ['pod', 'one pod lost']] as const) say(`  ${label.padEnd(24)} ${cost(scale.wire[name])}`);
  say(`  the rule’s change: ${scale.wire.change.responses} responses, ${scale.wire.change.sent_mb} MB; heap ${scale.wire.heap_mb} MB, resident ${scale.wire.rss_mb} MB`);
  say('  in one process, without sockets:');
  say(`  the rule’s change: ${scale.full.responses} responses, ${scale.full.sent_mb} MB; heap ${scale.full.heap_mb} MB, half of it all ${scale.half.heap_mb} MB`);
});

await part('a frame’s own work with 40 nodes, 120 edges and 300 requests a second', async () => {
  if (!existsSync('test/bench/frame.ts')) { say('  skipped: no measurement'); return; }
  const { p95 } = JSON.parse(lastLine(await script('test/bench/frame.ts', '--json'))) as { p95: number };
  results.frame_ms_p95 = p95;
  say(`  ${p95.toFixed(1)} ms p95`);
});

await part('from a request’s end to its row on the screen, at 200 requests a second', async () => {
  const missing = noEngine ?? (hasPeer ? noBrowser : 'no sample files');
  if (missing !== undefined) { say(`  skipped: ${missing}`); return; }
  const { core, page, row } = JSON.parse(lastLine(await script('test/bench/screen.ts'))) as Readonly<Record<'core' | 'page' | 'row', { readonly p50: number; readonly p95: number }>>;
  results.screen_ms_p95 = row.p95;
  for (const [stage, { p50, p95 }] of Object.entries({ 'in core': core, 'in the page': page, 'on the screen': row })) say(`  ${stage.padEnd(16)} ${p50} ms p50, ${p95} ms p95`);
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
    const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', file, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
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

/** Memory of all containers of the lab, MB, as the engine counts it. */
function containerMemory(): number {
  const ids = execFileSync('docker', ['ps', '-q', '--filter', 'label=dev.weft.lab=bench'], { encoding: 'utf8' }).trim().split('\n').filter(Boolean);
  const used = execFileSync('docker', ['stats', '--no-stream', '--format', '{{.MemUsage}}', ...ids], { encoding: 'utf8' }).trim().split('\n');
  const units: Readonly<Record<string, number>> = { B: 1e-6, KiB: 1024e-6, MiB: 1.048576, GiB: 1073.741824 };
  return used.reduce((sum, line) => {
    const [, amount = '0', unit = 'B'] = /^([\d.]+)([KMG]?i?B)/.exec(line) ?? [];
    return sum + Number(amount) * (units[unit] ?? 0);
  }, 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

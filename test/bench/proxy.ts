import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { containerNode, ownNode } from './container-node.ts';
import { Peers, type Contestant } from './proxy-peers.ts';

/**
 * The sidecar's HTTP path against nginx and HAProxy: CPU per request and requests a second, medians of interleaved rounds, on one loopback.
 * `--json` prints one object; `--rounds N`, `--seconds N`, `--only NAME` bound the run. Sidecars run on the Node of their containers, with `--node own` on the bench's.
 */
const json = process.argv.includes('--json');
const option = (name: string, otherwise: number): number => Number(process.argv[process.argv.indexOf(name) + 1] ?? otherwise) || otherwise;
const rounds = process.argv.includes('--rounds') ? option('--rounds', 3) : 3;
const seconds = process.argv.includes('--seconds') ? option('--seconds', 2) : 2;
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const ticks = 100;
const run = promisify(execFile);

interface Measured {
  /** Microseconds. */
  readonly cpu: number;
  readonly rps: number;
}

interface Against {
  readonly cpu_vs_nginx: number;
  readonly rps_vs_nginx: number;
  readonly cpu_vs_haproxy: number;
  /** Of our other tier, on Node's public sockets. */
  readonly sockets_cpu_vs_nginx: number;
}

// What else the machine does should disturb the contestants little, and all alike; children inherit it.
try {
  setPriority(-20);
} catch {
  if (!json) console.log('not allowed to raise the priority: other work on this machine will show');
}
const dir = mkdtempSync(join(tmpdir(), 'weft-bench-'));
const node = process.argv[process.argv.indexOf('--node') + 1] === 'own' ? ownNode : await containerNode();
if (!json) console.log(`sidecars run on Node ${node.version}`);
const peers = new Peers(dir, node);
try {
  const wanted = (name: string): boolean => only === undefined || name.startsWith(only);
  const backend = await peers.backend();
  const results: Record<string, Against> = {};
  const rows = async (name: string, start: () => Promise<readonly Contestant[]>): Promise<void> => {
    const cases = [[`${name}_200b`, '/200'], [`${name}_64k`, '/64k']].filter(([row = '']) => wanted(row));
    const contestants = cases.length === 0 ? [] : await start();
    for (const [row = '', path = ''] of cases) results[row] = await compare(row, contestants, path);
  };
  await rows('one_hop', async () => [await peers.weft(backend), await peers.weft(backend, 'sockets'), await peers.nginx(backend), await peers.haproxy(backend)]);
  await rows('mtls_pair', async () => [await peers.weftPair(backend), await peers.weftPair(backend, 'sockets'), await peers.nginxPair(backend), await peers.haproxyPair(backend)]);
  const versus = wanted('http2_200b') ? await compareHttp2(await http2Contestants()) : undefined;
  if (json) console.log(JSON.stringify({ node: node.version, ...results, ...(versus === undefined ? {} : { http2_200b: versus }) }));
} finally {
  await peers.stop();
  rmSync(dir, { recursive: true, force: true });
}

async function http2Contestants(): Promise<readonly Contestant[]> {
  const backend = await peers.http2Backend();
  return [await peers.weftHttp2(backend), await peers.nodeHttp2(backend)];
}

async function compare(name: string, contestants: readonly Contestant[], path: string): Promise<Against> {
  const measured = new Map<string, Measured[]>(contestants.map((contestant) => [contestant.name, []]));
  for (const contestant of contestants) await warm(contestant, path);
  for (let round = 0; round < rounds; round++) for (const contestant of contestants) measured.get(contestant.name)?.push(await load(contestant, path, seconds));
  const of = (who: Contestant['name'], what: keyof Measured): number => median((measured.get(who) ?? []).map((one) => one[what]));
  if (!json) for (const { name: who } of contestants) console.log(`${name.padEnd(15)} ${who.padEnd(8)} ${of(who, 'cpu').toFixed(1).padStart(7)} µs CPU a request ${of(who, 'rps').toFixed(0).padStart(7)} requests a second`);
  const ratios = { cpu_vs_nginx: round2(of('weft', 'cpu') / of('nginx', 'cpu')), rps_vs_nginx: round2(of('weft', 'rps') / of('nginx', 'rps')), cpu_vs_haproxy: round2(of('weft', 'cpu') / of('haproxy', 'cpu')), sockets_cpu_vs_nginx: round2(of('sockets', 'cpu') / of('nginx', 'cpu')) };
  if (!json) console.log(`${name.padEnd(15)} CPU ${ratios.cpu_vs_nginx} × nginx, ${ratios.cpu_vs_haproxy} × HAProxy, on public sockets ${ratios.sockets_cpu_vs_nginx} × nginx; rps ${ratios.rps_vs_nginx} × nginx`);
  return ratios;
}

/** The sidecar's HTTP/2 against Node's: 16 connections of 4 streams. */
async function compareHttp2(contestants: readonly Contestant[]): Promise<{ readonly cpu_node_vs_weft: number }> {
  const measured = new Map<string, number[]>(contestants.map(({ name }) => [name, []]));
  for (const contestant of contestants) await loadHttp2(contestant, 30_000);
  for (let round = 0; round < rounds; round++) for (const contestant of contestants) measured.get(contestant.name)?.push(await loadHttp2(contestant, 10_000 * seconds));
  const of = (who: Contestant['name']): number => median(measured.get(who) ?? []);
  const ratio = round2(of('node') / of('weft'));
  if (!json) console.log(`http2_200b      weft ${of('weft').toFixed(1)} µs CPU a request, node:http2 ${of('node').toFixed(1)} µs: ${ratio} times`);
  return { cpu_node_vs_weft: ratio };
}

/** Microseconds of CPU a request; every answer must be a good one. */
async function loadHttp2({ name, port, pids }: Contestant, requests: number): Promise<number> {
  const before = cpuTicks(pids());
  const { stdout } = await run('h2load', ['-t1', '-c16', '-m4', `-n${requests}`, '-H', 'cookie: session=abcdef', `http://127.0.0.1:${port}/200`]);
  const used = cpuTicks(pids()) - before;
  if (!stdout.includes(`status codes: ${requests} 2xx`)) throw new Error(`${name} did not answer well:\n${stdout}`);
  return ((used / ticks) * 1e6) / requests;
}

/** A just-in-time compiler needs requests, not seconds, before it is what it will be for the rest of its days. */
async function warm(contestant: Contestant, path: string): Promise<void> {
  const wanted = contestant.name === 'weft' || contestant.name === 'sockets' ? 30_000 : 1000;
  const until = performance.now() + 15_000;
  for (let requests = 0; requests < wanted && performance.now() < until;) requests += (await load(contestant, path, 2)).rps * 2;
}

/** Loads one contestant over 32 kept connections; every answer must be a good one. */
async function load({ name, port, pids }: Contestant, path: string, duration: number): Promise<Measured> {
  const before = cpuTicks(pids());
  const { stdout } = await run('wrk', ['-t1', '-c32', `-d${duration}s`, '-H', 'User-Agent: wrk', '-H', 'Accept: */*', '-H', 'Cookie: session=abcdef', `http://127.0.0.1:${port}${path}`]);
  const used = cpuTicks(pids()) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
  if (requests === 0 || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`${name} on ${path} did not answer well:\n${stdout}`);
  return { cpu: ((used / ticks) * 1e6) / requests, rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0) };
}

/** utime and stime of processes. */
function cpuTicks(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    sum += Number(fields[11]) + Number(fields[12]);
  }
  return sum;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}


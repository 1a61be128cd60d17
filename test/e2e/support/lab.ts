import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import type { LabStatus, RequestRecord, UpRequest } from '../../../src/contract/index.ts';
import type { SourceFile } from '../../../src/manifest/index.ts';
import { openCore } from '../../../src/core/open-core.ts';

const dist = join(import.meta.dirname, '../../../dist');

/** Why tests with an engine cannot run here; `undefined` when they can. */
export const noEngine: string | undefined = ((): string | undefined => {
  if (!existsSync(join(dist, 'container/main.mjs'))) return 'nothing is built: npm run build';
  try {
    execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'pipe', timeout: 10_000 });
    return undefined;
  } catch {
    return 'no Docker engine answers';
  }
})();

/** An answer with its body as text. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly milliseconds: number;
}

/** A real lab for tests: core in this process, containers on the engine. */
export interface TestLab {
  readonly name: string;
  readonly core: ReturnType<typeof openCore>;
  readonly steps: readonly { readonly id: string; readonly took?: number }[];
  status(): Promise<LabStatus>;
  apply(files: readonly SourceFile[]): Promise<void>;
  delete(files: readonly SourceFile[]): Promise<void>;
  /** The files are in force while `run` runs. */
  during(files: readonly SourceFile[], run: () => Promise<void>): Promise<void>;
  /** Waits until every connected proxy has acknowledged what it was sent. */
  synced(): Promise<void>;
  /** A request through the ingress. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Runs a command in the first container of a workload (`name` or `namespace/name`); what it printed. */
  exec(workload: string, ...command: readonly string[]): Promise<{ readonly output: string; readonly exitCode: number }>;
  /** What the first container of a workload has printed, its last thousand lines. */
  logs(workload: string): Promise<string>;
  records(query?: { readonly text?: string; readonly service?: string; readonly limit?: number }): Promise<readonly RequestRecord[]>;
  /** Removes the lab. */
  down(): Promise<void>;
}

/** Starts a lab with stand-ins and waits until it is ready; a lab of that name from an earlier run is removed first. */
export async function startLab(name: string, files: readonly SourceFile[], options: Partial<UpRequest> = {}): Promise<TestLab> {
  const core = openCore({ dist, env: process.env, platform: process.platform });
  if ((await core.labs({})).some((lab) => lab.name === name)) await ended(core, (await core.down({ lab: name })).id);
  const operation = await ended(core, (await core.up({ lab: name, files, images: 'stand-in', ...options })).id);
  const status = (): Promise<LabStatus> => core.status({ lab: name });
  const { ingressUrl } = await status();
  const lab: TestLab = {
    name, core, steps: operation.steps, status,
    async apply(more) {
      const result = await core.apply({ lab: name, files: more });
      if (!result.applied) throw new Error(`not applied: ${JSON.stringify(result.diagnostics)}`);
      await lab.synced();
    },
    async delete(gone) {
      await core.delete({ lab: name, files: gone });
      await lab.synced();
    },
    async during(more, run) {
      await lab.apply(more);
      try {
        await run();
      } finally {
        await lab.delete(more);
      }
    },
    synced: () => until('all proxies have acknowledged', async () => (await status()).proxies.every((proxy) => proxy.connected && proxy.sent === proxy.acknowledged && proxy.sent !== '')),
    get: (path, headers = {}) => get(new URL(path, ingressUrl), headers),
    exec: (workload, ...command) => exec(core, name, workload, command),
    logs: async (workload) => { const pod = await podOf(core, name, workload); return (await streamed(core, () => core.logs({ lab: name, pod, tail: 1000, follow: false }))).output; },
    records: (query = {}) => core.records({ lab: name, limit: 1000, ...query }),
    async down() {
      await ended(core, (await core.down({ lab: name })).id);
      await core.stop();
    },
  };
  return lab;
}

async function ended(core: TestLab['core'], id: string): ReturnType<TestLab['core']['operation']> {
  let operation = await core.operation({ id });
  await until(operation.title, async () => { operation = await core.operation({ id }); return operation.state !== 'running'; }, 180_000);
  if (operation.state !== 'done') throw new Error(`${operation.title}: ${JSON.stringify(operation.error ?? operation.state)}`);
  return operation;
}

/** Waits until a condition holds; fails with what was waited for. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, timeout = 30_000): Promise<void> {
  const deadline = Date.now() + timeout;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error(`waited ${timeout} ms: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** GET with a real socket; follows nothing, retries nothing. */
export function get(url: URL, headers: Readonly<Record<string, string>>): Promise<Answer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => { chunks.push(chunk); });
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8'), milliseconds: performance.now() - started }); });
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end();
  });
}

async function exec(core: TestLab['core'], lab: string, workload: string, command: readonly string[]): Promise<{ output: string; exitCode: number }> {
  const pod = await podOf(core, lab, workload);
  return await streamed(core, () => core.exec({ lab, pod, command: [...command], tty: false }));
}

/** `namespace/name` of the first pod of a workload. */
async function podOf(core: TestLab['core'], lab: string, workload: string): Promise<string> {
  const { pods } = await core.status({ lab });
  const pod = pods.find((candidate) => candidate.workload === workload || `${candidate.namespace}/${candidate.workload}` === workload);
  if (pod === undefined) throw new Error(`no pod of ${workload}`);
  return `${pod.namespace}/${pod.name}`;
}

/** Reads a stream of core's to its end. */
async function streamed(core: TestLab['core'], open: () => Promise<string>): Promise<{ output: string; exitCode: number }> {
  let output = '';
  return await new Promise((resolve, reject) => {
    let id: string | undefined;
    const early: (() => void)[] = [];
    const stop = core.on('stream', (event) => {
      const take = (): void => {
        if (event.stream !== id) return;
        output += event.data ?? '';
        if (event.end !== undefined) { stop(); resolve({ output, exitCode: event.end.exitCode ?? 0 }); }
      };
      if (id === undefined) early.push(take); else take();
    });
    open().then((opened) => { id = opened; early.splice(0).forEach((take) => { take(); }); }, reject);
  });
}

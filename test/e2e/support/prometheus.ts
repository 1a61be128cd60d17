import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './lab.ts';

/** Why tests with a real Prometheus cannot run here; `undefined` when they can. */
export const noPrometheus: string | undefined = spawnSync('prometheus', ['--version']).error === undefined ? undefined : 'no prometheus is installed';

/** One sample of an instant query. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus that scrapes. */
export interface Prometheus {
  query(expression: string): Promise<readonly Sample[]>;
  /** Targets that answer. */
  up(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts one on a free port that scrapes these pages every second, as Istio's own Prometheus scrapes its proxies. */
export async function startPrometheus(targets: readonly string[]): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-prometheus-'));
  const config = { global: { scrape_interval: '1s' }, scrape_configs: [{ job_name: 'envoy-stats', metrics_path: '/stats/prometheus', static_configs: [{ targets }] }] };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const port = await freePort();
  const server = spawn('prometheus', [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`, '--log.level=error'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => { server.once('exit', () => resolve()); });
  const query = async (expression: string): Promise<readonly Sample[]> => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { status, error, data } = await response.json() as { readonly status: string; readonly error?: string; readonly data?: { readonly result: readonly { readonly metric: Sample['metric']; readonly value: readonly [number, string] }[] } };
    if (status !== 'success') throw new Error(`${expression}: ${error ?? status}`);
    return (data?.result ?? []).map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
  };
  await until('Prometheus is ready', async () => (await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined))?.ok === true);
  return {
    query,
    up: async () => (await query('up == 1')).length,
    async stop() {
      server.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

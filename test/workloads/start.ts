import type { Running } from '../../src/workloads/server.ts';
import { start } from '../../src/workloads/main.ts';

/** A stand-in on free ports. */
export interface Started {
  url(port?: number): string;
  port(port?: number): number;
  get(path: string, init?: RequestInit): Promise<Response>;
  readonly log: string[];
  stop(): Promise<void>;
}

/** Starts a stand-in as its container would; ports are those that the system gives. */
export async function standIn(name: string, env: Readonly<Record<string, string>> = {}, args: readonly string[] = []): Promise<Started> {
  const log: string[] = [];
  const running: Running = await start({ name, args }, { env, hostname: `${name}-pod`, log: (line) => log.push(line), listenPort: () => 0 });
  const port = (wanted?: number): number => (wanted === undefined ? [...running.ports.values()][0] : running.ports.get(wanted)) ?? 0;
  const url = (wanted?: number): string => `http://127.0.0.1:${port(wanted)}`;
  return { log, port, url, get: (path, init) => fetch(`${url()}${path}`, { redirect: 'manual', ...init }), stop: () => running.stop() };
}

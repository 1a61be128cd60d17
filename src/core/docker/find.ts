import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { LabFailure } from '../../contract/index.ts';
import { candidates, type Candidate, type HostProbes } from './candidates.ts';
import { connectEngine } from './connect.ts';
import type { Endpoint, Engine } from './engine.ts';

/** What the search found and what it tried on the way, in words. */
export interface Search {
  readonly engine: Engine | undefined;
  readonly tried: readonly string[];
}

/** The real host, for {@link findEngine}. The environment comes from whoever composes. */
export function hostProbes(env: HostProbes['env']): HostProbes {
  return {
    env, platform: process.platform, home: homedir(), uid: process.getuid?.(),
    readText: (path) => { try { return readFileSync(path, 'utf8'); } catch { return undefined; } },
  };
}

/** Tries the candidates one after the other; the first that answers a ping is it. */
export async function findEngine(host: HostProbes, connect: (endpoint: Endpoint) => Promise<Engine> = connectEngine): Promise<Search> {
  const tried: string[] = [];
  for (const candidate of candidates(host)) {
    if ('unusable' in candidate) { tried.push(`${candidate.source}: ${candidate.unusable}`); continue; }
    const outcome = await probe(candidate, connect);
    tried.push(`${candidate.source} (${where(candidate)}): ${typeof outcome === 'string' ? outcome : 'answers'}`);
    if (typeof outcome !== 'string') return { engine: outcome, tried };
  }
  return { engine: undefined, tried };
}

/** As {@link findEngine}, for those who cannot go on without: rejects with `engine-not-found`. */
export async function requireEngine(host: HostProbes, connect: (endpoint: Endpoint) => Promise<Engine> = connectEngine): Promise<Engine> {
  const { engine, tried } = await findEngine(host, connect);
  if (engine !== undefined) return engine;
  throw new LabFailure('engine-not-found', `No Docker engine was found. Tried: ${tried.join('; ')}.`, { help: installHelp(host.platform) });
}

/** How to get an engine on this kind of machine. */
export function installHelp(platform: NodeJS.Platform): string {
  if (platform === 'darwin') return 'Install and start Docker Desktop, OrbStack, Colima (`brew install colima docker && colima start`) or Rancher Desktop.';
  if (platform === 'win32') return 'Install and start Docker Desktop, Rancher Desktop or Podman Desktop.';
  return 'Install and start one: `sudo apt-get install docker.io` (Debian, Ubuntu), then `sudo usermod -aG docker $USER` and log in again; or Docker Desktop, or rootless Docker or Podman.';
}

/** The engine's address as people write it. */
export function where(candidate: Candidate): string {
  if (!('address' in candidate)) return candidate.unusable;
  return 'socket' in candidate.address ? candidate.address.socket : `${candidate.address.host}:${candidate.address.port}`;
}

async function probe(endpoint: Endpoint, connect: (endpoint: Endpoint) => Promise<Engine>): Promise<Engine | string> {
  try {
    const engine = await connect(endpoint);
    await within(5000, engine.info());
    return engine;
  } catch (error) {
    return reason(error);
  }
}

function within<Result>(milliseconds: number, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => { reject(new Error(`no answer within ${milliseconds / 1000} s`)); }, milliseconds);
    promise.then(resolve, reject).finally(() => { clearTimeout(timer); });
  });
}

function reason(error: unknown): string {
  const text = error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error);
  if (text.includes('ENOENT')) return 'nothing there';
  if (text.includes('EACCES')) return 'no permission (is your user in the group “docker”?)';
  if (text.includes('ECONNREFUSED')) return 'nobody listens (is the engine started?)';
  return text;
}

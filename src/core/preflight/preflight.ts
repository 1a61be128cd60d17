import { statfs } from 'node:fs/promises';
import { freemem } from 'node:os';
import type { Preflight, PreflightCheck } from '../../contract/index.ts';
import { findEngine, installHelp, minimumApi, where, type Engine, type EngineInfo, type HostProbes, type Search } from '../docker/index.ts';
import { imageLabel, registryOf, rememberRegistries, type Registry } from '../images/index.ts';

/** What the host can tell; passed in, so that a full disk can be made up. */
export interface HostFacts {
  readonly platform: NodeJS.Platform;
  /** Bytes that programs may still take; `undefined` when unknown. */
  freeMemory(): number | undefined;
  /** Free bytes at a path of the host; `undefined` when there is no such path here (the engine runs in a machine of its own). */
  freeDisk(path: string): Promise<number | undefined>;
}

/** The real host. */
export function hostFacts(): HostFacts {
  return {
    platform: process.platform,
    freeMemory: () => freemem(),
    freeDisk: async (path) => {
      try { const { bavail, bsize } = await statfs(path); return bavail * bsize; } catch { return undefined; }
    },
  };
}

const gibibyte = 2 ** 30;
/** Bookinfo takes about 0.7 GiB; below the first figure it will not work, below the second it may not. */
const memory = { least: 1 * gibibyte, enough: 2 * gibibyte };
const disk = { least: 0.5 * gibibyte, enough: 3 * gibibyte };

/** Looks for the engine and checks what a lab needs of this machine. Never rejects. */
export async function checkMachine(probes: HostProbes): Promise<Preflight> {
  return await preflight(await findEngine(probes), { ...hostFacts(), platform: probes.platform }, rememberRegistries());
}

/** Checks what a lab needs, in order; what follows from a failed check is not asked. Never rejects. */
export async function preflight(search: Search, host: HostFacts, registry: Registry): Promise<Preflight> {
  const { engine } = search;
  if (engine === undefined) return done([engineMissing(search, host)]);
  let info: EngineInfo;
  try {
    info = await engine.info();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return done([{ id: 'engine', title: 'Docker engine', state: 'failed', detail: reason, tried: search.tried, fix: installHelp(host.platform) }]);
  }
  const checks = [engineFound(search, engine, info), versionCheck(info), memoryCheck(engine, info, host)];
  return done([...checks, await diskCheck(info, host), await imageCheck(engine, registry)]);
}

function done(checks: readonly PreflightCheck[]): Preflight {
  return { ok: checks.every(({ state }) => state !== 'failed'), checks };
}

function engineMissing({ tried }: Search, host: HostFacts): PreflightCheck {
  return { id: 'engine', title: 'Docker engine', state: 'failed', detail: 'No engine answers.', tried, fix: installHelp(host.platform) };
}

function engineFound({ tried }: Search, engine: Engine, info: EngineInfo): PreflightCheck {
  const name = info.podman ? 'Podman' : 'Docker';
  return { id: 'engine', title: 'Docker engine', state: 'ok', detail: `${name} ${info.version} on ${info.system || 'an unnamed system'}, at ${where(engine.endpoint)} (${engine.endpoint.source}).`, tried };
}

function versionCheck(info: EngineInfo): PreflightCheck {
  const check = { id: 'version', title: 'API version', tried: ['GET /version'] } as const;
  if (isOlder(info.apiVersion, minimumApi)) return { ...check, state: 'failed', detail: `The engine speaks API ${info.apiVersion}; Weft needs ${minimumApi}.`, fix: 'Update the engine to Docker 20.10 or later.' };
  if (info.architecture !== 'amd64' && info.architecture !== 'arm64') return { ...check, state: 'failed', detail: `The engine runs on ${info.architecture}; Weft’s images are for amd64 and arm64.`, fix: 'Use an engine on amd64 or arm64.' };
  return { ...check, state: 'ok', detail: `API ${info.apiVersion}, ${info.architecture}${info.rootless ? ', rootless' : ''}.` };
}

/** An engine in a machine of its own has a fixed share; one on this host competes with what runs here. */
function memoryCheck(engine: Engine, info: EngineInfo, host: HostFacts): PreflightCheck {
  const local = host.platform === 'linux' && 'socket' in engine.endpoint.address && !engine.endpoint.address.socket.includes('desktop');
  const free = local ? host.freeMemory() : undefined;
  const available = free === undefined ? info.memory : Math.min(free, info.memory);
  const what = free === undefined ? `The engine has ${size(info.memory)} of memory and ${info.cpus} CPUs.` : `${size(available)} of ${size(info.memory)} is free; ${info.cpus} CPUs.`;
  return judge('memory', 'Memory', available, memory, what, free === undefined ? ['GET /info'] : ['GET /info', 'free memory of this machine'],
    local ? 'Close programs, or start a smaller lab.' : 'Give the engine’s machine more: in Docker Desktop, Settings → Resources → Memory; `colima start --memory 4`.');
}

async function diskCheck(info: EngineInfo, host: HostFacts): Promise<PreflightCheck> {
  const tried = [`free space of ${info.rootFolder}`];
  const free = info.rootFolder === '' || host.platform !== 'linux' ? undefined : await host.freeDisk(info.rootFolder);
  if (free === undefined) return { id: 'disk', title: 'Disk', state: 'ok', detail: 'The engine keeps its data in a machine of its own, whose free space cannot be seen from here; the images take about 0.2 GiB.', tried };
  return judge('disk', 'Disk', free, disk, `${size(free)} free at ${info.rootFolder}.`, tried, 'Free some: `docker system df` shows what takes space, `docker image prune` and `docker builder prune` remove what is unused.');
}

function judge(id: 'memory' | 'disk', title: string, value: number, { least, enough }: { readonly least: number; readonly enough: number }, detail: string, tried: readonly string[], fix: string): PreflightCheck {
  if (value >= enough) return { id, title, state: 'ok', detail, tried };
  return { id, title, state: value < least ? 'failed' : 'warning', detail: `${detail} A lab wants ${size(enough)}.`, tried, fix };
}

/** Images need not be there: this says what will happen. */
async function imageCheck(engine: Engine, registry: Registry): Promise<PreflightCheck> {
  const check = { id: 'images', title: 'Images', tried: [`images labelled ${imageLabel}`] } as const;
  try {
    const [base, runtime] = await Promise.all([engine.images({ [imageLabel]: 'base' }), engine.images({ [imageLabel]: 'runtime' })]);
    if (runtime.length > 0) return { ...check, state: 'ok', detail: 'The lab’s image is here.' };
    if (base.length > 0) return { ...check, state: 'ok', detail: 'The base image is here; the lab’s image is made in about a second.' };
  } catch (error) {
    return { ...check, state: 'failed', detail: error instanceof Error ? error.message : String(error), fix: 'Look at the engine’s log.' };
  }
  const silent = registry.silent('node');
  return { ...check, state: 'ok', detail: `The lab’s image is made once, when the first lab starts (10 to 60 seconds): ${silent === undefined ? 'pulled' : `put together from Debian packages, since ${registryOf('node')} does not answer`}.` };
}

function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = than.split('.').map(Number);
  return major < needMajor || (major === needMajor && minor < needMinor);
}

function size(bytes: number): string {
  return `${(bytes / gibibyte).toFixed(1)} GiB`;
}

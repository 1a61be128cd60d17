import { homedir } from 'node:os';
import { join } from 'node:path';
import { hostProbes, requireEngine } from './docker/index.ts';
import { createCore, type Core } from './lab/index.ts';
import { dockerBackend } from './lab/docker-backend.ts';
import { generateLoad } from './load/index.ts';
import { checkMachine } from './preflight/index.ts';
import { readSamples } from './samples.ts';
import { openTutorials } from './tutorials/index.ts';

/** What a host process tells core about itself; core reads no environment of its own. */
export interface Host {
  /** The built files: `container/main.mjs`, `assets/`. */
  readonly dist: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** Core on the local Docker engine, for the CLI, the server and Electron alike. Nothing is touched before the first call. */
export function openCore({ dist, env, platform }: Host): Core {
  const probes = { ...hostProbes(env), platform };
  const backend = dockerBackend({
    engine: () => requireEngine(probes),
    preflight: () => checkMachine(probes),
    bundle: { main: join(dist, 'container/main.mjs'), nodeModules: [join(dist, '../node_modules'), join(dist, 'node_modules')] },
  });
  return createCore({
    backend,
    samples: () => readSamples(join(dist, 'assets/labs')),
    load: generateLoad,
    tutorials: (lab, emit) => openTutorials({ lab, emit, folder: join(dist, 'assets/tutorials'), progressFile: join(dataFolder(env, platform), 'tutorials.json') }),
  });
}

/** Where programs of this platform keep what is theirs. */
export function dataFolder(env: Host['env'], platform: NodeJS.Platform, home: string = homedir()): string {
  if (platform === 'darwin') return join(home, 'Library/Application Support/Weft');
  if (platform === 'win32') return join(env['APPDATA'] ?? join(home, 'AppData/Roaming'), 'Weft');
  return join(env['XDG_DATA_HOME'] ?? join(home, '.local/share'), 'weft');
}

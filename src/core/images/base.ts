import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { LabFailure } from '../../contract/index.ts';
import type { Engine } from '../docker/index.ts';
import { assembleRoot } from './debian-root.ts';
import { baseReference, contentLabel, dockerfile, imageLabel, publicBase, type BaseKind } from './recipe.ts';
import { pullWithin, type Registry } from './registry.ts';
import { readable } from './tar.ts';

/** What making an image needs besides the engine. */
export interface MakeOptions {
  readonly registry: Registry;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** Kinds of base in the order in which they are looked for. */
export const baseKinds: readonly BaseKind[] = ['pulled', 'assembled'];

/** The base image's reference; made when there is none yet. */
export async function ensureBase(engine: Engine, architecture: string, options: MakeOptions): Promise<string> {
  for (const kind of baseKinds) {
    const reference = baseReference(kind, architecture);
    if ((await engine.image(reference)) !== undefined) return reference;
  }
  const failures: string[] = [];
  for (const [kind, make] of [['pulled', pullBase], ['assembled', assembleBase]] as const) {
    const reference = baseReference(kind, architecture);
    try {
      await make(engine, reference, architecture, options);
      return reference;
    } catch (error) {
      if (!(error instanceof LabFailure) || error.code !== 'image-unavailable') throw error;
      failures.push(error.message);
    }
  }
  throw new LabFailure('image-unavailable', `The base image could not be made. ${failures.join(' ')}`, {
    help: `Give the engine access to a registry that has ${publicBase}, or load the image by hand (\`docker load\`). On Debian and Ubuntu it is also put together from packages, for which apt and npm must reach theirs.`,
  });
}

async function pullBase(engine: Engine, reference: string, _architecture: string, options: MakeOptions): Promise<void> {
  const onProgress = options.onProgress ?? (() => undefined);
  onProgress(`pulling ${publicBase}`);
  if ((await engine.image(publicBase)) === undefined) await pullWithin(engine, publicBase, options.registry, { ...options, onProgress });
  const context = pack();
  context.entry({ name: 'Dockerfile' }, dockerfile);
  context.finalize();
  onProgress('adding iptables');
  try {
    await engine.buildImage(reference, readable(context), { labels: labelsOf(reference), signal: options.signal, onProgress });
  } catch (error) {
    if (error instanceof LabFailure && error.code === 'internal') throw new LabFailure('image-unavailable', error.message, { cause: error });
    throw error;
  }
}

async function assembleBase(engine: Engine, reference: string, architecture: string, { signal, onProgress = () => undefined }: MakeOptions): Promise<void> {
  if (process.platform !== 'linux') throw new LabFailure('image-unavailable', 'Without a registry a base can be put together on Linux only.');
  const folder = await mkdtemp(join(tmpdir(), 'weft-base-'));
  try {
    const tar = await assembleRoot({ folder, architecture, signal, onProgress });
    const changes = ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...Object.entries(labelsOf(reference)).map(([name, value]) => `LABEL ${name}=${value}`)];
    await engine.importImage(reference, tar, { changes, signal, onProgress: () => undefined });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function labelsOf(reference: string): Readonly<Record<string, string>> {
  return { [imageLabel]: 'base', [contentLabel]: reference.split(':')[1] ?? '' };
}

import { createHash, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { proxyUid } from '../../contract/index.ts';
import type { Engine, ImageInfo } from '../docker/index.ts';
import { baseKinds, ensureBase, type MakeOptions } from './base.ts';
import { readBundle, type BundleSource } from './bundle.ts';
import type { PackedFile } from './npm-package.ts';
import { baseReference, contentLabel, digest, imageLabel } from './recipe.ts';
import { readable } from './tar.ts';

/** The image that all of the lab's own containers run. */
export interface RuntimeImage {
  /** `weft/runtime:<content>`. */
  readonly reference: string;
  /** Milliseconds that it took; near 0 when it was there. */
  readonly took: number;
  readonly made: 'nothing' | 'runtime' | 'base and runtime';
}

/** How many older runtime images stay, so that a lab that is just being started by another program keeps its own. */
const keptOlder = 2;
/** Milliseconds for which a new image is left alone in any case, for the same reason. */
const graceful = 600_000;

/**
 * Makes sure that the runtime image with this bundle exists: Node, the bundle, iptables and a shell. Tagged by content, so a second call
 * makes nothing; a change of code makes only the thin layer above the base.
 */
export async function ensureImage(engine: Engine, source: BundleSource, options: MakeOptions): Promise<RuntimeImage> {
  const started = performance.now();
  const { architecture } = await engine.info();
  const [files, existing] = await Promise.all([readBundle(source, architecture, options.signal), engine.images({ [imageLabel]: 'runtime' })]);
  const took = (): number => Math.round(performance.now() - started);
  const content = contentOf(files);
  const candidates = baseKinds.map((kind) => runtimeReference(baseReference(kind, architecture), content));
  const ready = candidates.find((reference) => existing.some(({ references }) => hasReference(references, reference)));
  if (ready !== undefined) return { reference: ready, took: took(), made: 'nothing' };
  const bases = await engine.images({ [imageLabel]: 'base' });
  const base = await ensureBase(engine, architecture, options);
  const reference = runtimeReference(base, content);
  options.onProgress?.('adding the bundle');
  await addBundle(engine, base, reference, files, content);
  await prune(engine, existing);
  return { reference, took: took(), made: bases.some(({ references }) => hasReference(references, base)) ? 'runtime' : 'base and runtime' };
}

/** Podman says `localhost/weft/runtime:…` where Docker says `weft/runtime:…`. */
function hasReference(references: readonly string[], reference: string): boolean {
  return references.some((known) => known === reference || known === `localhost/${reference}`);
}

function runtimeReference(base: string, content: string): string {
  return `weft/runtime:${digest(`${base}\n${content}\n${layout}${changes.join('\n')}`)}`;
}

const changes = ['ENTRYPOINT ["node","/weft/main.mjs"]', 'CMD []', 'WORKDIR /', 'USER 0', 'ENV NODE_ENV=production'];
/** Raised when what is put beside the bundle changes. */
const layout = 2;

function contentOf(files: readonly PackedFile[]): string {
  const hash = createHash('sha256');
  for (const { path, content } of files) hash.update(`${path}\0${content.length}\0`).update(content);
  return hash.digest('hex').slice(0, 12);
}

/** Create, copy, commit: about a second, and unlike a build it works the same on every engine. */
async function addBundle(engine: Engine, base: string, reference: string, files: readonly PackedFile[], content: string): Promise<void> {
  const container = await engine.createContainer({
    name: `weft-image-${randomUUID().slice(0, 8)}`, image: base, labels: { [imageLabel]: 'build' }, entrypoint: ['true'], env: {}, network: 'none',
    capabilities: [], noNewPrivileges: true, memoryBytes: 64 * 1024 * 1024, pids: 16, restart: 'no',
  });
  try {
    await engine.putArchive(container, '/', archive(files));
    await engine.commitImage(container, reference, [...changes, `LABEL ${imageLabel}=runtime`, `LABEL ${contentLabel}=${content}`]);
  } finally {
    await engine.removeContainer(container);
  }
}

function archive(files: readonly PackedFile[]): Readable {
  const tar = pack();
  const folders = new Set<string>(['weft']);
  for (const { path } of files) for (const [index] of path.split('/').slice(1).entries()) folders.add(`weft/${path.split('/').slice(0, index + 1).join('/')}`);
  for (const name of folders) tar.entry({ name, type: 'directory', mode: 0o755 });
  // Where the control plane keeps its state: a volume that is mounted here starts with this owner.
  for (const name of ['var', 'var/lib']) tar.entry({ name, type: 'directory', mode: 0o755 });
  tar.entry({ name: 'var/lib/weft', type: 'directory', mode: 0o700, uid: proxyUid, gid: proxyUid });
  for (const { path, mode, content } of files) tar.entry({ name: `weft/${path}`, mode, size: content.length }, content);
  tar.finalize();
  return readable(tar);
}

/** Runtime images that nobody uses and that are not among the newest go; an engine refuses to remove those in use. */
async function prune(engine: Engine, older: readonly ImageInfo[]): Promise<void> {
  const byAge = [...older].sort((a, b) => b.created - a.created);
  const old = byAge.slice(keptOlder).filter(({ created }) => Date.now() - created > graceful);
  for (const image of old) for (const reference of image.references.length === 0 ? [image.id] : image.references) await engine.removeImage(reference);
}

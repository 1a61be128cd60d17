import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LabFailure } from '../../contract/index.ts';
import { fetchPackage, readPackage, type PackedFile } from './npm-package.ts';

/** Where the files for the runtime image come from. */
export interface BundleSource {
  /** `dist/container/main.mjs`. */
  readonly main: string;
  /** Folders that may hold `koffi` and `@koromix/koffi-linux-…`; what is in none is fetched with npm. */
  readonly nodeModules: readonly string[];
}

/** All files below `/weft` in the runtime image, sorted by path. */
export async function readBundle({ main, nodeModules }: BundleSource, architecture: string, signal?: AbortSignal): Promise<readonly PackedFile[]> {
  if (!existsSync(main)) throw new LabFailure('internal', `The containers’ bundle is missing: ${main}.`, { help: 'Build it: npm run build.' });
  const chunks = (await readdir(dirname(main))).filter((name) => /\.[cm]js$/.test(name));
  const own = await Promise.all(chunks.map(async (name) => ({ path: name, mode: 0o644, content: await readFile(join(dirname(main), name)) })));
  const processor = architecture === 'amd64' ? 'x64' : architecture;
  const version = await koffiVersion(nodeModules);
  const native = `@koromix/koffi-linux-${processor}`;
  const [koffi, binary] = await Promise.all([
    packageFiles('koffi', version, nodeModules, (path) => /^(package\.json|index\.c?js|src\/koffi\/(index|indirect)\.c?js|src\/koffi\/src\/[a-z]+\.c?js)$/.test(path), signal),
    packageFiles(native, version, nodeModules, (path) => path === 'package.json' || path === 'index.js' || path.startsWith(`linux_${processor}/`), signal),
  ]);
  return [...own, ...koffi, ...binary].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function koffiVersion(nodeModules: readonly string[]): Promise<string> {
  const file = nodeModules.map((folder) => join(folder, 'koffi/package.json')).find(existsSync);
  if (file === undefined) throw new LabFailure('internal', 'The package koffi is not installed.', { help: 'Run npm ci.' });
  return (JSON.parse(await readFile(file, 'utf8')) as { version: string }).version;
}

async function packageFiles(name: string, version: string, nodeModules: readonly string[], wanted: (path: string) => boolean, signal: AbortSignal | undefined): Promise<readonly PackedFile[]> {
  const folder = nodeModules.map((parent) => join(parent, name)).find(existsSync);
  const files = folder === undefined ? await fetchFiles(`${name}@${version}`, wanted, signal) : await folderFiles(folder, wanted);
  return files.map((file) => ({ ...file, path: `node_modules/${name}/${file.path}` }));
}

async function folderFiles(folder: string, wanted: (path: string) => boolean): Promise<readonly PackedFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/')).filter(wanted);
  return Promise.all(paths.map(async (path) => ({ path, mode: 0o644, content: await readFile(join(folder, path)) })));
}

/** On a Mac or Windows, npm has installed the native part of that system only. */
async function fetchFiles(specifier: string, wanted: (path: string) => boolean, signal: AbortSignal | undefined): Promise<readonly PackedFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-npm-'));
  try {
    return await readPackage(await fetchPackage(specifier, folder, signal), wanted);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { LabFailure } from '../../contract/index.ts';
import type { SourceFile } from '../../manifest/index.ts';

const manifest = /\.(ya?ml|json)$/i;
const maxBytes = 16 * 1024 * 1024;
const maxFiles = 2000;

/**
 * Reads manifests from files and folders (recursively; hidden folders and `node_modules` are left out). A file is known by its name, a file in
 * a folder by its path below it; where two would be known by the same name, by folder and name.
 * `namespace`, as `kubectl -n`, goes to resources that name none, and tells files of the same name apart.
 * Rejects with `manifest-unreadable`, which names the path and the cause.
 */
export async function readFiles(paths: readonly string[], stdin?: () => Promise<string>, namespace?: string): Promise<readonly SourceFile[]> {
  const found: { absolute: string; path: string; text: string }[] = [];
  for (const given of paths) {
    if (given === '-' && stdin !== undefined) {
      found.push({ absolute: '-', path: 'stdin.yaml', text: await stdin() });
      continue;
    }
    const base = resolve(given);
    for (const absolute of await listFiles(base, given)) {
      if (found.some((other) => other.absolute === absolute)) continue;
      const below = relative(base, absolute);
      found.push({ absolute, path: (below === '' ? basename(absolute) : below).split(sep).join('/'), text: await read(absolute) });
      if (found.length > maxFiles) throw new LabFailure('manifest-unreadable', `${given} holds more than ${maxFiles} manifests.`, { help: 'Name a smaller folder.' });
    }
  }
  return found.map(({ absolute, path, text }) => ({
    path: `${namespace === undefined ? '' : `${namespace}/`}${found.filter((other) => other.path === path).length === 1 ? path : `${basename(dirname(absolute))}/${path}`}`,
    text, ...(namespace === undefined ? {} : { namespace }),
  }));
}

async function listFiles(base: string, given: string): Promise<readonly string[]> {
  const info = await stat(base).catch((cause: unknown) => { throw unreadable(given, cause); });
  if (!info.isDirectory()) return [base];
  const entries = await readdir(base, { withFileTypes: true, recursive: true }).catch((cause: unknown) => { throw unreadable(given, cause); });
  const files = entries.filter((entry) => entry.isFile() && manifest.test(entry.name)).map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(base, file).split(sep).some((part) => part === 'node_modules' || part.startsWith('.')));
  if (files.length === 0) throw new LabFailure('manifest-unreadable', `${given} holds no manifests.`, { help: 'Manifests end in .yaml, .yml or .json.' });
  return files.sort();
}

async function read(file: string): Promise<string> {
  const info = await stat(file);
  if (info.size > maxBytes) throw new LabFailure('manifest-unreadable', `${file} is larger than 16 MiB.`, { help: 'Split it.' });
  return await readFile(file, 'utf8').catch((cause: unknown) => { throw unreadable(file, cause); });
}

function unreadable(path: string, cause: unknown): LabFailure {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const why = { ENOENT: 'there is no such file or folder', EACCES: 'this user may not read it', EISDIR: 'it is a folder' }[code] ?? String(cause);
  return new LabFailure('manifest-unreadable', `${path} cannot be read: ${why}.`, { help: 'Check the path and its permissions.', cause });
}

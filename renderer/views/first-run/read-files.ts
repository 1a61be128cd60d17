import type { SourceFile } from '../../../src/manifest/index.ts';

/** Manifests are read, other files of a folder are left alone. */
export const isManifest = (path: string): boolean => /\.(ya?ml|json)$/i.test(path);

/** Reads the manifests among chosen files; a chosen folder's own name is not part of their paths. */
export async function readChosen(files: Iterable<File>): Promise<readonly SourceFile[]> {
  const chosen = [...files].filter(file => isManifest(file.name));
  return await Promise.all(chosen.map(async file => ({ path: relative(file.webkitRelativePath || file.name), text: await file.text() })));
}

/** Reads dropped files and folders. Must be called while the event is handled: the items are gone afterwards. */
export async function readDropped(transfer: DataTransfer): Promise<readonly SourceFile[]> {
  const entries = [...transfer.items].flatMap(item => item.webkitGetAsEntry() ?? []);
  const found = (await Promise.all(entries.map(entry => walk(entry, '')))).flat();
  const folder = entries.length === 1 && entries[0]?.isDirectory === true;
  return folder ? found.map(file => ({ ...file, path: relative(file.path) })) : found;
}

/** Deeper folders than this are not somebody's manifests. */
const deepest = 12;

async function walk(entry: FileSystemEntry, folder: string, depth = 0): Promise<readonly SourceFile[]> {
  const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
  if (isFile(entry)) {
    if (!isManifest(entry.name)) return [];
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path, text: await file.text() }];
  }
  if (!isFolder(entry) || depth > deepest || entry.name === 'node_modules' || entry.name.startsWith('.')) return [];
  const inside = await readAll(entry.createReader());
  return (await Promise.all(inside.map(each => walk(each, path, depth + 1)))).flat();
}

/** A reader gives a hundred entries at a time, then none. */
async function readAll(reader: FileSystemDirectoryReader): Promise<readonly FileSystemEntry[]> {
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile;
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory;
const relative = (path: string): string => path.slice(path.indexOf('/') + 1);

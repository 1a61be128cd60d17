import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import type { PlacedFile, PlannedVolume } from './volumes.ts';

/** The folders of volumes and their files as a tar, below the folder where the sandbox has them all. An entry for the top itself would be passed over by Docker. */
export function volumesArchive(volumes: readonly PlannedVolume[]): Readable {
  const tar = pack();
  for (const { name, mode, group, files } of volumes) {
    tar.entry({ name, type: 'directory', mode, gid: group });
    for (const folder of foldersOf(files)) tar.entry({ name: `${name}/${folder}`, type: 'directory', mode: 0o755, gid: group });
    for (const { path, mode: bits, content } of files) tar.entry({ name: `${name}/${path}`, mode: bits, gid: group, size: content.length }, content);
  }
  tar.finalize();
  return Readable.from(tar as AsyncIterable<Buffer>, { objectMode: false });
}

/** Files with paths from the root, as a tar; folders on the way are left to the engine, so that those of the image keep their owners. */
export function rootArchive(files: readonly PlacedFile[]): Readable {
  const tar = pack();
  for (const { path, mode, content } of files) tar.entry({ name: path, mode, size: content.length }, content);
  tar.finalize();
  return Readable.from(tar as AsyncIterable<Buffer>, { objectMode: false });
}

function foldersOf(files: readonly PlacedFile[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/');
    for (let count = 1; count < parts.length; count++) folders.add(parts.slice(0, count).join('/'));
  }
  return folders;
}

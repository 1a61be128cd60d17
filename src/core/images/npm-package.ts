import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { runProgram } from './run-program.ts';

/** A file of a package: its path without npm's leading `package/`. */
export interface PackedFile {
  readonly path: string;
  readonly mode: number;
  readonly content: Buffer;
}

/** Fetches a package with the npm client (which checks its integrity and keeps it in its cache) into `folder`; returns the archive's path. */
export async function fetchPackage(specifier: string, folder: string, signal?: AbortSignal): Promise<string> {
  const printed = await runProgram('npm', ['pack', specifier, '--pack-destination', folder, '--silent', '--ignore-scripts', '--json'], { cwd: folder, signal });
  const [packed] = JSON.parse(printed) as { filename: string }[];
  return join(folder, (packed?.filename ?? '').replace('@', '').replace('/', '-'));
}

/** Reads the files of a package's archive that `wanted` picks by path. */
export async function readPackage(archive: string, wanted: (path: string) => boolean): Promise<readonly PackedFile[]> {
  const files: PackedFile[] = [];
  const entries = createReadStream(archive).pipe(createGunzip()).pipe(extract());
  for await (const entry of entries) {
    const { name, mode, type } = entry.header as Header;
    const path = name.replace(/^[^/]*\//, '');
    if (type !== 'file' || !wanted(path)) { entry.resume(); continue; }
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    files.push({ path, mode: mode ?? 0o644, content: Buffer.concat(chunks) });
  }
  return files;
}

import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { mediaType, servedPath } from '../util/media-types.ts';

/** A file of the renderer, ready to be sent. */
export interface StaticFile {
  readonly type: string;
  readonly body: Buffer;
  /** `immutable` for names that carry a content hash, else `no-store`. */
  readonly cache: string;
}

/** Reads the file that a URL path names; `undefined` when there is none, or when it stands outside of the folder (symbolic links included). */
export async function readStatic(folder: string, urlPath: string): Promise<StaticFile | undefined> {
  const path = servedPath(urlPath);
  const type = path === undefined ? undefined : mediaType(path);
  if (path === undefined || type === undefined) return undefined;
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, path));
    if (!file.startsWith(root + sep)) return undefined;
    const cache = /^assets\/.+-[\w-]{8,}\.\w+$/.test(path) ? 'public, max-age=31536000, immutable' : 'no-store';
    return { type, body: await readFile(file), cache };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENAMETOOLONG';
}

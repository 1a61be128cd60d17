import { copyFile, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';

/** A value kept in one file, with the last good one beside it. */
export interface StateFile<T> {
  /** Resolves when the value, or a newer one, is on the disk; rejects with the system's error. Values that come in while one is written are written as one. */
  save(value: T): Promise<void>;
  /** Resolves when nothing is being written. */
  settled(): Promise<void>;
}

/** What was found at the start. */
export interface Loaded<T> {
  readonly value: T | undefined;
  /** What was wrong with the newest file, when the last good one (or nothing) was taken. */
  readonly problem?: string;
}

/** Reads `NAME.json`, else `NAME.last.json`. Never throws for what the files hold. */
export async function loadState<T>(directory: string, name: string, schema: z.ZodType<T>): Promise<Loaded<T>> {
  const newest = await read(join(directory, `${name}.json`), schema);
  if ('value' in newest) return newest;
  const last = await read(join(directory, `${name}.last.json`), schema);
  if (newest.missing && 'missing' in last && last.missing) return { value: undefined };
  // Out of the way, so that the next save does not make it the last good one.
  if (!newest.missing) await rename(join(directory, `${name}.json`), join(directory, `${name}.unreadable.json`)).catch(() => undefined);
  if ('value' in last) return { value: last.value, problem: `${name}.json: ${newest.problem}; the last good copy was taken` };
  return { value: undefined, problem: `${name}.json: ${newest.problem}; ${name}.last.json: ${last.problem}` };
}

type Read<T> = { readonly value: T } | { readonly missing: boolean; readonly problem: string };

async function read<T>(path: string, schema: z.ZodType<T>): Promise<Read<T>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return { missing: code === 'ENOENT', problem: code === 'ENOENT' ? 'is missing' : `does not open (${code ?? String(error)})` };
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { missing: false, problem: 'is not JSON' };
  }
  const checked = schema.safeParse(json);
  return checked.success ? { value: checked.data } : { missing: false, problem: `does not fit: ${checked.error.issues[0]?.message ?? 'wrong shape'}` };
}

/** Opens a state file for writing; the directory is made when it is missing. Readable by its owner only: it holds what Secrets hold. */
export function openStateFile<T>(directory: string, name: string): StateFile<T> {
  let waiting: { value: T; done: PromiseWithResolvers } | undefined;
  let running: Promise<void> = Promise.resolve();
  let busy = false;

  const run = async (): Promise<void> => {
    busy = true;
    while (waiting !== undefined) {
      const { value, done } = waiting;
      waiting = undefined;
      await write(directory, name, JSON.stringify(value)).then(done.resolve, done.reject);
    }
    busy = false;
  };
  return {
    save: (value) => {
      if (waiting === undefined) waiting = { value, done: withResolvers() };
      else waiting.value = value;
      const { promise } = waiting.done;
      if (!busy) running = run();
      return promise;
    },
    settled: () => running,
  };
}

/** Writes beside the file, flushes, keeps the file that was there as the last good one, and puts the new one in its place. */
async function write(directory: string, name: string, text: string): Promise<void> {
  const path = join(directory, `${name}.json`);
  const temporary = join(directory, `${name}.tmp`);
  const last = join(directory, `${name}.last.json`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  try {
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await keepLast(path, last);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(directory);
}

/** The file that is there becomes the last good one; where there is none, the last good one stays. */
async function keepLast(path: string, last: string): Promise<void> {
  const kept = `${last}.tmp`;
  try {
    await rm(kept, { force: true });
    // Some file systems have no hard links.
    await link(path, kept).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? Promise.reject(error) : copyFile(path, kept)));
    await rename(kept, last);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Not every file system can flush a directory; the rename itself has been done.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

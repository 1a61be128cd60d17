import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';

/** Where progress is kept between launches. Reading gives `undefined` when nothing (or nothing readable) is kept. */
export interface ProgressStorage {
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

/** Progress in a file: written beside, flushed, renamed over, so that a crash leaves the old one or the new one. */
export function fileStorage(file: string): ProgressStorage {
  return {
    read: () => readFile(file, 'utf8').catch(() => undefined),
    async write(text) {
      await mkdir(dirname(file), { recursive: true });
      const handle = await open(`${file}.new`, 'w', 0o600);
      try {
        await handle.writeFile(text);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(`${file}.new`, file);
    },
  };
}

/** Ids of the steps that are done, by lab and tutorial. */
export interface Progress {
  get(lab: string, tutorial: string): Promise<readonly string[]>;
  set(lab: string, tutorial: string, done: readonly string[]): Promise<void>;
}

const schema = z.record(z.string(), z.record(z.string(), z.array(z.string())));

/** Progress over a storage. What cannot be written is kept in memory: a full disk costs no step that was made. */
export function createProgress(storage: ProgressStorage): Progress {
  let held: Promise<Record<string, Record<string, string[]>>> | undefined;
  let writing = Promise.resolve();
  const load = async (): Promise<Record<string, Record<string, string[]>>> => {
    const text = await storage.read();
    try {
      return text === undefined ? {} : schema.parse(JSON.parse(text));
    } catch {
      return {};
    }
  };
  return {
    async get(lab, tutorial) {
      held ??= load();
      return (await held)[lab]?.[tutorial] ?? [];
    },
    async set(lab, tutorial, done) {
      held ??= load();
      const all = await held;
      (all[lab] ??= {})[tutorial] = [...done];
      writing = writing.then(() => storage.write(JSON.stringify(all))).catch(() => undefined);
      await writing;
    },
  };
}

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TutorialState } from '../../contract/index.ts';
import { fileStorage } from './progress.ts';
import type { TutorialLab } from './session.ts';
import { createTutorials, type Tutorials } from './tutorials.ts';

export { createTutorials, type Tutorials, type TutorialsOptions } from './tutorials.ts';
export type { ProgressStorage } from './progress.ts';
export type { Clock, TutorialLab } from './session.ts';

/** What the running app gives tutorials. */
export interface OpenTutorialsOptions {
  readonly lab: TutorialLab;
  /** Folder with a Markdown file for each tutorial. */
  readonly folder: string;
  /** Where progress is kept between launches. */
  readonly progressFile: string;
  readonly emit: (state: TutorialState) => void;
}

/** The tutorials that ship with the app, over a real lab. */
export function openTutorials({ lab, folder, progressFile, emit }: OpenTutorialsOptions): Tutorials {
  return createTutorials({
    lab, emit,
    texts: () => readTexts(folder),
    storage: fileStorage(progressFile),
    clock: {
      now: () => Date.now(),
      every: (milliseconds, run) => {
        const timer = setInterval(run, milliseconds);
        return () => clearInterval(timer);
      },
    },
  });
}

/** Markdown by id. */
export async function readTexts(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.md'));
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name.slice(0, -3), await readFile(join(folder, name), 'utf8')] as const)));
}

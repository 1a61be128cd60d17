import type { SourceFile } from '../../../src/manifest/index.ts';

/** What the person has written and not yet applied. */
export interface Drafts {
  /** Text by path, for files that differ from the lab's, new ones included. */
  readonly texts: Readonly<Record<string, string>>;
  /** What the lab's file said when the draft was begun, to notice when somebody else changes it. */
  readonly bases: Readonly<Record<string, string>>;
}

export const noDrafts: Drafts = { texts: {}, bases: {} };

/** How a file stands: as the lab has it, edited, new, or edited while the lab's own changed underneath. */
export type FileState = 'same' | 'edited' | 'new' | 'overtaken';

/** A file of the tree. */
export interface OpenFile {
  readonly path: string;
  /** What is shown. */
  readonly text: string;
  /** What the lab has; `undefined` for a new file. */
  readonly held: string | undefined;
  readonly state: FileState;
}

/** The lab's files with the drafts over them, sorted by path. */
export function overlay(files: readonly SourceFile[], drafts: Drafts): readonly OpenFile[] {
  const held = new Map(files.map(file => [file.path, file.text]));
  const paths = [...new Set([...held.keys(), ...Object.keys(drafts.texts)])].sort();
  return paths.map(path => {
    const mine = drafts.texts[path];
    const theirs = held.get(path);
    return { path, text: mine ?? theirs ?? '', held: theirs, state: stateOf(mine, theirs, drafts.bases[path]) };
  });
}

function stateOf(mine: string | undefined, theirs: string | undefined, base: string | undefined): FileState {
  if (mine === undefined || mine === theirs) return 'same';
  if (theirs === undefined) return 'new';
  return base !== undefined && base !== theirs ? 'overtaken' : 'edited';
}

/** Takes in a text; what is as the lab has it is no draft. */
export function edit(drafts: Drafts, path: string, text: string, held: string | undefined): Drafts {
  if (text === held) return forget(drafts, [path]);
  const bases = held === undefined || drafts.bases[path] !== undefined ? drafts.bases : { ...drafts.bases, [path]: held };
  return { texts: { ...drafts.texts, [path]: text }, bases };
}

/** Drops drafts: they were applied, or given up. */
export function forget({ texts, bases }: Drafts, paths: readonly string[]): Drafts {
  const without = (all: Readonly<Record<string, string>>): Record<string, string> => Object.fromEntries(Object.entries(all).filter(([path]) => !paths.includes(path)));
  return { texts: without(texts), bases: without(bases) };
}

/** Why a path cannot be a new file's; `undefined` when it can. */
export function pathProblem(path: string, files: readonly OpenFile[]): string | undefined {
  if (path === '') return 'Give it a name.';
  if (!/\.(ya?ml|json)$/i.test(path)) return 'Manifests end in .yaml, .yml or .json.';
  if (path.startsWith('/') || path.split('/').some(part => part === '' || part === '.' || part === '..') || /[\\\0:]/.test(path)) return 'Use a path inside the lab, with forward slashes.';
  return files.some(file => file.path === path) ? 'There is a file of that name.' : undefined;
}

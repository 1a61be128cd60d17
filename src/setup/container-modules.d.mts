import type { Plugin } from 'esbuild';

export function nodeModules(): Plugin;
export function seldomNeeded(): Plugin;

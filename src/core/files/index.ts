/** Manifests on the host's disk. */
export { readFiles } from './read-files.ts';

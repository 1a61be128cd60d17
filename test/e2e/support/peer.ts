import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { SourceFile } from '../../../src/manifest/index.ts';

/** The folder of peer data; tests that read it skip where it is missing. */
export const peerDir = process.env['PEER_DIR'] ?? join(import.meta.dirname, '../../../../shared/peer');
export const hasPeer = existsSync(peerDir);

/** Istio's sample files by their paths below `istio-samples`, as they are. */
export function sample(...paths: readonly string[]): readonly SourceFile[] {
  return paths.map((path) => ({ path, text: readFileSync(join(peerDir, 'istio-samples', path), 'utf8') }));
}

/** All sample files. */
export function allSamples(): readonly SourceFile[] {
  const root = join(peerDir, 'istio-samples');
  const walk = (dir: string): string[] => readdirSync(dir).flatMap((name) => (statSync(join(dir, name)).isDirectory() ? walk(join(dir, name)) : [join(dir, name)]));
  return walk(root).filter((file) => /\.ya?ml$/.test(file)).map((file) => ({ path: relative(root, file), text: readFileSync(file, 'utf8') }));
}

import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchPackage, readPackage } from '../../src/core/images/npm-package.ts';
import { nodeVersion } from '../../src/core/images/recipe.ts';

/** The Node that workers run on. */
export interface WorkerNode {
  readonly path: string;
  readonly version: string;
}

/** The Node that runs the bench itself. */
export const ownNode: WorkerNode = { path: process.execPath, version: process.versions.node };

/** The Node that sidecars have in their containers, fetched once; the bench's own where it cannot be had. */
export async function containerNode(): Promise<WorkerNode> {
  const processor = process.arch;
  if (process.platform !== 'linux' || (processor !== 'x64' && processor !== 'arm64')) return ownNode;
  const path = join(tmpdir(), `weft-bench-node-${nodeVersion}-${process.getuid?.() ?? 0}`, 'node');
  if (existsSync(path)) return { path, version: nodeVersion };
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-node-'));
  try {
    const archive = await fetchPackage(`node-linux-${processor}@${nodeVersion}`, folder);
    const [file] = await readPackage(archive, (name) => name === 'bin/node');
    if (file === undefined) return ownNode;
    writeFileSync(join(folder, 'node'), file.content);
    chmodSync(join(folder, 'node'), 0o755);
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
    renameSync(join(folder, 'node'), path);
    return { path, version: nodeVersion };
  } catch (error) {
    console.error(`Node ${nodeVersion} cannot be had, so the workers run on ${ownNode.version}: ${String(error)}`);
    return ownNode;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

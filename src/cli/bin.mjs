#!/usr/bin/env node
// The `weft` command in a clone: builds first when nothing is built, then runs the bundle.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../setup/paths.mjs';

const bundle = join(root, 'dist/cli/main.mjs');
if (!existsSync(bundle)) {
  const { prepare } = await import('../setup/prepare.mjs');
  await prepare();
}
await import(pathToFileURL(bundle).href);

// `npm run check`: types, lint, layers and unit tests; no engine, no browser.
import { prepare } from './prepare.mjs';
import { bin, root } from './paths.mjs';
import { join } from 'node:path';
import { run } from './run.mjs';

await prepare();
const checks = [
  ['types', bin('tsc'), ['-p', 'tsconfig.json']],
  ['types of the pure layers', bin('tsc'), ['-p', 'src/tsconfig.pure.json']],
  ['lint', bin('eslint'), ['--config', '.config/eslint.config.mjs', '--cache', '--cache-location', join(root, 'node_modules/.weft/eslint'), 'src', 'renderer', 'electron', 'test']],
  ['unit tests', bin('vitest'), ['run', '--config', 'test/vitest.config.ts', '--project', 'unit']],
];
let failed = 0;
for (const [title, command, args] of checks) {
  const started = performance.now();
  const code = await run(command, args);
  console.log(`${code === 0 ? '✓' : '✗'} ${title} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  failed += code === 0 ? 0 : 1;
}
process.exit(failed === 0 ? 0 : 1);

// `npm run soak`: the tests that take long (rotations by the hundred, a control plane dead for ten minutes). `npm run soak -- -t rotat` runs those of a name.
import { bin } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { run } from './run.mjs';

await prepare();
process.exit(await run(bin('vitest'), ['run', '--config', 'test/soak/vitest.config.ts', ...process.argv.slice(2)]));

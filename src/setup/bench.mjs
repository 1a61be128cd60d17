// `npm run bench`: sets up the peers, then prints ratios of one run; `-- --json` prints one object.
import { existsSync } from 'node:fs';
import { ensureEngine, installPackages } from './engine.mjs';
import { root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { run } from './run.mjs';

const args = process.argv.slice(2);
// Progress would spoil the one object.
if (args.includes('--json')) process.stdout.write = ((write) => (text, ...rest) => (String(text).startsWith('{') ? write(text, ...rest) : process.stderr.write(text, ...rest)))(process.stdout.write.bind(process.stdout));
await prepare();
if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/etc/debian_version')) await installPackages('Installing peers and load generators', ['nginx-light', 'haproxy', 'wrk', 'nghttp2-client', 'chromium', 'fonts-dejavu-core']);
const stop = await ensureEngine({ yes: true });
const code = await run(process.execPath, ['--import', 'tsx', 'test/bench/main.ts', ...args], { cwd: root });
await stop?.();
process.exit(code);

// `npm run dev`: the core behind Vite's dev server, rebuilt and restarted when a source changes.
import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureEngine } from './engine.mjs';
import { root } from './paths.mjs';
import { prepare } from './prepare.mjs';

await prepare();
await ensureEngine({ yes: false });
let server = serve();
let timer;
for (const dir of ['src', 'renderer', 'assets']) {
  watch(join(root, dir), { recursive: true }, (_event, file) => {
    clearTimeout(timer);
    timer = setTimeout(() => { void rebuild(dir, String(file)); }, 150);
  });
}

function serve() {
  return spawn(process.execPath, [join(root, 'dist/cli/main.mjs'), 'serve', '--port', '4173'], { cwd: root, stdio: 'inherit' });
}

async function rebuild(dir, file) {
  console.log(`changed: ${dir}/${file}`);
  try {
    await build({ only: dir === 'renderer' ? ['renderer'] : ['container', 'cli'] });
  } catch (error) {
    console.error(error.message);
    return;
  }
  if (dir === 'renderer') return;
  const old = server;
  old.once('exit', () => { server = serve(); });
  old.kill('SIGTERM');
}

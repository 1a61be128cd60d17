// `npm test`: sets up what the tests need (packages, build, engine, browser, peers), runs all of them, and stops what it started.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureEngine, installPackages } from './engine.mjs';
import { bin, root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { quiet, run, step } from './run.mjs';

/** Debian packages: a browser with a font, real clients and peers, and what Electron and its virtual display link against. */
const packages = {
  'Installing the browser and clients for tests': ['chromium', 'fonts-dejavu-core', 'curl', 'openssl', 'nghttp2-client', 'iproute2', 'iptables', 'tcpdump', 'prometheus', 'python3-grpcio'],
  'Installing what Electron needs': ['xvfb', 'xauth', 'libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'libxss1', 'libatk-bridge2.0-0', 'libdrm2', 'libsecret-1-0', 'libnotify4', 'unzip'],
};

const args = process.argv.slice(2);
const started = [];
let code = 1;
try {
  await prepare();
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    for (const [title, names] of Object.entries(packages)) await installPackages(title, names);
  }
  const stopEngine = await ensureEngine({ yes: true });
  if (stopEngine !== undefined) started.push(stopEngine);
  const env = { ...process.env, ...await electronEnvironment() };
  code = await run(bin('vitest'), ['run', '--config', 'test/vitest.config.ts', ...args], { env });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
} finally {
  for (const stop of started.reverse()) await stop();
}
process.exit(code);

/** An Electron runtime for tests, where a script beside the clone can make one; else the package's own, when it was downloaded. */
async function electronEnvironment() {
  if (process.env.ELECTRON_OVERRIDE_DIST_PATH !== undefined) return {};
  const tool = process.env.WEFT_ELECTRON_RUNTIME ?? join(root, '../shared/tools/electron-runtime');
  if (existsSync(join(root, 'node_modules/electron/dist')) || !existsSync(tool)) return {};
  const dist = await step('Preparing an Electron runtime', () => quiet(tool, [])).catch((error) => { console.log(error.message); return ''; });
  return dist.trim() === '' ? {} : { ELECTRON_OVERRIDE_DIST_PATH: dist.trim().split('\n').at(-1) };
}

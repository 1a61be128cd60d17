// `npm start`: sets up what is missing, then opens the window, or serves the same UI where no window can be.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureEngine } from './engine.mjs';
import { root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { quiet, run, step } from './run.mjs';

const args = process.argv.slice(2);
try {
  await prepare();
  await ensureEngine({ yes: args.includes('--yes') });
  process.exit(await open());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}

async function open() {
  const wanted = !args.includes('--browser');
  const electron = wanted && hasDisplay() ? electronRuntime() ?? await downloadElectron() : undefined;
  const reason = !wanted ? undefined : !hasDisplay() ? 'there is no display' : electron === undefined ? 'no Electron runtime could be installed' : undefined;
  if (electron !== undefined) {
    const sandbox = process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    return await run(electron, [...sandbox, root], { shell: false });
  }
  if (reason !== undefined) console.log(`Serving the lab to your browser: ${reason}.`);
  return await run(process.execPath, [join(root, 'dist/cli/main.mjs'), 'serve', ...args.filter((arg) => arg.startsWith('--port'))], { shell: false });
}

/** Electron's executable: the override that Electron itself knows, else the package's own download. */
function electronRuntime() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  const name = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform] ?? 'electron';
  const dist = override ?? join(root, 'node_modules/electron/dist');
  const file = join(dist, name);
  return existsSync(file) ? file : undefined;
}

/** Electron's own installer, which asks its release site; where that cannot be reached the browser serves as well. */
async function downloadElectron() {
  try {
    await step('Downloading Electron', async () => {
      await quiet(process.execPath, [join(root, 'node_modules/electron/install.js')], { timeout: 300_000 });
      return '';
    });
  } catch (error) {
    console.log(`Electron could not be downloaded: ${error.message.split('\n').at(-2) ?? error.message}`);
  }
  return electronRuntime();
}

function hasDisplay() {
  if (process.platform !== 'linux') return true;
  if (process.env.DISPLAY) return true;
  const runtime = process.env.XDG_RUNTIME_DIR;
  return Boolean(process.env.WAYLAND_DISPLAY && runtime && existsSync(runtime) && readdirSync(runtime).includes(process.env.WAYLAND_DISPLAY));
}

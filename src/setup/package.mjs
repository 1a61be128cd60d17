// `npm run package`: the desktop app as an installer for this platform, in `dist/packages`. Arguments go to electron-builder
// (`npm run package -- --linux dir`); what an app needs besides Electron travels in it, so that it runs without Node or npm.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin, root } from './paths.mjs';
import { prepare } from './prepare.mjs';
import { quiet, run, step } from './run.mjs';

/** Folder of the container's own packages, for every processor that an engine may have. */
const packages = join(root, 'dist/node_modules');

await prepare();
await step('Gathering what the containers need', gather);
process.exit(await run(bin('electron-builder'), [...runtime(), '--publish', 'never', ...process.argv.slice(2)]));

/** The engine may run another system and processor than this machine: npm has installed only this machine's binaries. */
async function gather() {
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/koffi/package.json'), 'utf8'));
  rmSync(packages, { recursive: true, force: true });
  for (const name of ['koffi', '@koromix/koffi-linux-x64', '@koromix/koffi-linux-arm64']) {
    const folder = join(packages, name);
    mkdirSync(folder, { recursive: true });
    const [{ filename }] = JSON.parse(await quiet('npm', ['pack', `${name}@${version}`, '--pack-destination', packages, '--silent', '--ignore-scripts', '--json']));
    const archive = join(packages, filename.replace('@', '').replace('/', '-'));
    await quiet('tar', ['-xzf', archive, '-C', folder, '--strip-components=1']);
    rmSync(archive);
  }
  return '';
}

/** An Electron that is on this machine already is packaged instead of a download, in the version that it says it is. */
function runtime() {
  const dist = process.env.ELECTRON_OVERRIDE_DIST_PATH;
  if (dist === undefined) return [];
  const file = join(dist, 'version');
  if (!existsSync(file)) throw new Error(`${dist} does not look like an Electron runtime: it has no file "version".`);
  return [`--config.electronDist=${dist}`, `--config.electronVersion=${readFileSync(file, 'utf8').trim().replace(/^v/, '')}`];
}

// Makes a fresh clone runnable: checks Node, installs packages, builds. Does only what is out of date.
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { quiet, step } from './run.mjs';

const stamps = join(root, 'node_modules/.weft');

/** Installs and builds what is missing or older than its sources. */
export async function prepare() {
  checkNode();
  if (!isLinked() && !upToDate('packages', packagesHash())) {
    await step('Installing packages (a few minutes the first time)', async () => {
      await quiet('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { env: { ...process.env, npm_config_update_notifier: 'false' } });
      return '';
    });
    stamp('packages', packagesHash());
  }
  const sources = sourcesHash();
  if (!upToDate('build', sources) || !existsSync(join(root, 'dist/cli/main.mjs'))) {
    await step('Building', async () => {
      await quiet(process.execPath, [join(root, 'src/setup/build.mjs')]);
      return '';
    });
    stamp('build', sources);
  }
}

/** Packages that a link brings in belong to another clone: installing here would empty that one. */
function isLinked() {
  return lstatSync(join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Weft needs Node 20.19 or later; this is ${process.version}. Install a current one from https://nodejs.org.`);
    process.exit(1);
  }
}

function packagesHash() {
  return hash(['package.json', 'package-lock.json'].map((file) => readFileSync(join(root, file), 'utf8')).join('\n') + process.version + process.platform);
}

/** Sizes and times of the sources; exact contents would be read for nothing on every start. */
function sourcesHash() {
  const parts = [];
  const walk = (dir) => {
    for (const entry of readdirSync(join(root, dir), { withFileTypes: true })) {
      const path = `${dir}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else { const { size, mtimeMs } = statSync(join(root, path)); parts.push(`${path}:${size}:${mtimeMs}`); }
    }
  };
  for (const dir of ['src', 'renderer', 'electron', 'assets']) walk(dir);
  return hash(parts.sort().join('\n') + packagesHash());
}

function hash(text) { return createHash('sha256').update(text).digest('hex'); }
function upToDate(name, value) {
  const file = join(stamps, name);
  return existsSync(file) && readFileSync(file, 'utf8') === value;
}
function stamp(name, value) { mkdirSync(stamps, { recursive: true }); writeFileSync(join(stamps, name), value); }

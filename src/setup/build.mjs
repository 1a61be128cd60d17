// Builds everything into `dist/`: the containers' bundle, the CLI and server, Electron's main and preload, and the renderer.
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { nodeModules, seldomNeeded } from './container-modules.mjs';
import { root } from './paths.mjs';

/** What each bundle is made of. The containers run Node 24, the rest what the user has (20.19 or later) or Electron. */
const bundles = [
  { name: 'container', entry: 'src/main.ts', out: 'dist/container/main.mjs', format: 'esm', target: 'node24', external: ['koffi'], split: true },
  { name: 'cli', entry: 'src/cli/main.ts', out: 'dist/cli/main.mjs', format: 'esm', target: 'node20.19', external: [] },
  { name: 'electron main', entry: 'electron/main.ts', out: 'dist/electron/main.cjs', format: 'cjs', target: 'node20.19', external: ['electron'] },
  { name: 'electron preload', entry: 'electron/preload.ts', out: 'dist/electron/preload.cjs', format: 'cjs', target: 'node20.19', external: ['electron'] },
];

/** Native or optional parts of dockerode's ssh support, which are not used: the engine is reached by socket or TCP. */
const unused = ['cpu-features', './crypto/build/Release/sshcrypto.node'];

export async function build({ log = console.log, only } = {}) {
  const { build: esbuild } = await import('esbuild');
  for (const { name, entry, out, format, target, external, split } of bundles.filter((b) => only === undefined || only.includes(b.name))) {
    if (!existsSync(join(root, entry))) { log(`skipped ${name}: no ${entry}`); continue; }
    // A container runs one role: code that only others need is neither read nor kept in memory.
    if (split) rmSync(join(root, dirname(out)), { recursive: true, force: true });
    await esbuild({
      absWorkingDir: root, entryPoints: [entry], ...(split ? { outdir: dirname(out), splitting: true, minifySyntax: true, minifyWhitespace: true, plugins: [nodeModules(), seldomNeeded()], outExtension: { '.js': '.mjs' } } : { outfile: out }), bundle: true, platform: 'node', format, target, sourcemap: 'linked', logLevel: 'warning',
      external: [...external, ...unused], legalComments: 'none', loader: { '.md': 'text' },
      // Electron's main is CommonJS, because it must run before Electron is ready; its modules still say where they stand.
      ...(out.endsWith('main.cjs') ? { banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" }, define: { 'import.meta.url': '__url', 'import.meta.dirname': '__dirname' } } : {}),
      // CommonJS dependencies inside an ES module ask for `require` and their own place.
      ...(format === 'esm' ? { banner: { js: "import{createRequire as __cr}from'node:module';import{fileURLToPath as __fu}from'node:url';const require=__cr(import.meta.url),__filename=__fu(import.meta.url),__dirname=__fu(new URL('.',import.meta.url));" } } : {}),
    });
    log(`built ${name}`);
  }
  if (only === undefined || only.includes('renderer')) {
    const { build: vite } = await import('vite');
    await vite({ configFile: join(root, 'renderer/vite.config.ts'), logLevel: 'warn' });
    log('built renderer');
  }
  mkdirSync(join(root, 'dist/assets'), { recursive: true });
  for (const part of ['labs', 'tutorials'].filter((name) => existsSync(join(root, 'assets', name)))) cpSync(join(root, 'assets', part), join(root, 'dist/assets', part), { recursive: true });
}

if (process.argv[1] === import.meta.filename) {
  const only = process.argv.slice(2);
  await build(only.length === 0 ? {} : { only });
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nodeModules, seldomNeeded } from '../../src/setup/container-modules.mjs';

const root = join(import.meta.dirname, '../..');
const options = {
  absWorkingDir: root, outExtension: { '.js': '.mjs' }, bundle: true, platform: 'node', format: 'esm', target: 'node20.19', logLevel: 'silent', external: ['cpu-features', './crypto/build/Release/sshcrypto.node'], loader: { '.md': 'text' },
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
} as const satisfies BuildOptions;
let folder = '';
let meta: Metafile;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weft-bundle-'));
  const { metafile } = await build({ ...options, entryPoints: ['src/main.ts'], plugins: [nodeModules(), seldomNeeded()], outdir: folder, splitting: true, metafile: true });
  meta = metafile;
}, 60_000);
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

/** The sidecar's file and all that come along with it at once. */
function sidecarFiles(): readonly string[] {
  const entry = Object.keys(meta.outputs).find((file) => meta.outputs[file]?.entryPoint === 'src/sidecar/main.ts');
  const files = new Set(entry === undefined ? [] : [entry]);
  for (const file of files) for (const { path, kind } of meta.outputs[file]?.imports ?? []) if (kind === 'import-statement' && path in meta.outputs) files.add(path);
  return [...files];
}

/** Runs a script with what the sidecar exports as `sidecar`; what it prints, and which files of ours it has required. */
function inNode(script: string): { readonly said: string; readonly loaded: readonly string[] } {
  const entry = join(root, sidecarFiles()[0] ?? '');
  const code = `const sidecar = await import(${JSON.stringify(entry)}); ${script}; const { createRequire } = await import('node:module'); console.log(JSON.stringify({ said: String(globalThis.said), loaded: Object.keys(createRequire(${JSON.stringify(entry)}).cache).map((file) => file.slice(file.lastIndexOf('/') + 1)) }));`;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })) as { said: string; loaded: string[] };
}

test('a sidecar’s code has no package in it', () => {
  expect(sidecarFiles().flatMap((file) => Object.keys(meta.outputs[file]?.inputs ?? {})).filter((input) => input.includes('node_modules/'))).toEqual([]);
});

test('a sidecar loads no package before it uses one', () => {
  expect(inNode('globalThis.said = typeof sidecar.startSidecar')).toEqual({ said: 'function', loaded: [] });
  // Loading would be seen.
  expect(inNode("(await import('node:module')).createRequire(import.meta.url)(`${process.cwd()}/package.json`)").loaded).toEqual(['package.json']);
});

test('a package is loaded, and works, at its first use', async () => {
  writeFileSync(join(folder, 'small.mts'), `
    import { RE2JS } from 're2js';
    import ip from 'ipaddr.js';
    import { isIP } from 'node:net';
    export const matches = (text) => RE2JS.compile('a+b').testExact(text);
    export const plain = (text) => ip.process(text).toString() + isIP(text);`);
  await build({ ...options, entryPoints: [join(folder, 'small.mts')], plugins: [nodeModules(), seldomNeeded()], outdir: join(folder, 'small') });
  const small = JSON.stringify(join(folder, 'small/small.mjs'));
  const code = `const { matches, plain } = await import(${small}); const { createRequire } = await import('node:module'); const loaded = () => Object.keys(createRequire(${small}).cache).length; console.log([loaded(), matches('aab'), matches('b'), loaded(), plain('::ffff:10.0.0.1'), loaded()].join(' '));`;
  expect(execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' }).trim()).toBe('0 true false 1 10.0.0.16 2');
}, 30_000);

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weft-entry-'));
  await build({
    entryPoints: [join(import.meta.dirname, '../../src/main.ts')], outfile: join(folder, 'main.mjs'), bundle: true, platform: 'node', format: 'esm', external: ['koffi'], logLevel: 'silent',
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  });
}, 60_000);
afterAll(() => { rmSync(folder, { recursive: true, force: true }); });

function run(role: string[], settings: string | undefined, terminate = false): Promise<{ code: number | null; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(folder, 'main.mjs'), ...role], { env: settings === undefined ? {} : { WEFT: settings }, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { said += chunk.toString(); });
    if (terminate) setTimeout(() => { child.kill('SIGTERM'); }, 1000);
    child.on('close', (code) => { resolve({ code, said }); });
  });
}

describe('the container’s entry', () => {
  test.each<[string, string[], string | undefined, string]>([
    ['no role', [], undefined, 'Usage:'], ['an unknown role', ['boss'], '{}', 'Usage:'], ['no settings', ['sidecar'], undefined, 'which is not set'], ['no JSON', ['sidecar'], '{', 'no JSON'],
    ['no object', ['init'], '3', 'no JSON object'], ['missing settings', ['sidecar'], '{"node":"n"}', 'lack proxy'],
  ])('says what is wrong with %s and exits with 2', async (_, role, settings, message) => {
    const { code, said } = await run(role, settings);
    expect(said).toContain(message);
    expect(said).not.toContain('    at ');
    expect(code).toBe(2);
  }, 20_000);

  test('a bad port in the capture settings fails the init container', async () => {
    const { code, said } = await run(['init'], JSON.stringify({ includeInboundPorts: '*', excludeInboundPorts: 'x', includeOutboundPorts: '', excludeOutboundPorts: '', includeOutboundIpRanges: '*', excludeOutboundIpRanges: '', captureDns: true }));
    expect(said).toContain('"x" is not a port');
    expect(code).toBe(1);
  }, 20_000);

  test('the sandbox waits for SIGTERM', async () => { expect(await run(['sandbox'], undefined, true)).toEqual({ code: 0, said: '' }); }, 20_000);
});

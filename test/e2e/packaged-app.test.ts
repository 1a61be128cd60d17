import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCore } from '../../src/core/open-core.ts';
import { electronPath, noElectron, openDisplay } from './support/display.ts';
import { noEngine, until } from './support/index.ts';
import { leftBehind } from './support/left-behind.ts';

const root = join(import.meta.dirname, '../..');
const unpacked = join(root, 'dist/packages/linux-unpacked');
const program = join(unpacked, 'weft');
const missing = process.platform !== 'linux' ? 'packages for Linux only' : noEngine ?? noElectron
  ?? (existsSync(join(root, 'dist/electron/main.cjs')) ? undefined : 'the app is not built: npm run build');
/** How the fuses are written into the program: one character each. */
const state = { on: '1'.charCodeAt(0), off: '0'.charCodeAt(0) };
const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];

describe.skipIf(missing !== undefined)(`the packaged app${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let data: string;
  let screen: Awaited<ReturnType<typeof openDisplay>>;
  let app: ChildProcess;
  let browser: Browser;
  let page: Page;
  let lab: string | undefined;

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'weft-packaged-'));
    execFileSync(process.execPath, [join(root, 'src/setup/package.mjs'), '--linux', 'dir'], { cwd: root, stdio: 'pipe', env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: join(electronPath, '..') } });
    screen = await openDisplay();
    app = spawn(program, [...asRoot, `--user-data-dir=${join(data, 'app')}`, '--remote-debugging-port=0'], { cwd: data, env: { ...process.env, DISPLAY: screen.name, XDG_DATA_HOME: data }, stdio: ['ignore', 'ignore', 'pipe'] });
    browser = await chromium.connectOverCDP(await debuggerOf(app));
    page = browser.contexts()[0]?.pages()[0] ?? await browser.contexts()[0]!.waitForEvent('page');
    page.setDefaultTimeout(60_000);
  });
  afterAll(async () => {
    await browser?.close();
    await ended(app);
    screen?.close();
    await rm(data, { recursive: true, force: true });
    if (lab === undefined) return;
    const core = openCore({ dist: join(unpacked, 'resources/weft'), env: process.env, platform: process.platform });
    const { id } = await core.down({ lab });
    await until(`${lab} is removed`, async () => (await core.operation({ id })).state !== 'running', 120_000);
    await core.stop();
    expect(leftBehind(lab)).toEqual([]);
  });

  it('has its fuses set', async () => {
    const fuses = await getCurrentFuseWire(program);
    const on = [FuseV1Options.EnableCookieEncryption, FuseV1Options.EnableEmbeddedAsarIntegrityValidation, FuseV1Options.OnlyLoadAppFromAsar];
    const off = [FuseV1Options.RunAsNode, FuseV1Options.EnableNodeOptionsEnvironmentVariable, FuseV1Options.EnableNodeCliInspectArguments, FuseV1Options.GrantFileProtocolExtraPrivileges];
    expect(on.map((fuse) => fuses[fuse])).toEqual(on.map(() => state.on));
    expect(off.map((fuse) => fuses[fuse])).toEqual(off.map(() => state.off));
  });

  it('starts a lab from its own files, without the clone', async () => {
    await page.getByText('Docker engine').or(page.getByRole('button', { name: /^Lab .+; choose another$/ })).first().waitFor();
    await page.evaluate(() => { localStorage.setItem('weft-images', 'stand-in'); });
    await page.reload();
    const others = page.getByRole('button', { name: /^Lab .+; choose another$/ });
    await page.getByRole('button', { name: 'Start Bookinfo' }).or(others).first().waitFor();
    if (await others.isVisible()) {
      await others.click();
      await page.getByRole('menuitem', { name: 'Start another lab…' }).click();
    }
    await page.getByRole('button', { name: 'Start Bookinfo' }).click();
    lab = /^Starting (\S+)$/.exec(await page.getByRole('heading', { name: /^Starting bookinfo/ }).innerText())?.[1];
    await page.locator('[role="row"][id^="hop-"]').filter({ hasText: '/productpage' }).filter({ hasText: '200' }).first().waitFor({ timeout: 180_000 });
    expect(page.url()).toBe('app://weft/');
  }, 300_000);
});

/** Where the app's pages can be driven, read off what it prints. */
function debuggerOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = '';
    child.once('exit', (code) => { reject(new Error(`the app ended with ${code}: ${printed}`)); });
    child.stderr?.on('data', (chunk: Buffer) => {
      printed += chunk.toString();
      const url = /DevTools listening on (ws:\S+)/.exec(printed)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const exit = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill();
  await exit;
}

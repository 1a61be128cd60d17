import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCore } from '../../src/core/open-core.ts';
import { countClicks } from './support/browser.ts';
import { electronPath, noElectron, openDisplay } from './support/display.ts';
import { noEngine, until } from './support/index.ts';
import { leftBehind } from './support/left-behind.ts';

const root = join(import.meta.dirname, '../..');
const dist = join(root, 'dist');
const missing = noEngine ?? noElectron ?? (existsSync(join(dist, 'electron/main.cjs')) ? undefined : 'the app is not built: npm run build');

describe.skipIf(missing !== undefined)(`the first run in Electron${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let data: string;
  let screen: Awaited<ReturnType<typeof openDisplay>>;
  let app: ElectronApplication;
  let page: Page;
  let lab: string | undefined;
  const errors: string[] = [];

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'weft-first-run-'));
    screen = await openDisplay();
    app = await _electron.launch({
      executablePath: electronPath,
      args: [...(process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : []), `--user-data-dir=${join(data, 'app')}`, root],
      env: { ...process.env, DISPLAY: screen.name, XDG_DATA_HOME: data } as Record<string, string>,
    });
    page = await app.firstWindow();
    page.setDefaultTimeout(60_000);
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
  });
  afterAll(async () => {
    await app?.close();
    screen?.close();
    await rm(data, { recursive: true, force: true });
    if (lab === undefined || leftBehind(lab).length === 0) return;
    const core = openCore({ dist, env: process.env, platform: process.platform });
    const { id } = await core.down({ lab });
    await until(`${lab} is removed`, async () => (await core.operation({ id })).state !== 'running', 120_000);
    await core.stop();
  });

  it('goes from checks to a sample to live requests in at most three clicks', async () => {
    const clicks = await countClicks(page);
    // Other labs on this engine are shown in place of the first run; then it is one of the menu's entries.
    const others = page.getByRole('button', { name: /^Lab .+; choose another$/ });
    await page.getByRole('heading', { name: 'A service mesh, on this machine' }).or(others).first().waitFor();
    await page.evaluate(() => { localStorage.setItem('weft-images', 'stand-in'); });
    await page.reload();
    await page.getByRole('heading', { name: 'A service mesh, on this machine' }).or(others).first().waitFor();
    const crowded = await others.isVisible();
    if (crowded) {
      await others.click();
      await page.getByRole('menuitem', { name: 'Start another lab…' }).click();
    }
    await page.getByText('Docker engine').first().waitFor();
    await page.getByRole('button', { name: 'Start Bookinfo' }).click();
    lab = /^Starting (\S+)$/.exec(await page.getByRole('heading', { name: /^Starting bookinfo/ }).innerText())?.[1];
    expect(lab).toMatch(/^bookinfo(-\d+)?$/);
    await page.getByRole('button', { name: `Lab ${lab}; choose another` }).waitFor({ timeout: 180_000 });
    await page.locator('[data-node="default/productpage"]').waitFor();
    await page.locator('[role="row"][id^="hop-"]').filter({ hasText: '/productpage' }).filter({ hasText: '200' }).first().waitFor();
    console.log(`live in ${await clicks()} click(s)${crowded ? ', two of them because other labs run on this engine' : ''}`);
    expect(await clicks()).toBeLessThanOrEqual(3);
  }, 300_000);

  it('removes the lab', async () => {
    await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'Settings' }).click();
    await page.getByText('Name', { exact: true }).locator('xpath=..').getByText(lab ?? '', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Remove this lab…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
    await until('nothing of the lab is left', () => leftBehind(lab ?? '').length === 0, 120_000);
    expect(errors).toEqual([]);
  }, 240_000);
});

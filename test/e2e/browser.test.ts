import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RequestRecord } from '../../src/contract/index.ts';
import { openCore } from '../../src/core/open-core.ts';
import { serveLab, type LabServer } from '../../src/server/index.ts';
import { alone } from './support/alone.ts';
import { countClicks, isPainted, noBrowser, openBrowser, rowDelays, seriousFindings } from './support/browser.ts';
import { noEngine, until } from './support/index.ts';
import { leftBehind } from './support/left-behind.ts';

const missing = noEngine ?? noBrowser;
const dist = join(import.meta.dirname, '../../dist');
const lab = 'test-browser';

describe.skipIf(missing !== undefined)(`the window in a browser, on a real lab${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let core: ReturnType<typeof openCore>;
  let server: LabServer;
  let browser: Browser;
  let page: Page;
  let clicks: () => Promise<number>;
  const problems: string[] = [];

  beforeAll(async () => {
    core = openCore({ dist, env: process.env, platform: process.platform });
    await removeLab();
    server = await serveLab({ lab: alone(core, lab, 'bookinfo'), rendererDir: join(dist, 'renderer') });
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark' });
    page.setDefaultTimeout(60_000);
    page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
    page.on('pageerror', (error) => problems.push(error.message));
    clicks = await countClicks(page);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    if (core !== undefined) await removeLab();
    await core?.stop();
  });

  async function removeLab(): Promise<void> {
    if (!(await core.labs({})).some(({ name }) => name === lab)) return;
    const { id } = await core.down({ lab });
    await until(`${lab} is removed`, async () => (await core.operation({ id })).state !== 'running', 120_000);
  }
  const button = (name: string | RegExp, within: Page | Locator = page): Locator => within.getByRole('button', { name, exact: typeof name === 'string' });
  const inspector = (): Locator => page.getByRole('complementary', { name: 'Inspector' });
  const rows = (): Locator => page.locator('[role="row"][id^="hop-"]');
  const show = async (title: string): Promise<void> => {
    await button(title, page.getByRole('navigation', { name: 'Views' })).click();
    await page.getByRole('main', { name: title }).waitFor();
  };
  const inspect = async (service: string): Promise<void> => {
    await show('Topology');
    await page.locator(`[data-node="default/${service}"]`).click();
    await inspector().getByRole('heading', { name: service, exact: true }).waitFor();
  };
  const throwSwitch = async (): Promise<void> => {
    await button('Apply', inspector()).click();
    await inspector().getByText(/^all \d+ proxies have it$/).first().waitFor();
  };
  /** Waits until enough requests that began after a moment are there, and all are as they should be. */
  const seen = async (what: string, since: number, fits: (record: RequestRecord) => boolean, holds: (records: readonly RequestRecord[]) => boolean): Promise<void> => {
    await until(what, async () => holds((await core.records({ lab, limit: 2000 })).filter((record) => record.time > since && fits(record))), 90_000);
  };
  const toReviews = (record: RequestRecord): boolean => record.reporter === 'source' && record.service.startsWith('reviews.');

  it('comes from nothing to live requests in at most three clicks', async () => {
    await page.goto(server.url);
    await page.getByRole('heading', { name: /^(This machine is ready|Ready, with a remark)$/ }).waitFor();
    await page.getByText('Docker engine').first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await button('Start Bookinfo').click();
    await page.getByRole('heading', { name: `Starting ${lab}` }).waitFor();
    await page.locator('[data-node="default/productpage"]').waitFor({ timeout: 180_000 });
    await button(/^Stop traffic/).waitFor();
    await rows().first().waitFor();
    await page.locator('[data-edge]').nth(3).waitFor({ state: 'attached' });
    await until('dots move on the lines', () => isPainted(page, 'main canvas'));
    console.log(`live in ${await clicks()} click(s)`);
    expect(await clicks()).toBeLessThanOrEqual(3);
    expect(page.url()).not.toContain('token');
  }, 300_000);

  it('shows a request within the time that a person takes for at once', async () => {
    await core.load({ lab, rps: 200, url: '/productpage' });
    await show('Traffic');
    await button(/^Stop traffic, 200 rps/).waitFor();
    const delays = await rowDelays(page, 8000);
    const at = (share: number): number => delays[Math.floor(delays.length * share)] ?? Number.NaN;
    console.log(`from a request's end to its row on the screen, at 200 rps: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ${delays.length} rows`);
    await core.load({ lab, rps: 10, url: '/productpage' });
    expect(delays.length).toBeGreaterThan(100);
    expect(at(0.95)).toBeLessThan(2000);
  });

  it('injects a fault: YAML first, then all proxies have it, then its outcome with the reason', async () => {
    await inspect('ratings');
    await inspector().getByRole('switch', { name: 'Abort' }).click({ force: true });
    await inspector().getByLabel('Status of aborted requests').fill('500');
    await inspector().getByLabel('Abort: share of requests').fill('100');
    await inspector().getByText('httpStatus: 500').waitFor();
    await inspector().getByText(/value: 100\b/).first().waitFor();
    const since = Date.now();
    await throwSwitch();
    await seen('requests to ratings fail by the fault', since, (record) => record.reporter === 'source' && record.service.startsWith('ratings.'), (records) => records.filter(({ status, flags }) => status === 500 && flags.includes('FI')).length >= 3);
    await button('1 fault').waitFor();
    const faults = button('Fault injected', page.getByRole('group', { name: 'Outcomes' }));
    await faults.click();
    await rows().filter({ hasText: 'ratings' }).filter({ hasText: '500' }).first().click();
    await inspector().getByText(/injected/i).first().waitFor();
    const link = button(/\.ya?ml:\d+$/, inspector().getByRole('region', { name: 'Decision' })).last();
    const [, file = '', line = ''] = /^(.+):(\d+)$/.exec(await link.innerText()) ?? [];
    await link.click();
    await page.getByRole('main', { name: 'Manifests' }).waitFor();
    await page.locator('main header').getByText(file).first().waitFor();
    await expect.poll(() => page.locator('.cm-lineNumbers .cm-activeLineGutter').innerText(), { timeout: 20_000 }).toBe(line);
    expect((await core.files({ lab })).find(({ path }) => path.endsWith(file))?.text.split('\n').slice(Number(line) - 1).join('\n')).toContain('abort');
    await show('Topology');
    await faults.click();
  }, 240_000);

  it('clears all faults from the top bar', async () => {
    await button('Clear all faults').click();
    await button('1 fault').waitFor({ state: 'detached' });
    const since = Date.now();
    await seen('ratings answers again', since, (record) => record.reporter === 'source' && record.service.startsWith('ratings.'), (records) => records.filter(({ status }) => status === 200).length >= 5 && records.at(0)?.status === 200);
  });

  it('shifts weights by slider', async () => {
    await inspect('reviews');
    await inspector().getByRole('slider', { name: 'Share of v3 in per cent' }).focus();
    await page.keyboard.press('End');
    await expect.poll(() => inspector().getByRole('textbox', { name: 'Share of v3' }).inputValue()).toBe('100 %');
    await inspector().getByText('subset: v3').first().waitFor();
    await throwSwitch();
    const since = Date.now();
    await seen('all requests to reviews go to v3', since, toReviews, (records) => records.length >= 15 && records.every(({ destination }) => destination.version === 'v3'));
    await button('Undo', inspector()).click();
    const back = Date.now();
    await seen('the others get requests again', back, toReviews, (records) => new Set(records.map(({ destination }) => destination.version)).size === 3);
  }, 240_000);

  it('switches mTLS of the mesh to STRICT', async () => {
    await button(/^mTLS permissive; open the mesh$/).click();
    await inspector().getByRole('radiogroup', { name: 'mTLS mode of the mesh' }).getByText('Strict').click();
    await inspector().getByText('mode: STRICT').waitFor();
    const since = Date.now();
    await throwSwitch();
    await button(/^mTLS strict; open the mesh$/).waitFor();
    expect(await core.get({ lab, kind: 'PeerAuthentication', namespace: 'istio-system' })).toMatchObject([{ spec: { mtls: { mode: 'STRICT' } } }]);
    await seen('requests go on over mTLS', since, (record) => record.reporter === 'destination' && record.service.startsWith('details.'), (records) => records.length >= 10 && records.every(({ mtls, status }) => mtls && status === 200));
  }, 240_000);

  it('opens a terminal in a pod', async () => {
    await show('Pods');
    await page.getByRole('table', { name: 'Pods' }).getByRole('row', { name: /details-v1/ }).click();
    await page.getByRole('tab', { name: 'Terminal' }).click();
    const terminal = page.locator('.xterm');
    await terminal.locator('.xterm-rows').getByText(/[$#]/).first().waitFor();
    await terminal.click();
    await page.keyboard.type('echo woven-$((40 + 2)); hostname');
    await page.keyboard.press('Enter');
    await expect.poll(() => terminal.locator('.xterm-rows').innerText(), { timeout: 30_000 }).toMatch(/woven-42\s+details-v1/);
    expect(await seriousFindings(page)).toEqual([]);
  });

  it('says what is wrong with a manifest, at its line', async () => {
    await show('Manifests');
    await page.getByRole('navigation', { name: 'Files' }).getByText('gateway.yaml').click();
    const line = page.locator('.cm-line').filter({ hasText: 'host: productpage' }).first();
    await line.click();
    await page.keyboard.press('End');
    await page.keyboard.type('-nowhere');
    const number = await page.locator('.cm-lineNumbers .cm-activeLineGutter').innerText();
    const finding = page.getByRole('list', { name: 'Findings' }).getByRole('listitem').filter({ hasText: 'productpage-nowhere' }).first();
    await finding.getByRole('button', { name: `gateway.yaml:${number}` }).waitFor();
    await page.locator('.cm-lint-marker-error, .cm-lint-marker-warning').first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await button('Revert').click();
    await finding.waitFor({ state: 'detached' });
  });

  it.each(['Topology', 'Traffic', 'Manifests', 'Explain', 'Pods', 'Tutorials', 'Settings'])('has nothing serious for axe: %s, in both themes', async (title) => {
    for (const theme of ['Light theme', 'Dark theme']) {
      await button(theme).click();
      await show(title);
      await until('the view has loaded', async () => await page.locator('main [aria-busy="true"]').count() === 0);
      expect(await seriousFindings(page), `${title} after “${theme}”`).toEqual([]);
    }
  });

  it('removes the lab, and nothing is left', async () => {
    await show('Settings');
    await button('Remove this lab…').click();
    await button('Remove', page.getByRole('dialog')).click();
    await until('nothing of the lab is left', () => leftBehind(lab).length === 0, 120_000);
    await button('Topology', page.getByRole('navigation', { name: 'Views' })).click();
    await button('Start Bookinfo').waitFor();
    expect(leftBehind(lab)).toEqual([]);
  }, 240_000);

  it('kept the console free of errors', () => expect(problems).toEqual([]));
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frameWork, wholeUpdates } from './frame-work.ts';
import { browserPath, hasBrowser, openFakeWindow, type FakeWindow } from './support/fake-window.ts';

const root = new URL('../..', import.meta.url).pathname;

describe.skipIf(!hasBrowser)(`the stage in Chromium (${browserPath})`, () => {
  let stage: FakeWindow;
  const problems: string[] = [];

  beforeAll(async () => { stage = await openFakeWindow(); });
  afterAll(async () => { await stage?.close(); });

  async function open(query: string, options: { readonly width?: number; readonly height?: number; readonly colorScheme?: 'light' | 'dark'; readonly reducedMotion?: 'reduce' } = {}): Promise<Page> {
    const page = await stage.browser.newPage({ viewport: { width: options.width ?? 1440, height: options.height ?? 900 }, colorScheme: options.colorScheme ?? 'dark', reducedMotion: options.reducedMotion ?? 'no-preference' });
    page.on('console', message => { if (message.type() === 'error' && !message.text().includes('404')) problems.push(message.text()); });
    page.on('pageerror', error => problems.push(error.message));
    await page.goto(`${stage.base}/?fake&${query}`);
    return page;
  }

  async function seriousFindings(page: Page): Promise<readonly string[]> {
    await page.evaluate(await readFile(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8'));
    return page.evaluate(async () => {
      const { axe } = window as unknown as { readonly axe: { run(): Promise<{ readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string }[] }[] }> } };
      const { violations } = await axe.run();
      return violations.filter(each => each.impact === 'serious' || each.impact === 'critical').map(each => `${each.id}: ${each.nodes.map(node => node.html.slice(0, 160)).slice(0, 3).join(' | ')}`);
    });
  }

  it('draws the graph under the page’s own policy, in both themes, with nothing serious for axe', async () => {
    for (const colorScheme of ['dark', 'light'] as const) {
      const page = await open('', { colorScheme });
      await page.locator('[data-node="default/reviews"]').waitFor();
      await page.locator('[data-edge]').nth(3).waitFor({ state: 'attached' });
      expect(await seriousFindings(page)).toEqual([]);
      await page.locator('[data-node="default/reviews"]').click();
      await page.getByRole('heading', { name: 'reviews' }).waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      await page.close();
    }
    expect(problems).toEqual([]);
  });

  it('is readable at 1024 × 700 without sideways scroll', async () => {
    const page = await open('', { width: 1024, height: 700 });
    await page.locator('[data-node="default/ratings"]').waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide).toBeLessThanOrEqual(1024);
    // With the inspector the graph is small: then cards say less in larger letters.
    await page.locator('[data-node="default/reviews"]').click();
    await page.getByRole('heading', { name: 'reviews' }).waitFor();
    await page.locator('[data-far]').waitFor();
    const letters = await page.locator('[data-node="default/reviews"]').evaluate(card => {
      const name = card.querySelector('[title]');
      return name === null ? 0 : Number.parseFloat(getComputedStyle(name).fontSize) * (card.getBoundingClientRect().width / 200);
    });
    expect(letters).toBeGreaterThan(8);
    // Both halves of a fault are said.
    const cut = await page.locator('[data-node="default/ratings"]').getByText(/at 8 % · 500 at 12 %/).evaluate(words => words.scrollWidth > words.clientWidth);
    expect(cut).toBe(false);
    await page.close();
  });

  it('opens a request from the stream: words, decision, line of YAML', async () => {
    const page = await open('');
    await page.getByRole('button', { name: 'Fault injected' }).click();
    await page.locator('[role="row"][aria-rowindex="2"]').click();
    await page.getByText(/injected/).first().waitFor();
    await page.getByRole('region', { name: 'Decision' }).getByRole('button', { name: /virtual-service-ratings\.yaml:\d+/ }).first().waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('heading', { name: 'bookinfo' }).waitFor();
    await page.close();
  });

  it('shifts weights: diff first, then applied, then who has it, then undone', async () => {
    const page = await open('');
    await page.locator('[data-node="default/reviews"]').click();
    await page.getByRole('textbox', { name: 'Share of v1' }).fill('80');
    await page.getByText('weight: 80').waitFor();
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText(/(of|all) 13 proxies have it/).waitFor();
    await page.getByText('all 13 proxies have it').waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => page.getByRole('textbox', { name: 'Share of v1' }).inputValue()).toBe('50 %');
    await page.close();
  });

  it('walks the graph with the arrow keys, opens with Enter, pauses with space', async () => {
    const page = await open('');
    await page.locator('[data-node="gateway:istio-ingressgateway"]').waitFor();
    await page.locator('[data-node="gateway:istio-ingressgateway"]').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'productpage' }).waitFor();
    await page.keyboard.press('n');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '→' }).waitFor();
    await page.locator('body').click({ position: { x: 20, y: 500 } });
    await page.keyboard.press('Space');
    await page.getByText(/paused, \d+ new request/).waitFor();
    await page.close();
  });

  it('takes the words of a button away once it is pressed', async () => {
    const page = await open('');
    const traffic = page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'Traffic' });
    await traffic.hover();
    await page.getByRole('tooltip').getByText('Traffic').waitFor();
    await traffic.click();
    await page.getByRole('tooltip').waitFor({ state: 'detached' });
    await page.close();
  });

  it('shows counters instead of dots with reduced motion', async () => {
    const page = await open('', { reducedMotion: 'reduce' });
    await page.locator('[data-edge] text', { hasText: 'rps' }).first().waitFor();
    await page.close();
  });

  it('keeps what a card says of an ejected host inside the card, and explains it', async () => {
    const page = await open('ejected');
    await page.locator('[data-node="default/reviews"]').getByText('ejected').nth(1).waitFor();
    const beyond = await page.locator('[data-node="default/reviews"]').evaluate(card => [...card.querySelectorAll('span')].filter(each => each.getBoundingClientRect().right > card.getBoundingClientRect().right).map(each => each.textContent));
    expect(beyond).toEqual([]);
    await page.locator('[data-node="default/reviews"]').click();
    await page.getByRole('region', { name: 'Ejected' }).getByText(/productpage leaves reviews-v2\S+ out until .*: too many 5xx answers in a row/).waitFor();
    await page.close();
  });

  it('asks for each thing beyond the lab by itself, and starts nothing before all are allowed', async () => {
    const page = await open('empty&broken=consent', { width: 1024, height: 700, colorScheme: 'light' });
    await page.getByRole('button', { name: 'Start Bookinfo' }).click();
    const boxes = page.getByRole('list', { name: 'What the manifests ask for' }).getByRole('checkbox');
    await boxes.first().waitFor();
    expect(await boxes.count()).toBe(4);
    expect(await seriousFindings(page)).toEqual([]);
    for (const box of await boxes.all()) {
      expect(await page.getByRole('button', { name: 'Allow and start' }).isEnabled()).toBe(false);
      await box.check();
    }
    await page.getByRole('button', { name: 'Allow and start' }).click();
    await page.getByRole('heading', { name: 'Starting bookinfo' }).waitFor();
    await page.close();
  });

  it('says first what keeps a lab from starting', async () => {
    const page = await open('empty&broken=engine');
    await page.getByRole('heading', { name: 'One thing keeps a lab from starting' }).waitFor();
    const heading = await page.getByRole('heading', { name: 'One thing keeps a lab from starting' }).boundingBox();
    const start = await page.getByRole('button', { name: 'Start Bookinfo' }).boundingBox();
    expect(heading?.y).toBeLessThan(start?.y ?? 0);
    expect(await seriousFindings(page)).toEqual([]);
    await page.close();
  });

  it('says so when the connection is lost', async () => {
    const page = await open('state=lost');
    await page.getByRole('alert').getByText('The connection to Weft was lost.').waitFor({ timeout: 15_000 });
    await page.close();
  });

  it('does little in a frame: 40 nodes, 120 edges, 300 requests a second', async () => {
    const page = await open('nodes=40&edges=120&rps=300');
    await page.locator('[data-edge]').nth(100).waitFor({ state: 'attached' });
    const work = await frameWork(page, 6000);
    console.log(`frame work with 40 nodes, 120 edges, 300 rps: p50 ${work.p50.toFixed(1)} ms, p95 ${work.p95.toFixed(1)} ms, ${work.frames} frames, ${work.framesPerSecond.toFixed(0)} a second`);
    expect(work.frames).toBeGreaterThan(60);
    // 0.8 where rows and cards change their bounds with what they say.
    expect(await wholeUpdates(page, 4000)).toBeLessThan(0.5);
    await page.close();
  });
});

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const root = join(import.meta.dirname, '../../..');

/** Why tests with a browser cannot run here; `undefined` when they can. */
export const noBrowser: string | undefined = !existsSync(executablePath) ? `no Chromium at ${executablePath}`
  : !existsSync(join(root, 'dist/renderer/index.html')) ? 'the renderer is not built: npm run build' : undefined;

/** A browser that asks nobody for anything. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'] });
}

/** What axe-core finds serious or critical on a page, in a line each. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(join(root, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  return await page.evaluate(async () => {
    const { axe } = window as unknown as { readonly axe: { run(): Promise<{ readonly violations: readonly { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[] }[] }> } };
    // Colours on their way are no colours to judge.
    await Promise.allSettled(document.getAnimations().filter(({ effect }) => Number.isFinite(Number(effect?.getComputedTiming().endTime))).map(({ finished }) => finished));
    const { violations } = await axe.run();
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical').map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary?.split('\n')[1]?.trim() ?? ''}`).slice(0, 3).join(' | ')}`);
  });
}

/** Counts a person's clicks from the first page on. */
export async function countClicks(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    Object.assign(window, { clicks: 0 });
    window.addEventListener('click', (event) => { if (event.isTrusted) Object.assign(window, { clicks: (window as unknown as { clicks: number }).clicks + 1 }); }, { capture: true });
  });
  return () => page.evaluate(() => (window as unknown as { clicks: number }).clicks);
}

/** True when a canvas of the page shows something. */
export function isPainted(page: Page, selector: string): Promise<boolean> {
  return page.evaluate((canvas) => {
    const source = document.querySelector<HTMLCanvasElement>(canvas);
    if (source === null || source.width === 0 || source.height === 0) return false;
    const copy = document.createElement('canvas');
    copy.width = source.width;
    copy.height = source.height;
    const context = copy.getContext('2d');
    context?.drawImage(source, 0, 0);
    return context?.getImageData(0, 0, copy.width, copy.height).data.some((value) => value > 0) ?? false;
  }, selector);
}

/** How long after its end each request is on the screen, in milliseconds, ascending: read off the rows themselves, frame by frame. */
export function rowDelays(page: Page, milliseconds: number): Promise<readonly number[]> {
  return page.evaluate((span) => new Promise<number[]>((resolve) => {
    const delays: number[] = [];
    const seen = new Set([...document.querySelectorAll('[id^="hop-"]')].map((row) => row.id));
    const until = performance.now() + span;
    const midnight = new Date().setHours(0, 0, 0, 0);
    const took = (text: string): number => { const [value, unit] = text.split(' '); return Number(value) * (unit === 's' ? 1000 : 1); };
    const look = (): void => {
      const now = Date.now();
      for (const row of document.querySelectorAll('[id^="hop-"]')) {
        if (seen.has(row.id)) continue;
        seen.add(row.id);
        const cells = row.querySelectorAll('[role="gridcell"]');
        const [hours = 0, minutes = 0, seconds = 0] = (cells[0]?.textContent ?? '').split(':').map(Number);
        delays.push(now - (midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000 + took(cells[6]?.textContent ?? '')));
      }
      if (performance.now() < until) requestAnimationFrame(look);
      else resolve(delays.sort((one, two) => one - two));
    };
    requestAnimationFrame(look);
  }), milliseconds);
}

import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { RequestRecord } from '../../src/contract/index.ts';
import { serveLab } from '../../src/server/index.ts';
import { alone } from '../e2e/support/alone.ts';
import { openBrowser, rowDelays } from '../e2e/support/browser.ts';
import { bookinfo, startLab } from '../e2e/support/index.ts';

/**
 * How long after its end a request of a real lab is where, in milliseconds: in core, in the page's socket, as a row on the screen.
 * The last line is one JSON object. Requests a second and path from the command line: `screen.ts [RPS] [PATH]`.
 */
const [rps = '200', path = '/api/v1/products'] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const name = process.env['LAB'] ?? 'bench-screen';
const lab = await startLab(name, bookinfo());
const server = await serveLab({ lab: alone(lab.core, name, 'bookinfo'), rendererDir: join(import.meta.dirname, '../../dist/renderer') });
const browser = await openBrowser();
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  // What tsx puts into functions for their names.
  await page.addInitScript('globalThis.__name = (value) => value');
  await page.addInitScript(watchSocket);
  await page.goto(server.url);
  await page.getByRole('navigation', { name: 'Views' }).getByRole('button', { name: 'Traffic' }).click();
  await lab.core.load({ lab: name, rps: Number(rps), url: path });
  await page.locator('[role="row"][id^="hop-"]').first().waitFor();
  await page.waitForTimeout(5000);
  const inCore: number[] = [];
  const stop = lab.core.on('records', ({ records }) => { inCore.push(...records.map(sinceEnd)); });
  await page.evaluate(() => { (window as unknown as { arrivals: number[] }).arrivals.length = 0; });
  const onScreen = await rowDelays(page, 10_000);
  stop();
  console.log(JSON.stringify({ core: spread(inCore), page: spread(await arrivals(page)), row: spread(onScreen) }));
} finally {
  await browser.close();
  await server.close();
  await lab.down();
}

function sinceEnd({ time, duration }: RequestRecord): number { return Date.now() - time - duration; }

/** In the page: notes how old each record is when it comes out of the socket. */
function watchSocket(): void {
  const ages: number[] = [];
  Object.assign(window, { arrivals: ages });
  const { addEventListener } = WebSocket.prototype;
  const note = (event: Event): void => {
    const { data } = event as MessageEvent<string>;
    if (!data.includes('"m":"records"')) return;
    const now = Date.now();
    const { a: [{ records }] } = JSON.parse(data) as { a: [{ records: { time: number; duration: number }[] }] };
    for (const { time, duration } of records) ages.push(now - time - duration);
  };
  WebSocket.prototype.addEventListener = function listen(this: WebSocket, ...args: Parameters<typeof addEventListener>) {
    if (args[0] === 'message') addEventListener.call(this, 'message', note);
    addEventListener.apply(this, args);
  } as typeof addEventListener;
}

function arrivals(page: Page): Promise<readonly number[]> { return page.evaluate(() => (window as unknown as { arrivals: number[] }).arrivals); }

function spread(values: readonly number[]): { readonly records: number; readonly p50: number; readonly p95: number } {
  const sorted = [...values].sort((one, two) => one - two);
  const at = (share: number): number => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN) * 10) / 10;
  return { records: sorted.length, p50: at(0.5), p95: at(0.95) };
}

import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lab } from '../../src/contract/index.ts';
import { serveLab, type LabServer } from '../../src/server/index.ts';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const missing = existsSync(executablePath) ? undefined : 'no Chromium';

/** What a page of another site, in a real browser, can do to the server: nothing. `calls` counts what got through to the lab. */
describe.skipIf(missing !== undefined)(`the server against a hostile page${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string;
  let server: LabServer;
  let evil: Server;
  let browser: Browser;
  let page: Page;
  let calls = 0;
  const lab = new Proxy({}, { get: (_target, name) => (name === 'on' ? () => () => {} : () => { calls += 1; return Promise.resolve([]); }) }) as Lab;
  const port = (): number => (evil.address() as AddressInfo).port;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weft-hostile-'));
    await writeFile(join(folder, 'index.html'), '<!doctype html><title>Weft</title><p>the lab</p>');
    server = await serveLab({ lab, rendererDir: folder });
    evil = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><title>evil</title>'));
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    // The rebound name points at the server itself, as a hostile DNS server would after the page has loaded.
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-background-networking', '--host-resolver-rules=MAP *.example 127.0.0.1'] });
    page = await browser.newPage();
    await page.goto(`http://evil.example:${port()}/`);
  });

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    evil?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const target = (): string => `http://127.0.0.1:${server.port}/api/down`;

  it('reads nothing with a GET, and gets nothing through', async () => {
    expect(await page.evaluate((url) => fetch(url).then(() => 'read', () => 'refused'), target())).toBe('refused');
    expect(calls).toBe(0);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded'])('sends nothing without asking, as %s', async (type) => {
    await page.evaluate(([url, contentType]) => fetch(url ?? '', { method: 'POST', mode: 'no-cors', headers: { 'content-type': contentType ?? '' }, body: '{"lab":"a"}' }).then(() => 0, () => 0), [target(), type]);
    expect(calls).toBe(0);
  });

  it('is not allowed to ask for more, even with the token', async () => {
    const tried = await page.evaluate(([url, token]) => fetch(url ?? '', { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: '{"lab":"a"}' }).then(() => 'read', () => 'refused'), [target(), server.token]);
    expect([tried, calls]).toEqual(['refused', 0]);
  });

  it('submits a form in vain', async () => {
    const other = await browser.newPage();
    await other.goto(`http://evil.example:${port()}/`);
    await other.evaluate((url) => {
      const form = Object.assign(document.createElement('form'), { method: 'post', action: url, enctype: 'text/plain' });
      form.append(Object.assign(document.createElement('input'), { name: '{"lab":"a","x":"', value: '"}' }));
      document.body.append(form);
      form.submit();
    }, target());
    await other.waitForURL(`${target()}`);
    expect(await other.textContent('body')).toContain('refused');
    expect(calls).toBe(0);
  });

  it('opens no WebSocket, even with the token', async () => {
    const tried = await page.evaluate(([host, token]) => new Promise((resolve) => {
      const socket = new WebSocket(`ws://${host}/api`);
      socket.onopen = () => { socket.send(JSON.stringify({ token })); socket.send('{"t":"q","i":"1","m":"labs","a":[{}]}'); };
      socket.onmessage = () => resolve('answered');
      socket.onclose = () => resolve('closed');
    }), [`127.0.0.1:${server.port}`, server.token]);
    expect([tried, calls]).toEqual(['closed', 0]);
  });

  it('reads nothing under a name that was rebound', async () => {
    const rebound = await browser.newPage();
    const response = await rebound.goto(`http://weft.example:${server.port}/`);
    expect(response?.status()).toBe(403);
    expect(await rebound.evaluate(() => fetch('/api/labs', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }).then(({ status }) => status))).toBe(403);
    expect(calls).toBe(0);
  });

  it('does not frame the page, nor load its parts', async () => {
    await page.evaluate((url) => {
      document.body.append(Object.assign(document.createElement('iframe'), { src: url, name: 'lab' }));
    }, `http://127.0.0.1:${server.port}/`);
    await expect.poll(() => page.frames().find((frame) => frame.name() === 'lab')?.url()).toMatch(/^chrome-error:/);
  });

  it('lets its own page in, and keeps the token out of what is sent', async () => {
    const own = await browser.newPage();
    const sent: string[] = [];
    own.on('request', (request) => sent.push(request.url() + JSON.stringify(request.headers())));
    await own.goto(server.url);
    const answer = await own.evaluate((token) => new Promise((resolve) => {
      const socket = new WebSocket(`ws://${location.host}/api`);
      socket.onopen = () => { socket.send(JSON.stringify({ token })); socket.send('{"t":"q","i":"1","m":"labs","a":[{}]}'); };
      socket.onmessage = ({ data }) => resolve(JSON.parse(String(data)));
    }), server.token);
    expect(answer).toEqual({ t: 's', i: '1', r: [] });
    expect(sent.filter((each) => each.replace(/#.*?(?=[{])/, '').includes(server.token))).toEqual([]);
  });
});

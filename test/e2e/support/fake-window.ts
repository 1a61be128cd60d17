import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { securityHeaders } from '../../../src/util/content-security.ts';

const root = join(import.meta.dirname, '../../..');
const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };

/** Debian's Chromium, or the one that `CHROMIUM` names. */
export const browserPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(browserPath);

/** The window's production build over the lab that plays by itself, under the page's real policy, and a browser to look at it. */
export interface FakeWindow {
  readonly base: string;
  readonly browser: Browser;
  close(): Promise<void>;
}

export async function openFakeWindow(): Promise<FakeWindow> {
  // In a process of its own: a test runner's NODE_ENV would make a development build.
  await promisify(execFile)(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--config', 'renderer/vite.config.ts', '--mode', 'fake', '--logLevel', 'error'], { cwd: root, env: { ...process.env, NODE_ENV: 'production' } });
  const server = createServer((request, response) => { void serve(request.url ?? '/', response); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'] });
  return {
    browser, base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await browser.close();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}

async function serve(url: string, response: ServerResponse): Promise<void> {
  const path = normalize(new URL(url, 'http://x').pathname);
  try {
    const body = await readFile(join(root, 'dist/renderer-fake', path === '/' ? 'index.html' : path));
    response.writeHead(200, { ...securityHeaders(), 'content-type': types[extname(path === '/' ? '.html' : path)] ?? 'text/html' }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}

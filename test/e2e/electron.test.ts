import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const dist = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(root, 'node_modules/electron/dist');
const executable = join(dist, process.platform === 'win32' ? 'electron.exe' : 'electron');
const renderer = join(root, 'dist/renderer');
const missing = !existsSync(executable) ? 'no Electron runtime' : process.platform === 'linux' && !process.env['DISPLAY'] && !existsSync('/usr/bin/Xvfb') ? 'no display' : undefined;

/** A display of our own where there is none. */
async function display(): Promise<{ name: string; close: () => void }> {
  if (process.env['DISPLAY'] || process.platform !== 'linux') return { name: process.env['DISPLAY'] ?? '', close: () => {} };
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1400x900x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const name = await new Promise<string>((resolve, reject) => {
    server.once('error', reject);
    server.stdio[3]?.once('data', (data: Buffer) => resolve(`:${data.toString().trim()}`));
  });
  return { name, close: () => server.kill() };
}

describe.skipIf(missing !== undefined)(`the Electron app${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let folder: string;
  let app: ElectronApplication;
  let page: Page;
  let screen: { name: string; close: () => void };
  const errors: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weft-electron-'));
    await mkdir(join(folder, 'page'), { recursive: true });
    await writeFile(join(folder, 'page/index.html'), '<!doctype html><title>Weft</title><p>a page</p><script>window.inline = true</script><script src="./main.js"></script>');
    await writeFile(join(folder, 'page/main.js'), 'window.external = true; try { window.evaluated = new Function("return true")(); } catch (error) { window.evaluated = error.name; }');
    const options: BuildOptions = { bundle: true, platform: 'node', format: 'cjs', external: ['electron'], absWorkingDir: root, define: { 'import.meta.dirname': '__dirname' } };
    await build({ ...options, entryPoints: ['test/fakes/electron-main.ts'], outfile: join(folder, 'main.cjs') });
    await build({ ...options, entryPoints: ['electron/preload.ts'], outfile: join(folder, 'preload.cjs') });
    screen = await display();
    app = await launch();
    page = await app.firstWindow();
    page.on('pageerror', (error) => errors.push(error.message));
    await page.waitForLoadState();
  });

  afterAll(async () => {
    await app?.close();
    screen?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const launch = (rendererDir = join(folder, 'page'), data = folder): Promise<ElectronApplication> => _electron.launch({
    executablePath: executable,
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), join(folder, 'main.cjs')],
    env: { ...process.env, DISPLAY: screen.name, WEFT_TEST_FOLDER: data, WEFT_TEST_RENDERER: rendererDir } as Record<string, string>,
  });

  it('isolates the page: sandbox, context isolation, no Node', async () => {
    const preferences = await app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> };
      return contents.getLastWebPreferences();
    });
    expect(preferences).toMatchObject({ contextIsolation: true, sandbox: true, webSecurity: true, nodeIntegration: false, nodeIntegrationInSubFrames: false });
    expect(['nodeIntegrationInWorker', 'allowRunningInsecureContent', 'experimentalFeatures', 'webviewTag', 'navigateOnDragDrop'].filter((name) => preferences[name] === true)).toEqual([]);
    expect(await page.evaluate(() => ['require', 'process', 'module', 'Buffer', 'electron'].filter((name) => name in window))).toEqual([]);
  });

  it('gives the page a pipe, and nothing else', async () => {
    expect(await page.evaluate(() => Object.keys((window as unknown as { weft: object }).weft).sort())).toEqual(['onMessage', 'send']);
    const call = (method: string): Promise<string> => page.evaluate((name) => new Promise<string>((resolve) => {
      const { weft } = window as unknown as { weft: { send(text: string): void; onMessage(listener: (text: string) => void): () => void } };
      const stop = weft.onMessage((text) => (stop(), resolve(text)));
      weft.send(JSON.stringify({ t: 'q', i: name, m: name, a: [{}] }));
    }), method);
    expect(JSON.parse(await call('labs'))).toEqual({ t: 's', i: 'labs', r: [] });
    expect(JSON.parse(await call('constructor'))).toMatchObject({ i: 'constructor', e: { code: 'usage' } });
  });

  it('runs our own scripts only, under a strict policy', async () => {
    expect(page.url()).toBe('app://weft/');
    expect(await page.evaluate(() => ['external' in window, 'inline' in window])).toEqual([true, false]);
    const policy = await page.evaluate(async () => (await fetch('./index.html')).headers.get('content-security-policy'));
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(await page.evaluate(() => (window as unknown as { evaluated: unknown }).evaluated)).toBe('EvalError');
  });

  it.each(['app://weft/../main.cjs', 'app://weft/%2e%2e/main.cjs', 'app://weft/..%2fmain.cjs', 'app://weft/%2e%2e%5cmain.cjs', 'app://other/index.html'])('serves nothing outside of the renderer: %s', async (url) => {
    const seen = await page.evaluate((address) => fetch(address).then((response) => response.status, () => 'refused'), url);
    expect([404, 'refused']).toContain(seen);
  });

  it('reaches no other origin', async () => {
    expect(await page.evaluate(() => fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'refused'))).toBe('refused');
    const reached = await app.evaluate(({ session }) => session.defaultSession.fetch('http://127.0.0.1:9/').then(() => 'reached', (error: Error) => error.message));
    expect(reached).toContain('ERR_BLOCKED_BY_CLIENT');
  });

  it.each(['https://evil.example/', 'file:///etc/passwd', 'data:text/html,x', 'app://other/'])('does not navigate to %s', async (url) => {
    await page.evaluate((address) => { const link = document.createElement('a'); link.href = address; document.body.append(link); link.click(); }, url);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => resolve(undefined))));
    expect(page.url()).toBe('app://weft/');
  });

  it('opens no window, and only documentation and a lab’s ingress outside', async () => {
    await app.evaluate(({ shell }) => {
      const opened: string[] = [];
      Object.assign(globalThis, { opened });
      shell.openExternal = (url) => (opened.push(url), Promise.resolve());
    });
    for (const url of ['https://evil.example/', 'http://istio.io/', 'file:///etc/passwd', 'app://weft/', 'http://192.0.2.1:8080/', 'https://istio.io/latest/docs/', 'http://127.0.0.1:8080/productpage']) await page.evaluate((address) => void window.open(address), url);
    expect(app.windows()).toHaveLength(1);
    expect(await app.evaluate(() => (globalThis as unknown as { opened: string[] }).opened)).toEqual(['https://istio.io/latest/docs/', 'http://127.0.0.1:8080/productpage']);
  });

  it.each(['geolocation', 'notifications', 'camera', 'microphone', 'midi', 'clipboard-read', 'idle-detection'])('denies the permission %s', async (name) => {
    expect(await page.evaluate((permission) => navigator.permissions.query({ name: permission as PermissionName }).then(({ state }) => state, () => 'denied'), name)).toBe('denied');
  });

  it('denies what pages ask for', async () => {
    expect(await page.evaluate(() => Notification.requestPermission())).toBe('denied');
    expect(await page.evaluate(() => navigator.mediaDevices.getUserMedia({ audio: true }).then(() => 'granted', () => 'denied'))).toBe('denied');
  });

  it('drops messages of other frames and of pages that are not ours', async () => {
    const [trusted, frame, other] = await app.evaluate(({ ipcMain, BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      if (contents === undefined) throw new Error('no window');
      const heard = (event: object): boolean => {
        let sent = false;
        const sender = new Proxy(contents, { get: (target, key) => (key === 'once' || key === 'on' ? () => {} : key === 'id' ? 4242 : key === 'send' ? () => (sent = true) : Reflect.get(target, key) as unknown) });
        ipcMain.emit('weft:open', { ...event, sender });
        ipcMain.emit('weft', { ...event, sender }, 'not a message');
        return sent || ipcMain.listenerCount('weft') !== 1;
      };
      return [true, heard({ senderFrame: null }), heard({ senderFrame: { url: 'https://evil.example/' } })];
    });
    expect([trusted, frame, other]).toEqual([true, false, false]);
  });

  it('is one instance: a second one ends at once', async () => {
    const second = spawn(executable, [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), join(folder, 'main.cjs')], { env: { ...process.env, DISPLAY: screen.name, WEFT_TEST_FOLDER: folder, WEFT_TEST_RENDERER: join(folder, 'page') }, stdio: 'ignore' });
    expect(await new Promise((resolve) => second.once('exit', resolve))).toBe(0);
    expect(app.windows()).toHaveLength(1);
  });

  it('kept the page free of errors', () => expect(errors).toEqual([]));

  it.skipIf(!existsSync(join(renderer, 'index.html')))('shows the first run in the real renderer', async () => {
    const data = join(folder, 'real');
    await mkdir(data);
    const real = await launch(renderer, data);
    const window = await real.firstWindow();
    await window.getByText('Docker engine').first().waitFor();
    await window.getByText('Bookinfo').first().waitFor();
    await real.close();
  });
});

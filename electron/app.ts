import { app, BrowserWindow, dialog, Menu, session, shell } from 'electron';
import { join } from 'node:path';
import type { Lab } from '../src/contract/index.ts';
import { serveLabApi } from '../src/rpc/index.ts';
import { acceptPipes } from './ipc.ts';
import { lockContents, lockSession } from './lockdown.ts';
import { applicationMenu } from './menu.ts';
import { isDocumentation } from './origin.ts';
import { registerScheme, serveRenderer } from './protocol.ts';
import { openTray } from './tray.ts';
import { openWindow } from './window.ts';

/** A lab's core while the app runs. `close` ends what belongs to the app (load, streams), not the labs themselves. */
export interface OpenLab {
  readonly lab: Lab;
  close(): Promise<void>;
}

export interface AppOptions {
  /** Makes core; `dataDir` is the app's own folder for its small files. */
  readonly openLab: (dataDir: string) => Promise<OpenLab>;
  /** The built renderer and the bundled preload script. */
  readonly rendererDir: string;
  readonly preload: string;
  readonly icon?: string;
}

/** How long quitting waits for core. */
const farewell = 5_000;

/** Runs the desktop app: one instance, one window, core behind IPC. Must be called before Electron is ready, so without waiting. */
export function runApp(options: AppOptions): void {
  if (!app.requestSingleInstanceLock()) return app.quit();
  // Electron cannot run as root without this switch, and `enableSandbox` would overrule it; each window asks for its sandbox besides.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  registerScheme();
  lockContents(app);
  app.on('second-instance', () => focus());
  app.whenReady().then(() => start(options)).catch((error: unknown) => {
    dialog.showErrorBox('Weft could not start', error instanceof Error ? error.message : String(error));
    app.exit(1);
  });
}

async function start(options: AppOptions): Promise<void> {
  const dataDir = app.getPath('userData');
  lockSession(session.defaultSession);
  serveRenderer(session.defaultSession, options.rendererDir);
  Menu.setApplicationMenu(applicationMenu(process.platform, (url) => { if (isDocumentation(url)) void shell.openExternal(url); }));
  const { lab, close } = await options.openLab(dataDir);
  acceptPipes((channel) => serveLabApi(lab, channel), (contents) => BrowserWindow.fromWebContents(contents) !== null);
  const open = (): BrowserWindow => openWindow({ preload: options.preload, dataDir, ...(options.icon === undefined ? {} : { icon: options.icon }) });
  app.on('activate', () => { if (BrowserWindow.getAllWindows().length === 0) open(); });
  app.on('window-all-closed', () => { if (process.platform !== 'darwin') app.quit(); });
  const closeTray = openTray({ lab, icon: join(options.rendererDir, '32x32.png'), open: () => { if (!focus()) open(); }, quit: () => app.quit() });
  closeOnQuit(() => { closeTray?.(); return close(); });
  open();
}

/** Brings the window to the front; false when there is none. */
function focus(): boolean {
  const [window] = BrowserWindow.getAllWindows();
  if (window === undefined) return false;
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
  return true;
}

/** Core ends first, then the app does; a core that does not end in time is left to the operating system. */
function closeOnQuit(close: () => Promise<void>): void {
  app.once('will-quit', (event) => {
    event.preventDefault();
    const timer = new Promise<void>((resolve) => setTimeout(resolve, farewell));
    Promise.race([close(), timer]).catch((error: unknown) => console.error(error)).finally(() => app.exit());
  });
}

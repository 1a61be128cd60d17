import { BrowserWindow, nativeTheme, screen } from 'electron';
import { join } from 'node:path';
import { page } from './origin.ts';
import { readWindowState, smallest, writeWindowState } from './window-state.ts';

/** What a window needs from its app. */
export interface WindowOptions {
  readonly preload: string;
  /** Folder for the window's position. */
  readonly dataDir: string;
  readonly icon?: string;
}

/** Opens the lab's window, where it was last, with every isolation that Electron has. */
export function openWindow({ preload, dataDir, icon }: WindowOptions): BrowserWindow {
  const stateFile = join(dataDir, 'window.json');
  const { maximized, ...bounds } = readWindowState(stateFile, screen.getAllDisplays().map((display) => display.workArea));
  const window = new BrowserWindow({
    ...bounds,
    minWidth: smallest.width, minHeight: smallest.height,
    show: false, title: 'Weft', autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#0e1216' : '#f5f7f8',
    ...(icon === undefined ? {} : { icon }),
    webPreferences: {
      preload,
      contextIsolation: true, sandbox: true, webSecurity: true,
      nodeIntegration: false, nodeIntegrationInWorker: false, nodeIntegrationInSubFrames: false,
      webviewTag: false, allowRunningInsecureContent: false, experimentalFeatures: false, navigateOnDragDrop: false,
      spellcheck: false, safeDialogs: true,
    },
  });
  if (maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => writeWindowState(stateFile, window.getNormalBounds(), window.isMaximized()));
  recoverFromCrash(window);
  void window.loadURL(page);
  return window;
}

/** Two crashes within this many milliseconds are not chance: the page is left as it is, and the menu can reload it. */
const crashLoop = 10_000;

/** A renderer that crashed comes back by itself; core and the lab never noticed. */
function recoverFromCrash(window: BrowserWindow): void {
  let last = -Infinity;
  window.webContents.on('render-process-gone', (_event, { reason }) => {
    const now = performance.now();
    if (reason !== 'clean-exit' && now - last > crashLoop && !window.isDestroyed()) window.webContents.reload();
    last = now;
  });
}

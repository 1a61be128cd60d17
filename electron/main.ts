import { app } from 'electron';
import { join } from 'node:path';
import { openCore } from '../src/core/open-core.ts';
import { runApp } from './app.ts';

/** The desktop app. Bundled as CommonJS, so that everything here happens before Electron is ready. */
const dist = join(import.meta.dirname, '..');
/** What containers are made of and people read lies beside the app's archive once it is packaged. */
const files = app.isPackaged ? join(process.resourcesPath, 'weft') : dist;

runApp({
  openLab: async () => {
    const lab = openCore({ dist: files, env: process.env, platform: process.platform });
    return { lab, close: () => lab.stop() };
  },
  rendererDir: join(dist, 'renderer'),
  preload: join(import.meta.dirname, 'preload.cjs'),
});

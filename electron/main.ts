import { join } from 'node:path';
import { openCore } from '../src/core/open-core.ts';
import { runApp } from './app.ts';

/** The desktop app. Bundled as CommonJS, so that everything here happens before Electron is ready. */
const dist = join(import.meta.dirname, '..');

runApp({
  openLab: async () => {
    const lab = openCore({ dist, env: process.env, platform: process.platform });
    return { lab, close: () => lab.close() };
  },
  rendererDir: join(dist, 'renderer'),
  preload: join(import.meta.dirname, 'preload.cjs'),
});

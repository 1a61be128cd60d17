import { app } from 'electron';
import { join } from 'node:path';
import { runApp } from '../../electron/app.ts';
import type { Lab } from '../../src/contract/index.ts';

/** A main process with a lab that has nothing: the app's shell without an engine. The test says where the renderer and its data are. */
const folder = process.env['WEFT_TEST_FOLDER'] ?? '';
app.setPath('userData', join(folder, 'data'));

const lab = {
  on: () => () => {},
  labs: () => Promise.resolve([]),
  samples: () => Promise.resolve([{ name: 'bookinfo', title: 'Bookinfo', summary: 'Four services.', path: '/productpage', files: [] }]),
  tutorials: () => Promise.resolve([]),
  preflight: () => Promise.resolve({ ok: true, checks: [{ id: 'engine', title: 'Docker engine', state: 'ok', detail: 'Found.', tried: ['/var/run/docker.sock'] }] }),
} as unknown as Lab;

runApp({
  openLab: () => Promise.resolve({ lab, close: () => Promise.resolve() }),
  rendererDir: process.env['WEFT_TEST_RENDERER'] ?? '',
  preload: join(import.meta.dirname, 'preload.cjs'),
});

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const dist = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(import.meta.dirname, '../../../node_modules/electron/dist');

/** Electron's program. */
export const electronPath = join(dist, process.platform === 'win32' ? 'electron.exe' : process.platform === 'darwin' ? 'Electron.app/Contents/MacOS/Electron' : 'electron');

/** Why tests with Electron cannot run here; `undefined` when they can. */
export const noElectron: string | undefined = !existsSync(electronPath) ? 'no Electron runtime'
  : process.platform === 'linux' && !process.env['DISPLAY'] && !existsSync('/usr/bin/Xvfb') ? 'no display' : undefined;

/** A display: the person's, or one of our own where there is none. */
export async function openDisplay(): Promise<{ readonly name: string; close(): void }> {
  if (process.env['DISPLAY'] || process.platform !== 'linux') return { name: process.env['DISPLAY'] ?? '', close: () => {} };
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1440x900x24', '-nolisten', 'tcp'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const name = await new Promise<string>((resolve, reject) => {
    server.once('error', reject);
    server.stdio[3]?.once('data', (data: Buffer) => { resolve(`:${data.toString().trim()}`); });
  });
  return { name, close: () => { server.kill(); } };
}

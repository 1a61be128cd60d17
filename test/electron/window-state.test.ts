import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readWindowState, writeWindowState } from '../../electron/window-state.ts';

const screens = [{ x: 0, y: 25, width: 1920, height: 1055 }];
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-window-'));
  file = join(folder, 'window.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('comes back where it was', () => {
  writeWindowState(file, { x: 100, y: 50, width: 1200, height: 800 }, true);
  expect(readWindowState(file, screens)).toEqual({ x: 100, y: 50, width: 1200, height: 800, maximized: true });
});

it('lets the system choose a place when its screen is gone', () => {
  writeWindowState(file, { x: 2500, y: 50, width: 1200, height: 800 }, false);
  expect(readWindowState(file, screens)).toEqual({ width: 1200, height: 800, maximized: false });
});

it('never opens smaller than the views are made for', () => {
  writeWindowState(file, { x: 0, y: 30, width: 400, height: 300 }, false);
  expect(readWindowState(file, screens)).toMatchObject({ width: 1024, height: 700 });
});

it.each(['', '{', 'null', '{"x":1}', '{"x":1e99,"y":0,"width":800,"height":600,"maximized":false}', '{"x":"1","y":0,"width":800,"height":600,"maximized":false}'])(
  'starts afresh with a broken file: %s', (text) => {
    writeFileSync(file, text);
    expect(readWindowState(file, screens)).toEqual({ width: 1360, height: 860, maximized: false });
  });

it('loses the position, nothing else, when it cannot write', () => {
  writeWindowState(join(folder, 'nowhere/window.json'), { x: 0, y: 0, width: 1200, height: 800 }, false);
  expect(() => readFileSync(file)).toThrow();
});

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

/** A rectangle on the person's screens, in density-independent pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where the window was last. Without a position the system chooses one. */
export interface WindowState {
  readonly width: number;
  readonly height: number;
  readonly x?: number;
  readonly y?: number;
  readonly maximized: boolean;
}

/** The smallest window that the views are made for. */
export const smallest = { width: 1024, height: 700 } as const;

const fallback: WindowState = { width: 1360, height: 860, maximized: false };
const coordinate = z.number().int().min(-100_000).max(100_000);
const schema = z.object({ x: coordinate, y: coordinate, width: z.number().int().min(200).max(20_000), height: z.number().int().min(200).max(20_000), maximized: z.boolean() });

/** Reads the state; a missing or broken file, or a screen that is gone, gives the first start's. */
export function readWindowState(file: string, screens: readonly Rectangle[]): WindowState {
  let state: z.infer<typeof schema>;
  try {
    state = schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return fallback;
  }
  const size = { width: Math.max(state.width, smallest.width), height: Math.max(state.height, smallest.height), maximized: state.maximized };
  return screens.some((screen) => overlaps(screen, state)) ? { ...size, x: state.x, y: state.y } : size;
}

/** At least a hand's breadth of the title bar must be on a screen, or the window could not be moved. */
function overlaps(screen: Rectangle, window: Rectangle): boolean {
  const across = Math.min(screen.x + screen.width, window.x + window.width) - Math.max(screen.x, window.x);
  return across >= 100 && window.y >= screen.y && window.y <= screen.y + screen.height - 40;
}

/** Writes the state beside the old one and renames it over. A disk that is full costs the position, nothing else. */
export function writeWindowState(file: string, bounds: Rectangle, maximized: boolean): void {
  try {
    const { x, y, width, height } = bounds;
    writeFileSync(`${file}.new`, JSON.stringify({ x, y, width, height, maximized }));
    renameSync(`${file}.new`, file);
  } catch {
    return;
  }
}

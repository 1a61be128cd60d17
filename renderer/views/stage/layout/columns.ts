import { ranks } from '../dots/timing.ts';
import type { Box } from './place.ts';

/** The plain layout for when the engine fails: a column for each rank, cards below each other. */
export function columns(boxes: ReadonlyMap<string, Pick<Box, 'width' | 'height'>>, edges: readonly { readonly source: string; readonly target: string }[]): ReadonlyMap<string, Box> {
  const next = new Map<number, number>();
  const rank = ranks([...boxes.keys()], edges);
  return new Map([...boxes].map(([id, size]): [string, Box] => {
    const column = rank.get(id) ?? 0;
    const y = next.get(column) ?? 0;
    next.set(column, y + size.height + 40);
    return [id, { ...size, x: column * (size.width + 68), y }];
  }));
}

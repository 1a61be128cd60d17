import { edgeCurve, pointAt, straight, type Bend, type Point } from '../dots/curve.ts';
import { cardWidth, headHeight } from '../card-size.ts';
import type { Box } from './place.ts';

/** How a line may be bent, the least first. */
const bends: readonly Bend[] = [0, 40, -40, 80, -80, 130, -130, 190, -190, 260, -260].flatMap(bow => ([0, 1, -1] as const).map(lean => ({ bow, lean })));
/** How far from a card a line stays. */
const margin = 8;
const samples = 24;

/** Where a line leaves a card and where it arrives at one. */
export function ends(from: Point, to: Point): readonly [Point, Point] {
  return [{ x: from.x + cardWidth, y: from.y + headHeight / 2 }, { x: to.x, y: to.y + headHeight / 2 }];
}

/** How each line is bent, by its id, so that it passes cards instead of running behind them; those that run free are not among them. Pure. */
export function bendsOf(edges: readonly { readonly id: string; readonly source: string; readonly target: string }[], boxes: ReadonlyMap<string, Box>): ReadonlyMap<string, Bend> {
  const result = new Map<string, Bend>();
  for (const { id, source, target } of edges) {
    const [from, to] = [boxes.get(source), boxes.get(target)];
    if (from === undefined || to === undefined || source === target) continue;
    const others = [...boxes].filter(([each]) => each !== source && each !== target).map(([, box]) => box);
    const bend = bendOf(ends(from, to), others);
    if (bend !== straight) result.set(id, bend);
  }
  return result;
}

/** The least bend that keeps clear of the cards, else the one that is behind them the least. */
function bendOf([from, to]: readonly [Point, Point], cards: readonly Box[]): Bend {
  let best = straight;
  let least = Infinity;
  for (const bend of [straight, ...bends]) {
    const curve = edgeCurve(from, to, bend);
    let hidden = 0;
    for (let index = 1; index < samples; index += 1) {
      const point = pointAt(curve, index / samples);
      if (cards.some(card => covers(card, point))) hidden += 1;
    }
    if (hidden < least) { least = hidden; best = bend; }
    if (hidden === 0) break;
  }
  return best;
}

function covers({ x, y, width, height }: Box, point: Point): boolean {
  return point.x > x - margin && point.x < x + width + margin && point.y > y - margin && point.y < y + height + margin;
}

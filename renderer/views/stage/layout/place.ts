/** Where a card is and how large. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type Positions = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

/** Where cards are, and which of them stay there: those that something was connected to when they were placed. */
export interface Placed {
  readonly positions: Positions;
  readonly settled: ReadonlySet<string>;
}

type Edges = readonly { readonly source: string; readonly target: string }[];

const gap = 28;

/** How long a card may still move after it was placed, in milliseconds: the innermost calls are told first, and who calls them only then. */
export const youth = 10_000;

/** What is settled for good: without the cards that were placed just now. `since` says when each was, on the clock of `at`; cards that it does not know are old. */
export function loosen({ positions, settled }: Placed, since: ReadonlyMap<string, number>, at: number): Placed {
  return { positions, settled: new Set([...settled].filter(id => at - (since.get(id) ?? -Infinity) >= youth)) };
}

/** Places after a layout of all cards: what is settled stays, all others go where the layout wants them, and no card on another. */
export function settle(now: Placed, proposal: ReadonlyMap<string, Box>, edges: Edges): Placed {
  const fixed = new Map<string, Box>();
  for (const [id, { width, height }] of proposal) {
    const position = now.positions.get(id);
    if (position !== undefined && now.settled.has(id)) fixed.set(id, { ...position, width, height });
  }
  const connected = new Set(edges.flatMap(({ source, target }) => [source, target]));
  return {
    positions: new Map([...now.positions, ...place(fixed, proposal, edges)]),
    settled: new Set([...now.settled, ...[...proposal.keys()].filter(id => connected.has(id))]),
  };
}

/**
 * Puts new cards where the layout wants them, as seen from their neighbours that stand already; those never move.
 * @param fixed the cards that stay as they are
 * @param proposal the layout of all cards, by id
 */
export function place(fixed: ReadonlyMap<string, Box>, proposal: ReadonlyMap<string, Box>, edges: Edges): Positions {
  const placed = new Map<string, Box>(fixed);
  for (const [id, box] of [...proposal].sort(([, one], [, two]) => one.x - two.x || one.y - two.y)) {
    if (placed.has(id)) continue;
    const neighbours = edges.flatMap(({ source, target }) => (source === id ? [target] : target === id ? [source] : []));
    const shift = shiftOf(neighbours.filter(each => fixed.has(each)), fixed, proposal) ?? shiftOf([...fixed.keys()], fixed, proposal) ?? { x: 0, y: 0 };
    placed.set(id, free({ ...box, x: box.x + shift.x, y: box.y + shift.y }, [...placed.values()]));
  }
  return new Map([...placed].map(([id, { x, y }]) => [id, { x, y }]));
}

/** How far the standing cards are from where the layout would have them, on average. */
function shiftOf(ids: readonly string[], fixed: ReadonlyMap<string, Box>, proposal: ReadonlyMap<string, Box>): { readonly x: number; readonly y: number } | undefined {
  let [x, y, count] = [0, 0, 0];
  for (const id of ids) {
    const [is, wanted] = [fixed.get(id), proposal.get(id)];
    if (is === undefined || wanted === undefined) continue;
    x += is.x - wanted.x; y += is.y - wanted.y; count += 1;
  }
  return count === 0 ? undefined : { x: x / count, y: y / count };
}

/** The nearest free place below (or above) the wanted one. */
function free(wanted: Box, others: readonly Box[]): Box {
  const clear = (box: Box): Box | undefined => others.find(other => overlaps(box, other));
  for (const direction of [1, -1]) {
    let box = wanted;
    for (let tries = 0; tries <= others.length; tries += 1) {
      const hit = clear(box);
      if (hit === undefined) {
        if (direction === 1 || Math.abs(box.y - wanted.y) < 4000) return box;
        break;
      }
      box = { ...box, y: direction === 1 ? hit.y + hit.height + gap : hit.y - box.height - gap };
    }
  }
  return wanted;
}

function overlaps(one: Box, two: Box): boolean {
  return one.x < two.x + two.width + gap && two.x < one.x + one.width + gap && one.y < two.y + two.height + gap && two.y < one.y + one.height + gap;
}

export type Direction = 'left' | 'right' | 'up' | 'down';

/** The card that a person means who presses an arrow: the nearest one that lies more in that direction than beside it. */
export function neighbour(boxes: ReadonlyMap<string, Box>, from: string, direction: Direction): string | undefined {
  const start = boxes.get(from);
  if (start === undefined) return boxes.keys().next().value;
  let best: { readonly id: string; readonly cost: number } | undefined;
  for (const [id, box] of boxes) {
    if (id === from) continue;
    const dx = box.x + box.width / 2 - start.x - start.width / 2;
    const dy = box.y + box.height / 2 - start.y - start.height / 2;
    const [ahead, aside] = direction === 'right' ? [dx, dy] : direction === 'left' ? [-dx, dy] : direction === 'down' ? [dy, dx] : [-dy, dx];
    if (ahead <= 8) continue;
    const cost = ahead + Math.abs(aside) * 2;
    if (best === undefined || cost < best.cost) best = { id, cost };
  }
  return best?.id;
}

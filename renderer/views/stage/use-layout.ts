import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { Graph } from '../../../src/contract/index.ts';
import { cardHeight, cardWidth } from './card-size.ts';
import { columns } from './layout/columns.ts';
import { elkLayout, type Layout } from './layout/elk.ts';
import { loosen, settle, type Box, type Placed, type Positions } from './layout/place.ts';

/** Places of the cards, and how a person changes them. */
export interface Arrangement {
  readonly positions: Positions;
  /** True once every card of the first graph has its place. */
  readonly ready: boolean;
  move(id: string, x: number, y: number): void;
  /** Forgets all places and lays everything out anew. */
  arrange(): void;
}

const nothing: Placed = { positions: new Map(), settled: new Set() };
const key = (lab: string): string => `weft-places:${lab}`;

/** Cards keep their places: across graphs, and across launches. A card that nothing was connected to yet may still move, once. */
export function useLayout(graph: Graph | undefined, lab: string): Arrangement {
  const [placed, setPlaced] = useState<Placed>(() => read(lab));
  const [ready, setReady] = useState(false);
  const latest = useRef(placed);
  const engine = useRef<Layout>(undefined);
  const [since] = useState(() => new Map([...placed.settled].map((id): [string, number] => [id, -Infinity])));
  useEffect(() => { latest.current = placed; write(lab, placed); }, [lab, placed]);
  useEffect(() => () => { engine.current?.stop(); engine.current = undefined; }, []);
  const shape = useMemo(() => graph === undefined ? '' : [...graph.nodes.map(node => `${node.id}×${node.versions.length}`), ...graph.edges.map(edge => edge.id)].sort().join('\n'), [graph]);

  const lay = useCallback(async (of: Graph, keep: Placed): Promise<void> => {
    const connected = new Set(of.edges.flatMap(edge => [edge.source, edge.target]));
    const boxes = new Map(of.nodes.map((node): [string, Pick<Box, 'width' | 'height'>] => [node.id, { width: cardWidth, height: cardHeight(node) }]));
    const { settled } = loosen(keep, since, performance.now());
    if ([...boxes.keys()].every(id => keep.positions.has(id) && (settled.has(id) || !connected.has(id)))) return;
    engine.current ??= elkLayout();
    const proposal = await engine.current.arrange(boxes, of.edges).catch(() => columns(boxes, of.edges));
    // Another layout may have ended meanwhile: what stands now is what this one goes by.
    setPlaced(now => {
      const at = performance.now();
      const next = settle(keep === nothing ? nothing : loosen(now, since, at), proposal, of.edges);
      for (const id of next.settled) if (!since.has(id)) since.set(id, at);
      return { ...next, settled: new Set([...next.settled, ...(keep === nothing ? [] : now.settled)]) };
    });
  }, [since]);

  useEffect(() => {
    if (graph === undefined || graph.nodes.length === 0) return undefined;
    let current = true;
    void lay(graph, latest.current).then(() => { if (current) setReady(true); });
    return () => { current = false; };
    // The graph is new each second; only its shape asks for a layout.
  }, [shape, lay]);

  const move = useCallback((id: string, x: number, y: number) => {
    since.set(id, -Infinity); // Where a person puts a card, it stays.
    setPlaced(({ positions, settled }) => ({ positions: new Map(positions).set(id, { x, y }), settled: new Set(settled).add(id) }));
  }, [since]);
  const newest = useRef(graph);
  useEffect(() => { newest.current = graph; });
  const arrange = useCallback(() => { if (newest.current !== undefined) void lay(newest.current, nothing); }, [lay]);
  return { positions: placed.positions, ready, move, arrange };
}

/** Places of an earlier launch; what cannot be read is forgotten. */
function read(lab: string): Placed {
  try {
    const saved = JSON.parse(localStorage.getItem(key(lab)) ?? '[]') as readonly (readonly [string, number, number])[];
    return { positions: new Map(saved.map(([id, x, y]) => [id, { x, y }])), settled: new Set(saved.map(([id]) => id)) };
  } catch {
    return nothing;
  }
}

function write(lab: string, { positions, settled }: Placed): void {
  if (settled.size === 0) return;
  localStorage.setItem(key(lab), JSON.stringify([...positions].filter(([id]) => settled.has(id)).map(([id, { x, y }]) => [id, x, y])));
}

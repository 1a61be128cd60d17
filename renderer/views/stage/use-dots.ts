import { useEffect, useMemo, useRef, useState } from 'react';
import type { Graph } from '../../../src/contract/index.ts';
import { useTraffic, type Hop } from '../../lab/index.ts';
import { where, type Where } from '../../lab/where.ts';
import { DotLayer } from './dots/dot-layer.ts';
import type { DotRequest } from './dots/dot-model.ts';
import { openSurface, sharedNow } from './dots/surface.ts';
import { ranks, reach, Sequence, travelTime } from './dots/timing.ts';

/** Id of the line that a provisional edge has until the graph knows it. */
export const provisionalId = (source: string, target: string): string => `~${source}>${target}`;
/** Id of the short line beside a card, for requests that found no way on. */
export const stubId = (node: string): string => `stub:${node}`;

/** A dot layer, for as long as the component lives. */
export function useDotLayer(): DotLayer {
  const [layer] = useState(() => new DotLayer({ now: sharedNow, open: openSurface }));
  return layer;
}

interface DotOptions {
  readonly graph: Graph | undefined;
  /** False with reduced motion: nothing moves. */
  readonly moving: boolean;
  /** A request went over an edge that the graph does not have yet. */
  readonly onMissing: (source: string, target: string) => void;
}

/** Turns live requests into dots, outside of React. Returns the edges that denied a request in the last ten seconds. */
export function useDots(layer: DotLayer, { graph, moving, onMissing }: DotOptions): ReadonlySet<string> {
  const traffic = useTraffic();
  const [sequence] = useState(() => new Sequence());
  const [denials] = useState(() => new Map<string, number>());
  const shape = graph === undefined ? '' : [...graph.nodes, ...graph.edges].map(each => each.id).join('\n');
  const place = useMemo(() => graph === undefined ? undefined : { where: where(graph), ranks: ranks(graph.nodes.map(node => node.id), graph.edges) }, [shape]);
  const context = useRef({ place, moving, onMissing });
  useEffect(() => { context.current = { place, moving, onMissing }; });
  useEffect(() => traffic.onBatch(({ added, changed }) => {
    const { place: known, moving: draw, onMissing: missing } = context.current;
    const deny = (hop: Hop): void => {
      const edge = hop.outcome === 'denied' ? known?.where.edge(hop.record) : undefined;
      if (edge !== undefined) denials.set(edge, performance.now());
    };
    added.forEach(deny);
    changed.forEach(deny);
    const worse = changed.filter(({ outcome }) => outcome !== 'ok'); // Outcomes only get worse.
    if (known === undefined || !draw || document.hidden) { layer.take([], worse); return; }
    const first = Math.min(...added.map(end));
    const dots: DotRequest[] = [];
    for (const hop of added) {
      const edge = edgeOf(hop, known.where, missing);
      if (edge === undefined) continue;
      const now = sharedNow() + Math.min(300, end(hop) - first);
      const rank = known.ranks.get(known.where.source(hop.record) ?? '') ?? 0;
      const late = edge.startsWith('~') ? 250 : 0;
      dots.push({ key: hop.key, outcome: hop.outcome, edge, start: sequence.start(hop.record.requestId, rank, now) + late, travel: travelTime(hop.record.duration), reach: edge.startsWith('stub:') ? 1 : reach(hop.record) });
    }
    layer.take(dots, worse);
  }), [traffic, layer, sequence, denials]);
  return useMemo(() => {
    const now = performance.now();
    return new Set([...denials].filter(([, at]) => now - at < 10_000).map(([edge]) => edge));
  }, [graph, denials]);
}

const end = (hop: Hop): number => hop.record.time + hop.record.duration;

function edgeOf(hop: Hop, { source, target, edge }: Where, missing: (source: string, target: string) => void): string | undefined {
  const known = edge(hop.record);
  if (known !== undefined) return known;
  const [from, to] = [source(hop.record), target(hop.record)];
  if (from === undefined) return undefined;
  if (to === undefined || to === from || hop.record.flags.includes('NR')) return stubId(from);
  missing(from, to);
  return provisionalId(from, to);
}

import { Position, type NodeHandle } from '@xyflow/react';
import type { Graph, GraphEdge, Switches } from '../../../src/contract/index.ts';
import { faultShort } from '../../lab/words.ts';
import { format } from '../../ui/index.ts';
import { cardHeight, cardWidth, headHeight } from './card-size.ts';
import type { DotLayer } from './dots/dot-layer.ts';
import type { Positions } from './layout/place.ts';
import { lineWidth, type LinkData, type LinkEdgeType } from './link-edge.tsx';
import { sameCard, type CardNode } from './service-card.tsx';

const handles: NodeHandle[] = [
  { id: null, type: 'target', position: Position.Left, x: 0, y: headHeight / 2, width: 0, height: 0 },
  { id: null, type: 'source', position: Position.Right, x: cardWidth, y: headHeight / 2, width: 0, height: 0 },
];

/** What was shown last, by id: what looks the same stays the very same object, and is not rendered again. */
export interface Shown {
  readonly nodes: Map<string, CardNode>;
  readonly edges: Map<string, LinkEdgeType>;
}

function reuse<Item extends { readonly id: string }>(shown: Map<string, Item>, next: Item, same: (one: Item, two: Item) => boolean): Item {
  const before = shown.get(next.id);
  if (before !== undefined && same(before, next)) return before;
  shown.set(next.id, next);
  return next;
}

interface NodeInput {
  readonly shown: Shown;
  readonly graph: Graph;
  readonly positions: Positions;
  readonly switches: Switches | undefined;
  readonly selected: string | undefined;
  readonly entry: string | undefined;
  readonly onOpen: (id: string) => void;
}

/** The graph's nodes as React Flow wants them. Sizes are given, so nothing is measured. */
export function flowNodes({ shown, graph, positions, switches, selected, entry, onOpen }: NodeInput): CardNode[] {
  return graph.nodes.flatMap((node): CardNode[] => {
    const position = positions.get(node.id);
    if (position === undefined) return [];
    const size = { width: cardWidth, height: cardHeight(node) };
    const here = (each: { readonly host: string; readonly namespace: string }): boolean => isHost(each, node);
    const fault = switches?.faults.find(here);
    return [reuse(shown.nodes, {
      id: node.id, type: 'service', position, ...size, measured: size, handles,
      data: { node, weights: switches?.weights.find(here)?.weights, fault: fault === undefined ? '' : faultShort(fault), selected: node.id === selected, entry: node.id === entry, onOpen },
    }, (one, two) => one.position === two.position && one.height === two.height && sameCard(one.data, two.data))];
  });
}

/** True when a rule's host, short or fully qualified, means this node's service. */
export function isHost({ host, namespace }: { readonly host: string; readonly namespace: string }, node: { readonly name: string; readonly namespace: string }): boolean {
  const [name, inNamespace] = host.split('.');
  return name === node.name && (inNamespace ?? namespace) === node.namespace;
}

interface EdgeInput {
  readonly shown: Shown;
  readonly graph: Graph;
  readonly positions: Positions;
  readonly layer: DotLayer;
  readonly denied: ReadonlySet<string>;
  readonly active: string | undefined;
  /** Figures in words on each line instead of dots. */
  readonly counters: boolean;
}

/** The graph's edges as React Flow wants them. */
export function flowEdges({ shown, graph, positions, layer, denied, active, counters }: EdgeInput): LinkEdgeType[] {
  return graph.edges.filter(edge => edge.source !== edge.target && positions.has(edge.source) && positions.has(edge.target)).map(edge => reuse(shown.edges, {
    id: edge.id, type: 'link', source: edge.source, target: edge.target, focusable: false,
    data: {
      layer, mtls: mtlsOf(edge), protocol: edge.protocol, width: lineWidth(edge.figures.rps), denied: denied.has(edge.id), active: edge.id === active,
      counter: counters && edge.figures.rps > 0 ? `${format.rate(edge.figures.rps)} rps${edge.figures.errorShare > 0 ? ` ▲ ${format.share(edge.figures.errorShare)}` : ''}` : '',
    },
  }, sameLink));
}

function sameLink(one: LinkEdgeType, two: LinkEdgeType): boolean {
  const [before, after] = [one.data, two.data];
  return one.source === two.source && one.target === two.target && before !== undefined && after !== undefined
    && (Object.keys(after) as (keyof LinkData)[]).every(key => before[key] === after[key]);
}

function mtlsOf({ mtls, figures }: GraphEdge): LinkData['mtls'] {
  if (figures.rps === 0) return 'unknown';
  return mtls > 0.995 ? 'all' : mtls > 0.005 ? 'some' : 'none';
}

import type { Graph, GraphEdge, GraphNode, ServiceSummary, Switches } from '../../../src/contract/index.ts';
import { faultShort } from '../../lab/words.ts';
import { format } from '../../ui/index.ts';
import { cardHeight, cardWidth } from './card-size.ts';
import { straight, type Bend } from './dots/curve.ts';
import { ends } from './layout/bend.ts';
import type { Positions } from './layout/place.ts';
import { lineWidth, type Line } from './edge-line.tsx';
import type { Paced } from './paced.ts';
import { sameCard, type CardNode } from './service-card.tsx';

/** What was shown last, by id: what looks the same stays the very same object, and is not rendered again. */
export interface Shown {
  readonly nodes: Map<string, CardNode>;
  readonly lines: Map<string, Line>;
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
  /** The newest figures of each card, by its id. */
  readonly figures: Paced<GraphNode>;
  readonly positions: Positions;
  readonly switches: Switches | undefined;
  readonly services: readonly ServiceSummary[];
  /** Ejected hosts, by node and version. */
  readonly ejected: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly selected: string | undefined;
  readonly entry: string | undefined;
  readonly onOpen: (id: string) => void;
}

/** The graph's nodes as React Flow wants them. Sizes are given, so nothing is measured. */
export function flowNodes({ shown, graph, figures, positions, switches, services, ejected, selected, entry, onOpen }: NodeInput): CardNode[] {
  return graph.nodes.flatMap((node): CardNode[] => {
    const position = positions.get(node.id);
    if (position === undefined) return [];
    const size = { width: cardWidth, height: cardHeight(node) };
    const service = serviceOf(services, node) ?? node;
    const here = (each: { readonly host: string; readonly namespace: string }): boolean => isHost(each, service);
    const fault = switches?.faults.find(here);
    return [reuse(shown.nodes, {
      id: node.id, type: 'service', position, ...size, measured: size,
      data: { node, figures, weights: switches?.weights.find(here)?.weights, fault: fault === undefined ? '' : faultShort(fault), ejected: ejected.get(node.id), selected: node.id === selected, entry: node.id === entry, onOpen },
    }, (one, two) => one.position === two.position && one.height === two.height && sameCard(one.data, two.data))];
  });
}

/** The service of a node: the one that selects its workload, of several the one of the same name. */
export function serviceOf(services: readonly ServiceSummary[], { name, namespace }: { readonly name: string; readonly namespace: string }): ServiceSummary | undefined {
  const candidates = services.filter(service => service.namespace === namespace && (service.name === name || service.apps.includes(name)));
  return candidates.find(service => service.name === name) ?? candidates[0];
}

/** True when a rule's host, short or fully qualified, means this service (or a node that has none). */
export function isHost({ host, namespace }: { readonly host: string; readonly namespace: string }, service: { readonly name: string; readonly namespace: string }): boolean {
  const [name, inNamespace] = host.split('.');
  return name === service.name && (inNamespace ?? namespace) === service.namespace;
}

interface LineInput {
  readonly shown: Shown;
  readonly graph: Graph;
  readonly positions: Positions;
  /** How lines bend to pass other cards, by id. */
  readonly bends: ReadonlyMap<string, Bend>;
  readonly denied: ReadonlySet<string>;
  readonly active: string | undefined;
  /** Figures in words on each line instead of dots. */
  readonly counters: boolean;
}

/** The graph's edges as lines from card to card. */
export function linesOf({ shown, graph, positions, bends, denied, active, counters }: LineInput): readonly Line[] {
  const names = new Map(graph.nodes.map(node => [node.id, node.name]));
  return graph.edges.flatMap((edge): readonly Line[] => {
    const [from, to] = [positions.get(edge.source), positions.get(edge.target)];
    if (edge.source === edge.target || from === undefined || to === undefined) return [];
    const { id, source, target, protocol, figures } = edge;
    const mtls = mtlsOf(edge);
    const [start, end] = ends(from, to);
    return [reuse(shown.lines, {
      id, source, target, protocol, mtls, fromX: start.x, fromY: start.y, toX: end.x, toY: end.y, ...(bends.get(id) ?? straight),
      width: lineWidth(figures.rps), denied: denied.has(id), active: id === active,
      counter: counters && figures.rps > 0 ? `${format.rate(figures.rps)} rps${figures.errorShare > 0 ? ` ▲ ${format.share(figures.errorShare)}` : ''}` : '',
      name: `${names.get(source) ?? source} to ${names.get(target) ?? target}${mtls === 'all' ? ', mTLS' : mtls === 'none' ? ', plaintext' : ''}`,
    }, sameLine)];
  });
}

function sameLine(one: Line, two: Line): boolean {
  return (Object.keys(two) as (keyof Line)[]).every(key => one[key] === two[key]);
}

/** The very array of before when all in it are the same: what takes it in has nothing to do. */
export function steady<Item>(before: readonly Item[] | undefined, now: Item[]): Item[] {
  return before !== undefined && before.length === now.length && before.every((each, index) => each === now[index]) ? before as Item[] : now;
}

function mtlsOf({ mtls, figures }: GraphEdge): Line['mtls'] {
  if (figures.rps === 0) return 'unknown';
  return mtls > 0.995 ? 'all' : mtls > 0.005 ? 'some' : 'none';
}

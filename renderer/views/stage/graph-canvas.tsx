import '@xyflow/react/dist/base.css';
import { useReducedMotion } from '@mantine/hooks';
import { ReactFlow, ReactFlowProvider, useReactFlow, useStoreApi, type NodeChange } from '@xyflow/react';
import { memo, useCallback, useEffect, useMemo, useRef, useState, type PointerEvent, type ReactNode } from 'react';
import type { Graph, GraphEdge, GraphNode } from '../../../src/contract/index.ts';
import { useLab, useLabName, useTraffic, useUi, useUiActions } from '../../lab/index.ts';
import { format, useKeys, type KeyBinding } from '../../ui/index.ts';
import { cardHeight, cardWidth, farZoom, fitOptions, headHeight } from './card-size.ts';
import type { DotLayer } from './dots/dot-layer.ts';
import { EdgeCard } from './edge-card.tsx';
import { EdgeLines } from './edge-lines.tsx';
import { ejectedHosts } from './ejected.ts';
import { flowNodes, linesOf, steady, type Shown } from './flow.ts';
import styles from './graph-canvas.module.css';
import { GraphTools } from './graph-tools.tsx';
import { bendsOf } from './layout/bend.ts';
import { neighbour, type Box, type Direction } from './layout/place.ts';
import { Paced } from './paced.ts';
import { sameFigures, ServiceCard, type CardNode } from './service-card.tsx';
import { provisionalId, stubId, useDotLayer, useDots } from './use-dots.ts';
import { useLayout, type Arrangement } from './use-layout.ts';

const nodeTypes = { service: ServiceCard };

/** The live graph: cards, quiet lines, and a canvas of dots over them. */
export function GraphCanvas({ graph }: { readonly graph: Graph }): ReactNode {
  return <ReactFlowProvider><LiveGraph graph={graph} /></ReactFlowProvider>;
}

function LiveGraph({ graph: told }: { readonly graph: Graph }): ReactNode {
  const lab = useLabName();
  const { select } = useUiActions();
  const selection = useUi(state => state.selection);
  const switches = useLab(state => state.status?.switches);
  const services = useLab(state => state.status?.services);
  const pods = useLab(state => state.status?.pods);
  const upstreams = useLab(state => state.upstreams);
  const ejected = useMemo(() => ejectedHosts(upstreams, pods ?? []), [upstreams, pods]);
  const reduced = useReducedMotion(undefined, { getInitialValueInEffect: false });
  const { graph, onMissing } = useProvisional(told);
  const layer = useDotLayer();
  const denied = useDots(layer, { graph, moving: !reduced, onMissing });
  const arrangement = useLayout(graph, lab);
  const container = useRef<HTMLDivElement>(null);
  const [shown] = useState<Shown>(() => ({ nodes: new Map(), lines: new Map() }));
  const [hovered, setHovered] = useState<string>();
  const [entry, setEntry] = useState<string>();
  const open = useCallback((id: string) => { setEntry(id); select({ kind: 'node', id }); }, [select]);
  const boxes = useBoxes(graph, arrangement);
  const first = entry !== undefined && boxes.has(entry) ? entry : boxes.keys().next().value;
  const figures = useFigures(graph);
  const nodes = useSteady(useMemo(
    () => flowNodes({ shown, graph, figures, positions: arrangement.positions, switches, services: services ?? [], ejected, selected: selection?.kind === 'node' ? selection.id : undefined, entry: first, onOpen: open }),
    [shown, graph, figures, arrangement.positions, switches, services, ejected, selection, first, open],
  ));
  const ways = graph.edges.map(({ id }) => id).join('\n');
  const bends = useMemo(() => bendsOf(graph.edges, boxes), [ways, boxes]);
  const selectedEdge = selection?.kind === 'edge' ? selection.id : undefined;
  const lines = useSteady(useMemo(() => linesOf({ shown, graph, positions: arrangement.positions, bends, denied, active: selectedEdge, counters: reduced }), [shown, graph, arrangement.positions, bends, denied, selectedEdge, reduced]));
  const openEdge = useCallback((id: string) => select({ kind: 'edge', id }), [select]);
  useLayerFrame(layer, container, boxes);
  useEffect(() => layer.highlight(selection?.kind === 'request' ? selection.key : ''), [layer, selection]);
  const walk = useWalk(boxes, first, container, setEntry);
  useKeys(walk);
  return (
    <DotPointer layer={layer} container={container}>
      <Cards nodes={nodes} move={arrangement.move}>
        {arrangement.ready ? null : `Arranging ${format.count(graph.nodes.length, 'service')}…`}
      </Cards>
      <Fit ready={arrangement.ready && nodes.length > 0} extent={extentOf(boxes)} container={container} />
      <GraphTools arrange={arrangement.arrange} />
      <EdgeLines lines={lines} layer={layer} onOpen={openEdge} onLook={setHovered} />
      {hovered !== undefined && hovered !== selectedEdge && <EdgeCard edge={graph.edges.find(edge => edge.id === hovered)} layer={layer} />}
    </DotPointer>
  );
}

/** The cards, which are rendered only when one looks otherwise: not with each new graph. */
const Cards = memo(function Cards({ nodes, move, children }: { readonly nodes: CardNode[]; readonly move: Arrangement['move']; /** What is going on, while they have no place. */ readonly children: string | null }): ReactNode {
  const { select } = useUiActions();
  const onNodesChange = useCallback((changes: NodeChange<CardNode>[]) => {
    for (const change of changes) if (change.type === 'position' && change.position !== undefined) move(change.id, change.position.x, change.position.y);
  }, [move]);
  return (
    <ReactFlow
      nodes={nodes} nodeTypes={nodeTypes} onNodesChange={onNodesChange} onPaneClick={() => select(undefined)}
      minZoom={0.2} maxZoom={2} nodesConnectable={false} nodesFocusable={false} edgesFocusable={false} elementsSelectable={false} disableKeyboardA11y
      deleteKeyCode={null} selectionKeyCode={null} multiSelectionKeyCode={null} panActivationKeyCode={null} zoomActivationKeyCode={null}
      aria-label="Service graph"
    >
      {children !== null && <div className={styles.arranging} role="status">{children}</div>}
    </ReactFlow>
  );
});

/** Edges that a request has shown before the graph knows them, with no figures yet. */
function useProvisional(told: Graph): { readonly graph: Graph; readonly onMissing: (source: string, target: string) => void } {
  const [extra, setExtra] = useState<readonly GraphEdge[]>([]);
  const onMissing = useCallback((source: string, target: string) => setExtra(edges => edges.some(edge => edge.source === source && edge.target === target) ? edges : [...edges, provisional(source, target)]), []);
  const graph = useMemo(() => {
    const has = new Set(told.edges.map(edge => `${edge.source}\n${edge.target}`));
    const missing = extra.filter(edge => !has.has(`${edge.source}\n${edge.target}`) && told.nodes.some(node => node.id === edge.source) && told.nodes.some(node => node.id === edge.target));
    return missing.length === 0 ? told : { ...told, edges: [...told.edges, ...missing] };
  }, [told, extra]);
  return { graph, onMissing };
}

function provisional(source: string, target: string): GraphEdge {
  return { id: provisionalId(source, target), source, target, protocol: 'http', figures: { rps: 0, errorShare: 0, p50: 0, p99: 0 }, mtls: 0, sourcePrincipal: '', targetPrincipal: '' };
}

/** Where each card is; the same map until one moves or grows. */
function useBoxes(graph: Graph, { positions }: Arrangement): ReadonlyMap<string, Box> {
  const shape = graph.nodes.map(node => `${node.id} ${cardHeight(node)}`).join('\n');
  return useMemo(() => new Map(graph.nodes.flatMap((node: GraphNode): (readonly [string, Box])[] => {
    const position = positions.get(node.id);
    return position === undefined ? [] : [[node.id, { ...position, width: cardWidth, height: cardHeight(node) }]];
  })), [shape, positions]);
}

/** The bounds of all cards, as text. */
function extentOf(boxes: ReadonlyMap<string, Box>): string {
  const all = [...boxes.values()];
  return [Math.min(...all.map(box => box.x)), Math.min(...all.map(box => box.y)), Math.max(...all.map(box => box.x + box.width)), Math.max(...all.map(box => box.y + box.height))].join(' ');
}

/** A value that stays the very same object while all in it are the same. */
function useSteady<Item>(now: readonly Item[]): Item[] {
  const last = useRef<Item[]>(undefined);
  last.current = steady(last.current, now as Item[]);
  return last.current;
}

/** The cards' figures, shown a few cards in a frame. */
function useFigures(graph: Graph): Paced<GraphNode> {
  const traffic = useTraffic();
  const [figures] = useState(() => new Paced<GraphNode>(sameFigures, run => traffic.between(run)));
  useEffect(() => figures.take(new Map(graph.nodes.map(node => [node.id, node]))), [figures, graph]);
  return figures;
}

/** Keeps the canvas as large as the graph, and in its viewport. */
function useLayerFrame(layer: DotLayer, container: React.RefObject<HTMLDivElement | null>, boxes: ReadonlyMap<string, Box>): void {
  const store = useStoreApi();
  useEffect(() => {
    const set = ([x, y, zoom]: readonly [number, number, number]): void => {
      layer.setViewport(x, y, zoom);
      container.current?.toggleAttribute('data-far', zoom < farZoom);
    };
    set(store.getState().transform);
    return store.subscribe((state, before) => { if (state.transform !== before.transform) set(state.transform); });
  }, [store, layer, container]);
  useEffect(() => container.current === null ? undefined : layer.mount(container.current, styles.dots ?? ''), [layer, container]);
  useEffect(() => {
    for (const [id, { x, y, width }] of boxes) {
      const from = { x: x + width, y: y + headHeight - 8 };
      layer.setEdge(stubId(id), { from, leave: { x: from.x + 14, y: from.y }, arrive: { x: from.x + 26, y: from.y + 8 }, to: { x: from.x + 32, y: from.y + 20 } });
    }
  }, [layer, boxes]);
}

/** Fits the graph into the window until a person has moved it. */
function Fit({ ready, extent, container }: { readonly ready: boolean; /** Changes when the graph grows. */ readonly extent: string; readonly container: React.RefObject<HTMLDivElement | null> }): ReactNode {
  const { fitView } = useReactFlow();
  const touched = useRef(false);
  useEffect(() => {
    const element = container.current;
    if (!ready || element === null) return undefined;
    const touch = (): void => { touched.current = true; };
    // A click chooses; only a drag moves the graph or a card.
    const drag = ({ buttons }: { readonly buttons: number }): void => { if (buttons !== 0) touch(); };
    const fit = (): void => { if (!touched.current) void fitView(fitOptions); };
    const observer = new ResizeObserver(fit);
    observer.observe(element);
    element.addEventListener('wheel', touch, { passive: true });
    element.addEventListener('pointermove', drag);
    fit();
    return () => { observer.disconnect(); element.removeEventListener('wheel', touch); element.removeEventListener('pointermove', drag); };
  }, [ready, extent, container, fitView]);
  return null;
}

/** Arrows walk the graph from card to card. */
function useWalk(boxes: ReadonlyMap<string, Box>, entry: string | undefined, container: React.RefObject<HTMLDivElement | null>, setEntry: (id: string) => void): readonly KeyBinding[] {
  const { fitView, getViewport, setCenter } = useReactFlow();
  const focus = (id: string | undefined): boolean => {
    const box = id === undefined ? undefined : boxes.get(id);
    const element = container.current;
    if (id === undefined || box === undefined || element === null) return false;
    setEntry(id);
    element.querySelector<HTMLElement>(`[data-node="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
    const { x, y, zoom } = getViewport();
    const [left, top] = [box.x * zoom + x, box.y * zoom + y];
    if (left < 0 || top < 0 || left + box.width * zoom > element.clientWidth || top + box.height * zoom > element.clientHeight) void setCenter(box.x + box.width / 2, box.y + box.height / 2, { zoom, duration: 160 });
    return true;
  };
  const line = (key: string, title: string, by: number): KeyBinding => ({
    key, title, group: 'Topology', run: ({ target }) => {
      const lines = [...container.current?.querySelectorAll<SVGElement>('[data-edge]') ?? []];
      const at = lines.findIndex(each => each === target);
      lines[at === -1 ? (by > 0 ? 0 : lines.length - 1) : (at + by + lines.length) % lines.length]?.focus({ preventScroll: true });
    },
  });
  const arrow = (key: string, direction: Direction): KeyBinding => ({
    key, title: `Walk ${direction}`, group: 'Topology', run: event => {
      const inside = event.target instanceof HTMLElement ? event.target.closest<HTMLElement>('[data-node]')?.dataset['node'] : undefined;
      if (inside === undefined && event.target !== document.body) return false;
      return focus(inside === undefined ? entry : neighbour(boxes, inside, direction));
    },
  });
  return [
    arrow('ArrowLeft', 'left'), arrow('ArrowRight', 'right'), arrow('ArrowUp', 'up'), arrow('ArrowDown', 'down'),
    line('n', 'Next connection', 1), line('p', 'Previous connection', -1),
    { key: '0', title: 'Fit the graph', group: 'Topology', run: () => { void fitView({ ...fitOptions, duration: 160 }); } },
  ];
}

/** Clicks on dots come before clicks on what lies below them; hovering one names it. */
function DotPointer({ layer, container, children }: { readonly layer: DotLayer; readonly container: React.RefObject<HTMLDivElement | null>; readonly children: ReactNode }): ReactNode {
  const { select } = useUiActions();
  const traffic = useTraffic();
  const label = useRef<HTMLDivElement>(null);
  const at = (event: { readonly clientX: number; readonly clientY: number; readonly target: EventTarget }): { readonly key: string | undefined; readonly x: number; readonly y: number } => {
    const box = container.current?.getBoundingClientRect();
    const [x, y] = [event.clientX - (box?.left ?? 0), event.clientY - (box?.top ?? 0)];
    const covered = event.target instanceof Element && event.target.closest('[data-node], button') !== null;
    return { key: covered ? undefined : layer.hit(x, y), x, y };
  };
  const move = (event: PointerEvent): void => {
    const { key, x, y } = at(event);
    if (container.current !== null) container.current.dataset['over'] = key === undefined ? '' : 'dot';
    if (label.current === null) return;
    const record = key === undefined ? undefined : traffic.find(key)?.record;
    label.current.hidden = record === undefined;
    if (record === undefined) return;
    label.current.textContent = record.protocol === 'tcp' ? `TCP, ${format.duration(record.duration)}` : `${record.method} ${record.path}  ${record.status === 0 ? 'no response' : record.status} ${record.flags.join(' ')}  ${format.duration(record.duration)}`;
    label.current.style.transform = `translate(${x + 12}px, ${y + 14}px)`;
  };
  return (
    <div
      ref={container} className={styles.graph} onPointerMove={move} onPointerLeave={() => { if (label.current !== null) label.current.hidden = true; }}
      onClickCapture={event => {
        const { key } = at(event);
        if (key === undefined) return;
        event.stopPropagation();
        select({ kind: 'request', key });
      }}
    >
      {children}
      <div ref={label} className={styles.dotLabel} hidden aria-hidden />
    </div>
  );
}

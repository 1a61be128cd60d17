import { queryRecords, type Graph, type GraphEdge, type GraphNode, type MetricDelta, type PodStatus, type RecordQuery, type RequestRecord } from '../../contract/index.ts';
import { Ring } from '../../util/ring.ts';
import { sourceEnd, targetEnd, workloadEnd, type End, type Known } from './ends.ts';
import { addDelta, addSum, emptySum, figures, type Sum } from './sum.ts';

/** The traffic of one lab as core sees it: the live graph and the latest requests. */
export interface Traffic {
  addRecords(records: readonly RequestRecord[]): void;
  addMetrics(deltas: readonly MetricDelta[]): void;
  /** Pods of the lab: their workloads are in the graph also without traffic, with how many are ready. */
  setPods(pods: readonly PodStatus[]): void;
  /** The last ten seconds, as a whole new value. What has fallen silent stays for a minute, at zero. */
  graph(): Graph;
  /** Newest first. */
  records(query: RecordQuery): readonly RequestRecord[];
}

/** Time comes in from outside. */
export interface TrafficOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly maxRecords?: number;
}

const windowSeconds = 10;
const keepSilent = 60_000;
const defaultMaxRecords = 20_000;

interface Edge {
  readonly id: string;
  readonly source: End;
  readonly target: End;
  readonly protocol: GraphEdge['protocol'];
  /** A proxy at the source reports it: its word counts, for it also sees what never arrived. */
  fromSource: boolean;
  lastSeen: number;
  sourcePrincipal: string;
  targetPrincipal: string;
}

/** What one reporter said of one edge and one version of its target, within one second. */
interface Entry {
  readonly edge: Edge;
  readonly reporter: 'source' | 'destination';
  readonly version: string;
  readonly sum: Sum;
}

interface Slot {
  readonly second: number;
  readonly entries: Map<string, Entry>;
}

/** Starts without traffic; keeps no timers. */
export function createTraffic({ now, maxRecords = defaultMaxRecords }: TrafficOptions): Traffic {
  const ring = new Ring<RequestRecord>(maxRecords);
  const edges = new Map<string, Edge>();
  const servers = new Map<string, End>();
  let pods: readonly PodStatus[] = [];
  let gateways: ReadonlySet<string> = new Set();
  let slots: Slot[] = [];
  let firstSecond: number | undefined;

  const known: Known = {
    isGateway: (namespace, app) => gateways.has(`${namespace}/${app}`) || (pods.length === 0 && app.endsWith('gateway')),
    serverOf: (service) => servers.get(service),
  };

  function slotOf(second: number): Slot {
    const last = slots.at(-1);
    if (last !== undefined && last.second >= second) return last;
    const slot: Slot = { second, entries: new Map() };
    slots = [...slots.filter((old) => old.second > second - windowSeconds), slot];
    return slot;
  }

  function add(slot: Slot, delta: MetricDelta, time: number): void {
    const { labels } = delta;
    const source = sourceEnd(labels, known);
    const target = targetEnd(labels, known);
    const atSource = labels.reporter === 'source';
    if (atSource && target.kind === 'service' && labels.destination_workload !== '' && labels.destination_workload !== 'unknown') servers.set(labels.destination_service, target);
    const protocol = labels.request_protocol === 'tcp' || labels.request_protocol === 'grpc' ? labels.request_protocol : 'http';
    const id = `${source.id}>${target.id}:${protocol}`;
    let edge = edges.get(id);
    if (edge === undefined) edges.set(id, edge = { id, source, target, protocol, fromSource: false, lastSeen: time, sourcePrincipal: '', targetPrincipal: '' });
    edge.lastSeen = time;
    edge.fromSource ||= atSource;
    edge.sourcePrincipal = principal(labels.source_principal) ?? edge.sourcePrincipal;
    edge.targetPrincipal = principal(labels.destination_principal) ?? edge.targetPrincipal;
    const version = firstSaid(labels.destination_canonical_revision, labels.destination_version);
    const key = `${labels.reporter} ${version} ${id}`;
    let entry = slot.entries.get(key);
    if (entry === undefined) slot.entries.set(key, entry = { edge, reporter: labels.reporter, version, sum: emptySum() });
    addDelta(entry.sum, delta);
  }

  return {
    addRecords: (records) => { for (const record of records) ring.push(record); },
    records: (query) => queryRecords(ring.newestFirst(), query),
    setPods: (next) => {
      pods = next;
      gateways = new Set(next.filter(({ kind }) => kind === 'gateway').map(({ namespace, app }) => `${namespace}/${app}`));
    },
    addMetrics: (deltas) => {
      const time = now();
      const second = Math.floor(time / 1000);
      firstSecond ??= second;
      const slot = slotOf(second);
      for (const delta of deltas) add(slot, delta, time);
    },
    graph: () => {
      const time = now();
      const second = Math.floor(time / 1000);
      for (const [id, edge] of edges) if (time - edge.lastSeen > keepSilent) edges.delete(id);
      slots = slots.filter((slot) => slot.second > second - windowSeconds && slot.second <= second + 1);
      // A lab that has just started is not shown slower than it is.
      const seconds = Math.min(windowSeconds, Math.max(1, second - (firstSecond ?? second)));
      const entries = slots.flatMap((slot) => [...slot.entries.values()]);
      const shown = entries.filter(({ edge, reporter }) => edge.fromSource === (reporter === 'source'));
      const visible = [...edges.values()];
      return { time, nodes: nodesOf(visible, shown, pods, seconds), edges: visible.map((edge) => graphEdge(edge, shown, entries, seconds)) };
    },
  };
}

function graphEdge(edge: Edge, shown: readonly Entry[], all: readonly Entry[], seconds: number): GraphEdge {
  const sum = total(shown.filter((entry) => entry.edge === edge));
  // The destination has seen the certificate; a source may not know.
  const received = total(all.filter((entry) => entry.edge === edge && entry.reporter === 'destination'));
  const { known, secured } = received.known > 0 ? received : sum;
  return {
    id: edge.id, source: edge.source.id, target: edge.target.id, protocol: edge.protocol, figures: figures(sum, seconds),
    mtls: known === 0 ? 0 : secured / known, sourcePrincipal: edge.sourcePrincipal, targetPrincipal: edge.targetPrincipal,
  };
}

function nodesOf(edges: readonly Edge[], shown: readonly Entry[], pods: readonly PodStatus[], seconds: number): readonly GraphNode[] {
  const ends = new Map<string, End>();
  for (const pod of pods) {
    const end = workloadEnd(pod.namespace, pod.app, pod.kind === 'gateway');
    ends.set(end.id, end);
  }
  for (const { source, target } of edges) {
    ends.set(source.id, source);
    ends.set(target.id, target);
  }
  return [...ends.values()].map((end): GraphNode => {
    const received = shown.filter(({ edge }) => edge.target.id === end.id);
    // Nobody calls a gateway or a load generator from within the mesh: they are measured by what they send.
    const entries = received.length > 0 || edges.some(({ target }) => target.id === end.id) ? received : shown.filter(({ edge }) => edge.source.id === end.id);
    const mine = pods.filter((pod) => workloadEnd(pod.namespace, pod.app, pod.kind === 'gateway').id === end.id);
    const versions = end.kind === 'service' ? [...new Set([...mine.map(({ version }) => version), ...received.map(({ version }) => version)])].filter((version) => version !== '').sort() : [];
    return {
      ...end, figures: figures(total(entries), seconds),
      versions: versions.map((version) => ({
        version,
        pods: mine.filter((pod) => pod.version === version).length,
        ready: mine.filter((pod) => pod.version === version && pod.ready).length,
        figures: figures(total(received.filter((entry) => entry.version === version)), seconds),
      })),
    };
  });
}

function total(entries: readonly Entry[]): Sum {
  const sum = emptySum();
  for (const entry of entries) addSum(sum, entry.sum);
  return sum;
}

function principal(value: string): string | undefined {
  return value === '' || value === 'unknown' ? undefined : value;
}

function firstSaid(...values: readonly string[]): string {
  return values.find((value) => value !== '' && value !== 'unknown') ?? '';
}

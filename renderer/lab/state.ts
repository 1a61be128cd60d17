import type { Graph, LabStatus, LabSummary, LoadStatus, Operation, TutorialState, UpstreamStatus } from '../../src/contract/index.ts';

/** How the window stands with core. `since` is when that began, milliseconds since the epoch. */
export interface ConnectionState {
  readonly state: 'connecting' | 'live' | 'lost' | 'refused';
  readonly since: number;
  /** Why, in words for people, when it is not live. */
  readonly message?: string;
}

/** What the window knows of the labs: a mirror of core that only events change. */
export interface LabState {
  readonly connection: ConnectionState;
  /** `undefined` until core has told for the first time. */
  readonly labs: readonly LabSummary[] | undefined;
  /** Name of the lab that is shown. */
  readonly lab: string | undefined;
  readonly status: LabStatus | undefined;
  readonly graph: Graph | undefined;
  readonly load: LoadStatus | undefined;
  /** What the proxies say of the hosts that they call. */
  readonly upstreams: readonly UpstreamStatus[];
  /** The latest operation of each id. */
  readonly operations: Readonly<Record<string, Operation>>;
  /** State of each tutorial of the lab, by id. */
  readonly tutorials: Readonly<Record<string, TutorialState>>;
  /** When the last event of the lab came: what is shown is as old as this. */
  readonly heard: number;
}

/** A thing that happened, as the mirror takes it in. */
export type LabEvent =
  | { readonly kind: 'connection'; readonly connection: ConnectionState }
  | { readonly kind: 'labs'; readonly labs: readonly LabSummary[] }
  | { readonly kind: 'select'; readonly lab: string | undefined }
  | { readonly kind: 'status'; readonly status: LabStatus }
  | { readonly kind: 'graph'; readonly lab: string; readonly graph: Graph }
  | { readonly kind: 'upstreams'; readonly lab: string; readonly upstreams: readonly UpstreamStatus[] }
  | { readonly kind: 'load'; readonly lab: string; readonly load: LoadStatus }
  | { readonly kind: 'operation'; readonly operation: Operation }
  | { readonly kind: 'tutorial'; readonly tutorial: TutorialState };

/** The state before anything was heard. */
export function initialState(now: number): LabState {
  return {
    connection: { state: 'connecting', since: now },
    labs: undefined, lab: undefined, status: undefined, graph: undefined, load: undefined, upstreams: [],
    operations: {}, tutorials: {}, heard: 0,
  };
}

/** Finished operations that are remembered; older ones are dropped. */
const operationsKept = 20;

/** The state after an event. Pure; events of labs other than the one that is shown change nothing. */
export function reduce(state: LabState, event: LabEvent, now: number): LabState {
  switch (event.kind) {
    case 'connection': return { ...state, connection: event.connection };
    case 'labs': return { ...state, labs: event.labs, lab: chooseLab(state.lab, event.labs) };
    case 'select': return event.lab === state.lab ? state : { ...state, lab: event.lab, status: undefined, graph: undefined, load: undefined, upstreams: [], tutorials: {}, heard: 0 };
    case 'status': return event.status.name === state.lab ? { ...state, status: event.status, heard: now } : state;
    case 'graph': return event.lab === state.lab ? { ...state, graph: event.graph, heard: now } : state;
    case 'upstreams': return event.lab === state.lab ? { ...state, upstreams: event.upstreams } : state;
    case 'load': return event.lab === state.lab ? { ...state, load: event.load } : state;
    case 'operation': return { ...state, operations: keepNewest({ ...state.operations, [event.operation.id]: event.operation }) };
    case 'tutorial': return event.tutorial.lab === state.lab ? { ...state, tutorials: { ...state.tutorials, [event.tutorial.tutorial]: event.tutorial } } : state;
  }
}

/** The lab to show: the one at hand while it exists, else the first that runs, else the first. */
function chooseLab(current: string | undefined, labs: readonly LabSummary[]): string | undefined {
  if (labs.some(lab => lab.name === current)) return current;
  return (labs.find(lab => lab.phase === 'running') ?? labs[0])?.name;
}

function keepNewest(operations: Readonly<Record<string, Operation>>): Readonly<Record<string, Operation>> {
  const entries = Object.entries(operations);
  if (entries.length <= operationsKept) return operations;
  const finished = entries.filter(([, operation]) => operation.state !== 'running').slice(0, entries.length - operationsKept);
  const dropped = new Set(finished.map(([id]) => id));
  return Object.fromEntries(entries.filter(([id]) => !dropped.has(id)));
}

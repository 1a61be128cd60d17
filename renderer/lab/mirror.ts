import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Lab, LabApi, LabEvents, RequestRecord } from '../../src/contract/index.ts';
import type { Connect } from './connect.ts';
import { History } from './history.ts';
import { initialState, reduce, type LabEvent, type LabState } from './state.ts';
import type { NextFrame } from './frames.ts';
import { TrafficLog } from './traffic-log.ts';

/** Listens to stream data (logs, terminals); returns how to stop. */
export type OnStream = (listener: LabEvents['stream']) => () => void;

/** The renderer's read-only mirror of core, and the way to ask core for something. */
export interface Mirror {
  readonly store: Pick<StoreApi<LabState>, 'getState' | 'getInitialState' | 'subscribe'>;
  /** Calls go to the connection at hand and reject while there is none. */
  readonly api: LabApi;
  readonly traffic: TrafficLog;
  /** Figures of the last minutes, by id of node or edge. */
  readonly history: History;
  readonly onStream: OnStream;
  /** Shows another lab. */
  selectLab(name: string | undefined): void;
  /** Tries again at once instead of waiting for the next try. */
  reconnect(): void;
  stop(): void;
}

export interface MirrorOptions {
  readonly connect: Connect;
  readonly now: () => number;
  /** Calls back later; returns how to cancel. Passed in, so that tests need not wait. */
  readonly later: (run: () => void, milliseconds: number) => () => void;
  /** When views are told of new requests; by default with the browser's frames. */
  readonly nextFrame?: NextFrame;
}

const retryAfter = [250, 500, 1000, 2000, 5000] as const;

/** Connects, keeps connecting, and mirrors what core tells. */
export function createMirror({ connect, now, later, nextFrame }: MirrorOptions): Mirror {
  const store = createStore<LabState>(() => initialState(now()));
  const traffic = new TrafficLog(nextFrame === undefined ? {} : { nextFrame });
  const history = new History();
  const streams = new Set<LabEvents['stream']>();
  let current: Lab | undefined;
  let watched: string | undefined;
  let attempt = 0;
  let stopped = false;
  let cancelRetry = (): void => undefined;
  let close = (): void => undefined;

  const take = (event: LabEvent): void => {
    if (event.kind === 'graph' && event.lab === store.getState().lab) history.add(event.graph);
    store.setState(reduce(store.getState(), event, now()), true);
    void watchSelected();
  };

  /** Keeps the one watched lab in step with the one that is shown. */
  const watchSelected = async (): Promise<void> => {
    const { lab: name } = store.getState();
    const lab = current;
    if (lab === undefined || name === watched) return;
    const before = watched;
    watched = name;
    traffic.clear();
    history.clear();
    if (before !== undefined) lab.unwatch({ lab: before }).catch(() => undefined); // It may be gone; then nothing is watched either.
    if (name === undefined) return;
    try {
      await lab.watch({ lab: name });
      const [status, graph, records] = await Promise.all([lab.status({ lab: name }), lab.graph({ lab: name }), lab.records({ lab: name, limit: 500 })]);
      if (watched !== name || current !== lab) return;
      take({ kind: 'status', status });
      take({ kind: 'graph', lab: name, graph });
      traffic.add([...records].sort((one, two) => one.time - two.time), status, false);
    } catch (error) {
      // A lab that is still starting has no status yet: the events bring it. Look again when core tells of labs.
      if (watched === name && store.getState().status === undefined) watched = undefined;
      if (!(error instanceof Error)) throw error;
    }
  };

  const onRecords = ({ lab, records }: { readonly lab: string; readonly records: readonly RequestRecord[] }): void => {
    const state = store.getState();
    if (lab === state.lab) traffic.add(records, state.status, true);
  };

  const listen = (lab: Lab): void => {
    lab.on('labs', labs => take({ kind: 'labs', labs }));
    lab.on('operation', operation => take({ kind: 'operation', operation }));
    lab.on('status', status => take({ kind: 'status', status }));
    lab.on('graph', ({ lab: name, graph }) => take({ kind: 'graph', lab: name, graph }));
    lab.on('upstreams', ({ lab: name, upstreams }) => take({ kind: 'upstreams', lab: name, upstreams }));
    lab.on('load', ({ lab: name, load }) => take({ kind: 'load', lab: name, load }));
    lab.on('tutorial', tutorial => take({ kind: 'tutorial', tutorial }));
    lab.on('records', onRecords);
    lab.on('stream', event => { for (const listener of streams) listener(event); });
  };

  const lost = (message: string, retry: boolean): void => {
    current = undefined;
    watched = undefined;
    if (stopped) return;
    const { connection } = store.getState();
    const state = retry ? 'lost' as const : 'refused' as const;
    const since = connection.state === state ? connection.since : now();
    take({ kind: 'connection', connection: { state, since, message } });
    if (!retry) return;
    cancelRetry = later(() => void open(), retryAfter[Math.min(attempt, retryAfter.length - 1)] ?? 5000);
    attempt += 1;
  };

  const open = async (): Promise<void> => {
    try {
      const connection = await connect();
      if (stopped) { connection.close(); return; }
      current = connection.lab;
      close = connection.close;
      listen(connection.lab);
      void connection.closed.then(end => { if (current === connection.lab) lost(end.message, end.retry); });
      const labs = await connection.lab.labs({});
      if (current !== connection.lab) return; // It ended meanwhile, and `lost` has taken over.
      attempt = 0;
      take({ kind: 'connection', connection: { state: 'live', since: now() } });
      take({ kind: 'labs', labs });
    } catch (error) {
      const { connection } = store.getState();
      if (connection.state !== 'refused') lost(error instanceof Error ? error.message : String(error), true);
    }
  };

  void open();
  return {
    store, traffic, history,
    api: relay(() => current),
    onStream: listener => { streams.add(listener); return () => { streams.delete(listener); }; },
    selectLab: name => take({ kind: 'select', lab: name }),
    reconnect: () => { cancelRetry(); attempt = 0; void open(); },
    stop: () => { stopped = true; cancelRetry(); close(); traffic.stop(); },
  };
}

/** A LabApi whose calls go to whatever connection is at hand. */
function relay(current: () => Lab | undefined): LabApi {
  return new Proxy({} as LabApi, {
    get: (_target, name) => (request: unknown) => {
      const lab = current();
      if (lab === undefined) return Promise.reject(new Error('Weft is not connected.'));
      return (lab[name as keyof LabApi] as (argument: unknown) => Promise<unknown>)(request);
    },
  });
}

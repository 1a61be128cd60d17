import { createContext, useContext, useSyncExternalStore, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { LabApi } from '../../src/contract/index.ts';
import type { Series } from './history.ts';
import type { Mirror, OnStream } from './mirror.ts';
import type { LabState } from './state.ts';
import type { TrafficLog } from './traffic-log.ts';
import type { UiActions, UiState, UiStore } from './ui-state.ts';

interface Context {
  readonly mirror: Mirror;
  readonly ui: UiStore;
}

const LabContext = createContext<Context | undefined>(undefined);

/** Gives views the mirror and the window's state; `main.tsx` and tests compose it. */
export function LabProvider({ mirror, ui, children }: Context & { readonly children: ReactNode }): ReactNode {
  return <LabContext value={{ mirror, ui }}>{children}</LabContext>;
}

function useLabContext(): Context {
  const context = useContext(LabContext);
  if (context === undefined) throw new Error('There is no LabProvider above this view.');
  return context;
}

/** Reads the mirror: `useLab(state => state.status?.pods)`. The view renders again when the result changes (shallowly). Read-only. */
export function useLab<Value>(select: (state: LabState) => Value): Value {
  return useStore(useLabContext().mirror.store, useShallow(select));
}

/** Asks core for something: `useApi().apply({ lab, files })`. Rejects with a LabFailure (`code`, `message`, `help`). */
export function useApi(): LabApi {
  return useLabContext().mirror.api;
}

/** The lab that is shown, or `''`; buttons that need one are disabled then. */
export function useLabName(): string {
  return useLab(state => state.lab ?? '');
}

/** Stream data of logs and terminals: `useEffect(() => onStream(event => …), [])`. */
export function useOnStream(): OnStream {
  return useLabContext().mirror.onStream;
}

/** Reads where the person is: `useUi(state => state.fileTarget)`. */
export function useUi<Value>(select: (state: UiState) => Value): Value {
  return useStore(useLabContext().ui.store, useShallow(select));
}

/** Moves the person: `show`, `select`, `openFile(path, line)`, `announce`, … Stable: never causes a render. */
export function useUiActions(): UiActions {
  return useLabContext().ui.actions;
}

/** The live requests. `useTrafficVersion()` renders again when they change, at most once a frame. */
export function useTraffic(): TrafficLog {
  return useLabContext().mirror.traffic;
}

/** A number that changes with the live requests. */
export function useTrafficVersion(): number {
  const { traffic } = useLabContext().mirror;
  return useSyncExternalStore(traffic.subscribe, traffic.version);
}

/** The mirror itself, for the shell: selecting a lab, connecting again. */
export function useMirror(): Mirror {
  return useLabContext().mirror;
}

/** Figures of a node or an edge over the last minutes; renders again with each new graph. */
export function useSeries(id: string): Series {
  const { history } = useLabContext().mirror;
  useLab(state => state.graph?.time);
  return history.of(id);
}

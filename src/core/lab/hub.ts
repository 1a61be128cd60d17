import type { LabEvents } from '../../contract/index.ts';

/** Core's events, to any number of listeners; a listener that throws is a bug and stops nobody else. */
export interface Hub {
  on<Name extends keyof LabEvents>(name: Name, listener: LabEvents[Name]): () => void;
  emit<Name extends keyof LabEvents>(name: Name, event: Parameters<LabEvents[Name]>[0]): void;
}

export function createHub(): Hub {
  const listeners = new Map<keyof LabEvents, Set<(event: never) => void>>();
  return {
    on(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      set.add(listener as (event: never) => void);
      return () => { set.delete(listener as (event: never) => void); };
    },
    emit(name, event) {
      for (const listener of [...listeners.get(name) ?? []]) (listener as (event: unknown) => void)(event);
    },
  };
}

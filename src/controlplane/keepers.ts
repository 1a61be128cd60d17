import type { ControlEvents } from '../contract/index.ts';

/** What only a program with the engine at hand can do for a pod. */
type Errands = Pick<ControlEvents, 'probe' | 'restart'>;
type Send = <Name extends keyof Errands>(event: Name, value: Parameters<Errands[Name]>[0]) => void;

/** The cores that are there to run commands in containers and to restart them: each errand is one core's, the one that came first. */
export interface Keepers {
  /** Returns how to leave. */
  join(send: Send): () => void;
  /** Without a core nothing happens; the proxy asks again. */
  readonly ask: Send;
}

/** Makes the list, with nobody on it. */
export function createKeepers(): Keepers {
  const present = new Set<Send>();
  return {
    join(send) {
      present.add(send);
      return () => { present.delete(send); };
    },
    ask(event, value) {
      const [first] = present;
      first?.(event, value);
    },
  };
}

import type { LabApi, Operation, UpRequest } from '../../../src/contract/index.ts';
import type { LabState } from '../../lab/index.ts';

/** What starting needs of the mirror. */
export interface Starting {
  readonly api: LabApi;
  readonly store: { getState(): LabState; subscribe(listener: (state: LabState) => void): () => void };
}

/** A traffic that one can follow with the eye. */
const firstRate = 5;

/**
 * Asks for a lab and, once it runs, for some traffic on `path`, so that there is something to see at once.
 * Does not depend on a view: the first run gives way to the topology before the operation has ended.
 */
export async function startLab({ api, store }: Starting, request: UpRequest, path: string | undefined): Promise<Operation> {
  const operation = await api.up(request);
  if (path === undefined) return operation;
  const stop = store.subscribe(({ operations }) => {
    const { state } = operations[operation.id] ?? operation;
    if (state === 'running') return;
    stop();
    // Without traffic the topology says how to start some.
    if (state === 'done') api.load({ lab: request.lab, rps: firstRate, url: path }).catch(() => undefined);
  });
  return operation;
}

/** A name for a lab that no other has: `bookinfo`, `bookinfo-2`, … */
export function freeName(wanted: string, taken: readonly string[]): string {
  const base = wanted.toLowerCase().replace(/\.[a-z]+$/, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 36) || 'lab';
  let name = base;
  for (let number = 2; taken.includes(name); number += 1) name = `${base}-${number}`;
  return name;
}

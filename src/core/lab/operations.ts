import { randomUUID } from 'node:crypto';
import { LabFailure, toLabError, type Operation, type Step } from '../../contract/index.ts';
import type { Hub } from './hub.ts';

/** What the work of an operation sees: its steps, and whether it was cancelled. */
export interface Progress {
  readonly signal: AbortSignal;
  /** Runs one step; its result is passed on, its failure fails the operation. */
  step<Result>(id: string, work: (detail: (text: string) => void) => Promise<Result>): Promise<Result>;
}

/** Long work with steps, progress and a way to cancel it. */
export interface Operations {
  start(lab: string, title: string, steps: readonly { readonly id: string; readonly title: string }[], work: (progress: Progress) => Promise<void>): Operation;
  get(id: string): Operation;
  /** Resolves when the operation has ended and cleaned up after itself. */
  cancel(id: string): Promise<void>;
  /** Ends all that run. */
  close(): Promise<void>;
}

interface Running {
  operation: Operation;
  readonly abort: AbortController;
  ended: Promise<void>;
}

/** Ended operations are remembered for a late `get`; the oldest go first. */
const remembered = 100;

export function createOperations(hub: Hub, now: () => number = () => performance.now()): Operations {
  const all = new Map<string, Running>();

  const find = (id: string): Running => {
    const found = all.get(id);
    if (found === undefined) throw new LabFailure('not-found', `There is no operation ${id}.`);
    return found;
  };

  return {
    start(lab, title, steps, work) {
      const id = randomUUID();
      const abort = new AbortController();
      const running: Running = { operation: { id, lab, title, state: 'running', steps: steps.map((step) => ({ ...step, state: 'waiting' as const })) }, abort, ended: Promise.resolve() };
      all.set(id, running);
      for (const [old, { operation }] of all) if (all.size > remembered && operation.state !== 'running') all.delete(old);
      const update = (change: Partial<Operation>): void => {
        running.operation = { ...running.operation, ...change };
        hub.emit('operation', running.operation);
      };
      const setStep = (stepId: string, change: Partial<Step>): void => update({ steps: running.operation.steps.map((step) => (step.id === stepId ? { ...step, ...change } : step)) });
      running.ended = work(progress(abort.signal, setStep, now)).then(
        () => { update({ state: 'done' }); },
        (error: unknown) => { update(abort.signal.aborted ? { state: 'cancelled' } : { state: 'failed', error: toLabError(error) }); },
      );
      return running.operation;
    },
    get: (id) => find(id).operation,
    async cancel(id) {
      const { abort, ended } = find(id);
      abort.abort(new LabFailure('cancelled', 'Cancelled.'));
      await ended;
    },
    async close() {
      await Promise.all([...all.values()].filter(({ operation }) => operation.state === 'running').map(async ({ abort, ended }) => {
        abort.abort(new LabFailure('cancelled', 'Weft is closing.'));
        await ended;
      }));
    },
  };
}

function progress(signal: AbortSignal, setStep: (id: string, change: Partial<Step>) => void, now: () => number): Progress {
  return {
    signal,
    async step(id, work) {
      signal.throwIfAborted();
      const started = now();
      setStep(id, { state: 'running' });
      try {
        const result = await work((detail) => setStep(id, { detail }));
        setStep(id, { state: 'done', took: now() - started });
        return result;
      } catch (error) {
        setStep(id, { state: 'failed', took: now() - started });
        throw error;
      }
    },
  };
}

import { LabFailure } from '../../contract/index.ts';
import type { Engine, EngineEvent, EventStream } from '../docker/index.ts';
import { label } from './labels.ts';
import { mendPods } from './mend.ts';

/** Milliseconds: between tries to reach an engine that is gone, and until a container that has died should be back. */
const pauses = { first: 250, longest: 5000, died: 1500 };

/** Actions that change what a status says. */
const telling = /^(create|start|die|destroy|oom|pause|unpause|health_status)/;

/**
 * Calls back for every change of a lab's containers. When the engine goes away, goes on trying until it is back; then, and when something has died
 * and was not started again, sets the lab right and calls back. `heard` has each event, and `undefined` when some were missed. Believes no memory of what was there before. Returns how to stop.
 */
export function watchLab(engine: Engine, lab: string, changed: () => void, heard: (event: EngineEvent | undefined) => void = () => undefined): () => void {
  let stopped = false;
  let stream: EventStream | undefined;
  let wake: (() => void) | undefined;
  const timers = new Set<NodeJS.Timeout>();

  const mend = async (): Promise<void> => {
    try { await mendPods(engine, lab); } catch (error) { if (!(error instanceof LabFailure)) throw error; }
    if (!stopped) changed();
  };
  const later = (milliseconds: number): void => {
    const timer = setTimeout(() => { timers.delete(timer); void mend(); }, milliseconds);
    timers.add(timer);
  };
  const run = async (): Promise<void> => {
    for (let pause = pauses.first, first = true; !stopped; first = false) {
      try {
        stream = await engine.events({ [label.lab]: lab }, (event) => {
          const { type, action } = event;
          if (type === 'container') heard(event);
          if (type !== 'container' || !telling.test(action)) return;
          if (action === 'die') later(pauses.died);
          changed();
        });
        pause = pauses.first;
        if (!first) {
          await mend();
          heard(undefined);
        }
        if (!stopped) await stream.ended;
      } catch (error) {
        if (!(error instanceof LabFailure)) throw error;
      }
      if (stopped) return;
      changed();
      await new Promise<void>((resolve) => { wake = resolve; timers.add(setTimeout(resolve, pause)); });
      pause = Math.min(pause * 2, pauses.longest);
    }
  };
  void run();
  return () => {
    stopped = true;
    stream?.close();
    for (const timer of timers) clearTimeout(timer);
    wake?.();
  };
}

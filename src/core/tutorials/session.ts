import type { Lab, LabStatus, RequestRecord, TutorialState } from '../../contract/index.ts';
import { perform } from './actions.ts';
import { evaluate, type Facts } from './evaluate.ts';
import type { Script, Step } from './parse.ts';
import type { Progress } from './progress.ts';

/** Time as tutorials need it; passed in, so that tests own it. */
export interface Clock {
  now(): number;
  /** Calls back every so many milliseconds; returns how to stop. */
  every(milliseconds: number, run: () => void): () => void;
}

/** The part of a lab that a tutorial watches and acts on. */
export type TutorialLab = Pick<Lab, 'watch' | 'unwatch' | 'status' | 'get' | 'files' | 'load' | 'stopLoad' | 'switch' | 'apply' | 'delete' | 'on'>;

/** One tutorial on one lab, while it is at hand. */
export interface TutorialSession {
  state(): TutorialState;
  doIt(): Promise<TutorialState>;
  stop(): void;
}

export interface SessionOptions {
  readonly lab: TutorialLab;
  readonly name: string;
  readonly script: Script;
  readonly progress: Progress;
  readonly clock: Clock;
  readonly emit: (state: TutorialState) => void;
}

const lookEvery = 400;
/** Requests that are remembered; more than any check looks at. */
const kept = 20_000;

/** Watches the lab from now on, and moves from step to step as the mesh does what each one asks for. */
export async function openSession(options: SessionOptions): Promise<TutorialSession> {
  const { lab, name, script, progress, clock, emit } = options;
  const known = new Set(script.steps.map((step) => step.id));
  let done = (await progress.get(name, script.id)).filter((id) => known.has(id));
  let records: RequestRecord[] = [];
  let status: LabStatus | undefined;
  let waitingFor: string | undefined;
  let looking = false;
  const current = (): Step | undefined => script.steps.find((step) => !done.includes(step.id));
  const state = (): TutorialState => {
    const step = current();
    return { tutorial: script.id, lab: name, done, ...(step === undefined ? {} : { current: step.id }), ...(step === undefined || waitingFor === undefined ? {} : { waitingFor }) };
  };
  const finish = async (step: Step): Promise<void> => {
    done = [...done, step.id];
    // A step proves itself: what was seen before it began does not count for it.
    records = [];
    waitingFor = undefined;
    emit(state());
    await progress.set(name, script.id, done);
  };
  const look = async (): Promise<void> => {
    const step = current();
    if (step === undefined) return;
    const facts: Facts = { resources: await resourcesFor(lab, name, step), records, status, now: clock.now() };
    const missing = step.checks.map((check) => evaluate(check, facts)).find((outcome) => !outcome.holds);
    if (missing === undefined) return await finish(step);
    if (!missing.holds && missing.missing !== waitingFor) {
      waitingFor = missing.missing;
      emit(state());
    }
  };
  const tick = (): void => {
    if (looking) return;
    looking = true;
    // A lab that is stopping or gone has nothing to look at; the next look may.
    look().catch(() => undefined).finally(() => { looking = false; });
  };
  await lab.watch({ lab: name });
  status = await lab.status({ lab: name });
  const stops = [
    lab.on('records', (event) => { if (event.lab === name) records = [...records, ...event.records].slice(-kept); }),
    lab.on('status', (next) => { if (next.name === name) status = next; }),
    clock.every(lookEvery, tick),
  ];
  return {
    state,
    async doIt() {
      const step = current();
      if (step !== undefined) await perform(lab, name, step.actions);
      return state();
    },
    stop() {
      for (const stop of stops) stop();
      lab.unwatch({ lab: name }).catch(() => undefined); // A lab that is gone is not watched.
    },
  };
}

/** Bodies of the kinds that a step's checks ask for. */
async function resourcesFor(lab: TutorialLab, name: string, step: Step): Promise<Facts['resources']> {
  const kinds = new Set(step.checks.flatMap((check) => ('resource' in check ? [check.resource.kind] : 'noResource' in check ? [check.noResource.kind] : [])));
  const bodies = await Promise.all([...kinds].map((kind) => lab.get({ lab: name, kind })));
  return bodies.flat();
}

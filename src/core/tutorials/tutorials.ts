import { LabFailure, type Tutorial, type TutorialState } from '../../contract/index.ts';
import { parseTutorial, type Script } from './parse.ts';
import { createProgress, type ProgressStorage } from './progress.ts';
import { openSession, type Clock, type TutorialLab, type TutorialSession } from './session.ts';

/** What tutorials are made of; everything that they touch is passed in. */
export interface TutorialsOptions {
  readonly lab: TutorialLab;
  /** Markdown by id (file name without `.md`). */
  readonly texts: () => Promise<Readonly<Record<string, string>>>;
  readonly storage: ProgressStorage;
  readonly clock: Clock;
  /** Called with each new state. */
  readonly emit: (state: TutorialState) => void;
}

/** Tutorials as LabApi offers them. */
export interface Tutorials {
  list(): Promise<readonly Tutorial[]>;
  /** How far one has come; nothing is watched by asking. */
  state(request: { readonly lab: string; readonly tutorial: string }): Promise<TutorialState>;
  /** Begins, or goes on; `fresh` forgets what was done. The lab is watched from now on, for one tutorial at a time. */
  start(request: { readonly lab: string; readonly tutorial: string; readonly fresh?: boolean }): Promise<TutorialState>;
  /** Does the step at hand for the learner; the check still has to see it work. */
  doIt(request: { readonly lab: string; readonly tutorial: string }): Promise<TutorialState>;
  close(): void;
}

/** The tutorials over a lab. */
export function createTutorials({ lab, texts, storage, clock, emit }: TutorialsOptions): Tutorials {
  const progress = createProgress(storage);
  const sessions = new Map<string, { readonly tutorial: string; readonly session: Promise<TutorialSession> }>();
  let scripts: Promise<readonly Script[]> | undefined;
  const all = (): Promise<readonly Script[]> => (scripts ??= readAll(texts));
  const find = async (id: string): Promise<Script> => {
    const script = (await all()).find((each) => each.id === id);
    if (script === undefined) throw new LabFailure('not-found', `There is no tutorial “${id}”.`);
    return script;
  };
  const stop = async (name: string): Promise<void> => {
    const open = sessions.get(name);
    sessions.delete(name);
    await open?.session.then((session) => session.stop(), () => undefined);
  };
  const session = async (name: string, id: string, fresh: boolean): Promise<TutorialSession> => {
    const script = await find(id);
    const open = sessions.get(name);
    if (open?.tutorial === id && !fresh) return await open.session;
    await stop(name);
    if (fresh) await progress.set(name, id, []);
    const opening = openSession({ lab, name, script, progress, clock, emit });
    sessions.set(name, { tutorial: id, session: opening });
    opening.catch(() => sessions.delete(name));
    return await opening;
  };
  return {
    list: async () => (await all()).map(withoutChecks),
    async state({ lab: name, tutorial }) {
      const open = sessions.get(name);
      if (open?.tutorial === tutorial) return (await open.session).state();
      const script = await find(tutorial);
      const done = await progress.get(name, tutorial);
      const current = script.steps.find((step) => !done.includes(step.id))?.id;
      return { tutorial, lab: name, done, ...(current === undefined ? {} : { current }) };
    },
    async start({ lab: name, tutorial, fresh = false }) {
      const state = (await session(name, tutorial, fresh)).state();
      emit(state);
      return state;
    },
    doIt: async ({ lab: name, tutorial }) => await (await session(name, tutorial, false)).doIt(),
    close() { for (const name of [...sessions.keys()]) void stop(name); },
  };
}

async function readAll(texts: TutorialsOptions['texts']): Promise<readonly Script[]> {
  const parsed = Object.entries(await texts()).map(([id, text]) => parseTutorial(id, text));
  return parsed.sort((one, two) => one.order - two.order).map(({ script }) => script);
}

/** What crosses the wire: checks and actions stay here. */
function withoutChecks({ steps, ...script }: Script): Tutorial {
  return { ...script, steps: steps.map(({ id, title, text, hint, doable }) => ({ id, title, text, ...(hint === undefined ? {} : { hint }), doable })) };
}

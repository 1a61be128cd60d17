import { describe, expect, it } from 'vitest';
import type { ApplyResult, TutorialState } from '../../src/contract/index.ts';
import type { Diagnostic } from '../../src/manifest/index.ts';
import { perform } from '../../src/core/tutorials/actions.ts';
import { readSamples } from '../../src/core/samples.ts';
import { createTutorials, readTexts, type ProgressStorage, type Tutorials } from '../../src/core/tutorials/index.ts';
import { createTutorialMesh, type TutorialMesh } from '../fakes/tutorial-mesh.ts';

const assets = new URL('../../assets', import.meta.url).pathname;
const texts = await readTexts(`${assets}/tutorials`);
const samples = await readSamples(`${assets}/labs`);

function memory(kept?: string): ProgressStorage & { text(): string | undefined } {
  let text = kept;
  return { read: async () => text, write: async (next) => { text = next; }, text: () => text };
}

interface Learner { readonly mesh: TutorialMesh; readonly tutorials: Tutorials; readonly states: TutorialState[]; readonly storage: ReturnType<typeof memory> }

const sampleOf = (tutorial: string): string => /^sample: (\w+)$/m.exec(texts[tutorial] ?? '')?.[1] ?? '';

function learner(kept?: string, sample = 'bookinfo', mesh = createTutorialMesh(samples.find(({ name }) => name === sample)?.files ?? [])): Learner {
  const states: TutorialState[] = [];
  const storage = memory(kept);
  return { mesh, states, storage, tutorials: createTutorials({ lab: mesh.lab, clock: mesh.clock, storage, texts: async () => texts, emit: (state) => states.push(state) }) };
}

/** Lets time pass until the learner is at another step; says how it went after a minute. */
async function untilDone({ mesh, tutorials }: Learner, tutorial: string, step: string): Promise<TutorialState> {
  for (let waited = 0; waited < 60_000; waited += 1000) {
    await mesh.pass(1000);
    const state = await tutorials.state({ lab: 'shop', tutorial });
    if (state.done.includes(step)) return state;
  }
  return await tutorials.state({ lab: 'shop', tutorial });
}

describe('the tutorials that ship', () => {
  it('are in the order in which one learns', async () => {
    expect((await learner().tutorials.list()).map(({ id }) => id)).toEqual(['first-traffic', 'canary', 'breaking-things', 'strict-mtls', 'who-may-call-whom', 'a-token-at-the-door', 'protect-a-slow-service', 'limit-the-rate', 'a-rehearsal', 'near-and-far']);
  });

  it('need labs that ship', async () => {
    const known = samples.map(({ name }) => name);
    expect((await learner().tutorials.list()).filter(({ sample }) => !known.includes(sample))).toEqual([]);
  });

  it('keep their checks and actions to themselves', async () => {
    const text = JSON.stringify(await learner().tutorials.list());
    expect(text).not.toMatch(/```(check|do|hint)|"checks"|"actions"/);
  });

  it('say why a lab refuses what they do for someone', async () => {
    const person = learner();
    const wrong: Diagnostic = { code: 'WEFT0001', level: 'error', message: 'This is not valid YAML.', file: 'mine.yaml', line: 3, column: 1 };
    const refuse = async (): Promise<ApplyResult> => ({ applied: false, version: '1', changes: [], diagnostics: [wrong] });
    const refused = await perform({ ...person.mesh.lab, apply: refuse }, 'shop', [{ apply: { 'mine.yaml': '{' } }]).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'manifest-invalid', message: 'Nothing was applied. mine.yaml:3: This is not valid YAML.', diagnostics: [wrong] });
  });

  it.each(Object.keys(texts))('%s runs to its end', async (tutorial) => {
    const person = learner(undefined, sampleOf(tutorial));
    const { steps } = (await person.tutorials.list()).find(({ id }) => id === tutorial) ?? { steps: [] };
    await person.tutorials.start({ lab: 'shop', tutorial });
    for (const step of steps) {
      expect(step.doable).toBe(true);
      await person.tutorials.doIt({ lab: 'shop', tutorial });
      const state = await untilDone(person, tutorial, step.id);
      expect(state.done.at(-1), `${step.id}: ${state.waitingFor}`).toBe(step.id);
    }
    expect(await person.tutorials.state({ lab: 'shop', tutorial })).toEqual({ tutorial, lab: 'shop', done: steps.map(({ id }) => id) });
    person.tutorials.close();
  });

  it.each(Object.keys(texts))('no step of %s is done by waiting', async (tutorial) => {
    const person = learner(undefined, sampleOf(tutorial));
    await person.tutorials.start({ lab: 'shop', tutorial });
    await person.mesh.pass(5000);
    const state = await person.tutorials.state({ lab: 'shop', tutorial });
    expect(state.done).toEqual([]);
    expect(state.waitingFor).toMatch(/^Waiting/);
    person.tutorials.close();
  });
});

describe('going on', () => {
  const tutorial = 'first-traffic';
  const throughOne = async (): Promise<Learner> => {
    const person = learner();
    await person.tutorials.start({ lab: 'shop', tutorial });
    await person.tutorials.doIt({ lab: 'shop', tutorial });
    await untilDone(person, tutorial, 'start');
    return person;
  };

  it('goes on after a restart where it was', async () => {
    const before = await throughOne();
    before.tutorials.close();
    const after = learner(before.storage.text());
    expect(await after.tutorials.start({ lab: 'shop', tutorial })).toMatchObject({ done: expect.arrayContaining(['start']) as string[], current: expect.not.stringMatching('start') as string });
    after.tutorials.close();
  });

  it('begins afresh when asked to', async () => {
    const person = await throughOne();
    expect(await person.tutorials.start({ lab: 'shop', tutorial, fresh: true })).toMatchObject({ done: [], current: 'start' });
    person.tutorials.close();
  });

  it.each(['{', 'null', '[]', '{"shop":1}', '{"shop":{"first-traffic":["no-such-step"]}}'])('starts at the first step when what was kept is %s', async (kept) => {
    const person = learner(kept);
    expect(await person.tutorials.start({ lab: 'shop', tutorial })).toMatchObject({ done: [], current: 'start' });
    person.tutorials.close();
  });

  it('goes on in memory when nothing can be kept', async () => {
    const mesh = createTutorialMesh(samples[0]?.files ?? []);
    const tutorials = createTutorials({ lab: mesh.lab, clock: mesh.clock, texts: async () => texts, emit: () => {}, storage: { read: async () => undefined, write: () => Promise.reject(new Error('ENOSPC')) } });
    await tutorials.start({ lab: 'shop', tutorial });
    await tutorials.doIt({ lab: 'shop', tutorial });
    await mesh.pass(10_000);
    expect((await tutorials.state({ lab: 'shop', tutorial })).done).toContain('start');
    tutorials.close();
  });

  it('says which tutorial there is not', async () => {
    await expect(learner().tutorials.start({ lab: 'shop', tutorial: 'none' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('tells what it waits for as that changes', async () => {
    const person = await throughOne();
    expect(person.states.map(({ waitingFor }) => waitingFor)).toContainEqual(expect.stringMatching(/^Waiting for requests to productpage with status 200 \([1-9] of 10\)$/));
    person.tutorials.close();
  });
});

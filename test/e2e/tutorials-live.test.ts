import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tutorial, TutorialState } from '../../src/contract/index.ts';
import { readSamples } from '../../src/core/samples.ts';
import { noEngine, startLab, until, type TestLab } from './support/index.ts';

const assets = join(import.meta.dirname, '../../assets');
/** By their labs, in the order in which one learns: each begins where the one before has left the lab. */
const bySample = {
  bookinfo: ['first-traffic', 'canary', 'breaking-things', 'strict-mtls', 'who-may-call-whom'],
  httpbin: ['a-token-at-the-door', 'protect-a-slow-service', 'limit-the-rate', 'a-rehearsal', 'near-and-far'],
} as const;

describe.skipIf(noEngine !== undefined).each(['bookinfo', 'httpbin'] as const)(`the tutorials on a real lab of %s${noEngine === undefined ? '' : ` (skipped: ${noEngine})`}`, (sample) => {
  const order = bySample[sample];
  let data: string;
  let lab: TestLab;
  let tutorials: readonly Tutorial[];

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'weft-tutorials-'));
    // Progress is kept where the person's programs keep theirs; this test's lab is not theirs.
    process.env['XDG_DATA_HOME'] = data;
    const files = (await readSamples(join(assets, 'labs'))).find(({ name }) => name === sample)?.files ?? [];
    lab = await startLab('test-tutorials', files, { sample });
    tutorials = await lab.core.tutorials({});
  });
  afterAll(async () => {
    await lab?.down();
    await rm(data, { recursive: true, force: true });
  });

  it('are those that ship', () => expect(tutorials.filter((tutorial) => tutorial.sample === sample).map(({ id }) => id)).toEqual(order));

  it.each(order)('%s runs to its end', async (tutorial) => {
    const request = { lab: lab.name, tutorial };
    const steps = tutorials.find(({ id }) => id === tutorial)?.steps ?? [];
    expect(steps.length).toBeGreaterThan(0);
    await lab.core.tutorialStart({ ...request, fresh: true });
    for (const step of steps) {
      const started = performance.now();
      const before = await lab.core.tutorial(request);
      expect(before.current, `before ${step.id}: ${JSON.stringify(before)}`).toBe(step.id);
      await lab.core.tutorialDo(request);
      await done(request, step.id);
      console.log(`${tutorial}: ${step.id} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
    expect(await lab.core.tutorial(request)).toEqual({ ...request, done: steps.map(({ id }) => id) });
  }, 900_000);

  /** Waits until the mesh has shown what the step asks for; says what is missing when it does not. */
  async function done(request: { readonly lab: string; readonly tutorial: string }, step: string): Promise<void> {
    let state: TutorialState | undefined;
    await until(`${request.tutorial}: ${step}`, async () => { state = await lab.core.tutorial(request); return state.done.includes(step); }, 150_000)
      .catch((error: Error) => { throw new Error(`${error.message}: ${state?.waitingFor ?? 'nothing is said to be missing'}`); });
  }
});

import { describe, expect, it } from 'vitest';
import { LabFailure } from '../../../src/contract/index.ts';
import { imageLabel, rememberRegistries } from '../../../src/core/images/index.ts';
import { checkMachine, preflight, type HostFacts } from '../../../src/core/preflight/index.ts';
import { fakeEngine, fakeImage, type FakeEngine } from '../../fakes/engine.ts';

const gibibyte = 2 ** 30;
const host = (over: Partial<{ memory: number; disk: number | undefined; platform: NodeJS.Platform }> = {}): HostFacts => ({ platform: over.platform ?? 'linux', freeMemory: () => over.memory ?? 8 * gibibyte, freeDisk: async () => ('disk' in over ? over.disk : 20 * gibibyte) });
const check = (engine: FakeEngine, facts: HostFacts = host()): ReturnType<typeof preflight> => preflight({ engine, tried: ['Docker (/x): answers'] }, facts, rememberRegistries());

describe('the preflight', () => {
  it('is content with a good machine', async () => {
    const { ok, checks } = await check(fakeEngine());
    expect(ok).toBe(true);
    expect(checks.map(({ id, state }) => [id, state])).toEqual([['engine', 'ok'], ['version', 'ok'], ['memory', 'ok'], ['disk', 'ok'], ['images', 'ok']]);
    expect(checks[0]?.tried).toEqual(['Docker (/x): answers']);
  });
  it.each([
    ['an old engine', fakeEngine({ apiVersion: '1.24' }), host(), 'version', 'failed'],
    ['another processor', fakeEngine({ architecture: 's390x' }), host(), 'version', 'failed'],
    ['little memory', fakeEngine(), host({ memory: 0.5 * gibibyte }), 'memory', 'failed'],
    ['scarce memory', fakeEngine(), host({ memory: 1.5 * gibibyte }), 'memory', 'warning'],
    ['a small engine on a Mac', fakeEngine({ memory: 1.5 * gibibyte }), host({ platform: 'darwin' }), 'memory', 'warning'],
    ['a full disk', fakeEngine(), host({ disk: 0.1 * gibibyte }), 'disk', 'failed'],
    ['a disk that is nearly full', fakeEngine(), host({ disk: 1 * gibibyte }), 'disk', 'warning'],
    ['a disk that cannot be seen', fakeEngine(), host({ disk: undefined }), 'disk', 'ok'],
  ] as const)('judges %s', async (_, engine, facts, id, state) => {
    const { ok, checks } = await check(engine, facts);
    const found = checks.find((one) => one.id === id);
    expect(found?.state).toBe(state);
    expect(ok).toBe(state !== 'failed');
    if (state !== 'ok') expect(found?.fix).toBeTruthy();
  });
  it('stops at an engine that does not answer', async () => {
    const engine = fakeEngine();
    engine.fail('info', new LabFailure('engine-gone', 'gone'));
    expect(await check(engine)).toMatchObject({ ok: false, checks: [{ id: 'engine', state: 'failed', fix: expect.any(String) as string }] });
  });
  it('says whether the image is there', async () => {
    const engine = fakeEngine();
    engine.imgs.push(fakeImage('weft/runtime:x', { [imageLabel]: 'runtime' }));
    expect((await check(engine)).checks.at(-1)?.detail).toContain('is here');
  });
  it('lists all that was tried where there is no engine', async () => {
    const { ok, checks } = await checkMachine({ env: { DOCKER_HOST: 'unix:///nowhere/docker.sock' }, platform: 'linux', home: '/home/ann', uid: 1, readText: () => undefined });
    expect(ok).toBe(false);
    expect(checks).toMatchObject([{ id: 'engine', tried: ['DOCKER_HOST (/nowhere/docker.sock): nothing there'], fix: expect.stringContaining('docker.io') as string }]);
  });
});

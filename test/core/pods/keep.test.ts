import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { LabFailure, type ControlEvents } from '../../../src/contract/index.ts';
import { rememberRegistries } from '../../../src/core/images/index.ts';
import { createLab, keepPods, label, reconcilePods } from '../../../src/core/pods/index.ts';
import { parseManifests } from '../../../src/manifest/index.ts';
import { fakeEngine, fakeImage, type FakeContainer, type FakeEngine } from '../../fakes/engine.ts';
import { until } from '../../fakes/wait.ts';

const stops: (() => void)[] = [];
afterEach(() => { for (const stop of stops.splice(0)) stop(); });

const podOf = (container: string, spec = '', annotations = ''): string => `apiVersion: v1\nkind: Pod\nmetadata: {name: web, annotations: {${annotations}}}\nspec: {containers: [{name: app, image: nginx, ${container}}]${spec}}`;
const plain = "sidecar.istio.io/inject: 'false'";
const liveness = 'livenessProbe: {exec: {command: [cat, /healthy]}, timeoutSeconds: 1, terminationGracePeriodSeconds: 7}';

/** A lab with one pod, and its keeper; `code` is what commands end with. */
async function kept(manifest: string, code: () => number | Promise<number>) {
  const engine = fakeEngine();
  engine.imgs.push(fakeImage('nginx'));
  await createLab(engine, { lab: 'demo', image: 'weft/runtime:x', images: 'pull', consent: [] });
  await reconcilePods(engine, 'demo', parseManifests([{ path: 'a.yaml', text: manifest }]).resources, { image: 'weft/runtime:x', registry: rememberRegistries(), register: async () => undefined });
  const ran: string[][] = [];
  engine.exec = async (_id, { command }) => {
    ran.push([...command]);
    const output = new PassThrough();
    output.end('no such file\n');
    return { output, input: new PassThrough(), resize: async () => undefined, exitCode: new Promise((resolve) => { setImmediate(resolve); }).then(code), close: () => { output.destroy(); } };
  };
  const stopped: (number | undefined)[] = [];
  const stop = engine.stopContainer.bind(engine);
  engine.stopContainer = async (id, seconds) => { stopped.push(seconds); await stop(id, seconds); };
  const listeners = new Map<string, (value: never) => void>();
  const answers: unknown[] = [];
  const news: unknown[] = [];
  const keeper = keepPods(engine, 'demo', {
    on: (event, listener) => { listeners.set(event, listener); return () => { listeners.delete(event); }; },
    probed: async (proxy, answer) => { answers.push([proxy, answer]); },
    containerNews: async (proxy, said) => { news.push([proxy, said]); },
  });
  stops.push(() => { keeper.stop(); });
  const ask = <Name extends 'probe' | 'restart'>(event: Name, value: Parameters<ControlEvents[Name]>[0]): void => { (listeners.get(event) as ((value: unknown) => void) | undefined)?.(value); };
  await until('it', () => news.length > 0);
  news.length = 0;
  return { engine, keeper, ask, ran, answers, news, stopped, app: app(engine) };
}

function app(engine: FakeEngine): FakeContainer {
  const found = [...engine.all.values()].find(({ spec }) => spec.labels[label.role] === 'app');
  if (found === undefined) throw new Error('no app');
  return found;
}

describe('commands of probes', () => {
  it('are run in the container, and what they found is told', async () => {
    let code = 0;
    const { ask, ran, answers } = await kept(podOf(liveness), () => code);
    ask('probe', { proxy: 'default/web', id: 1, container: 'app', kind: 'liveness' });
    await until('it', () => answers.length === 1);
    code = 1;
    ask('probe', { proxy: 'default/web', id: 2, container: 'app', kind: 'liveness' });
    await until('it', () => answers.length === 2);
    expect(ran).toEqual([['cat', '/healthy'], ['cat', '/healthy']]);
    expect(answers).toEqual([['default/web', { id: 1, problem: null }], ['default/web', { id: 2, problem: 'the command ended with 1: no such file' }]]);
  });

  it('have only their timeout', async () => {
    const { ask, answers } = await kept(podOf(liveness), () => new Promise(() => undefined));
    ask('probe', { proxy: 'default/web', id: 1, container: 'app', kind: 'liveness' });
    await until('it', () => answers.length === 1);
    expect(answers).toEqual([['default/web', { id: 1, problem: 'the command did not end within 1 s' }]]);
  });

  it('that are not the manifest’s are not run, nor those of another pod', async () => {
    const { ask, ran, answers } = await kept(podOf(liveness), () => 0);
    ask('probe', { proxy: 'default/web', id: 1, container: 'app', kind: 'startup' });
    ask('probe', { proxy: 'default/web', id: 2, container: 'other', kind: 'liveness' });
    ask('probe', { proxy: 'default/other', id: 3, container: 'app', kind: 'liveness' });
    ask('probe', { proxy: 'default/web', id: 4, container: 'app', kind: 'liveness' });
    await until('it', () => answers.length === 1);
    expect(ran).toHaveLength(1);
    expect(answers).toEqual([['default/web', { id: 4, problem: null }]]);
  });

  it('have no answer when the engine cannot run them', async () => {
    const { engine, ask, answers } = await kept(podOf(liveness), () => 0);
    const { exec } = engine;
    engine.exec = () => Promise.reject(new LabFailure('engine-gone', 'gone'));
    ask('probe', { proxy: 'default/web', id: 1, container: 'app', kind: 'liveness' });
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    engine.exec = exec;
    ask('probe', { proxy: 'default/web', id: 2, container: 'app', kind: 'liveness' });
    await until('it', () => answers.length === 1);
    expect(answers).toEqual([['default/web', { id: 2, problem: null }]]);
  });
});

describe('restarts', () => {
  it('end a container in its grace, start it anew and count', async () => {
    const { ask, app: container, news, stopped } = await kept(podOf(liveness), () => 0);
    const before = container.started;
    ask('restart', { proxy: 'default/web', container: 'app', why: 'it hangs', grace: 7 });
    await until('it', () => news.length === 1);
    expect(stopped).toEqual([7]);
    expect(container.state).toBe('running');
    expect(container.started).toBeGreaterThan(before);
    expect(news).toEqual([['default/web', { name: 'app', running: true, started: container.started, restarts: 1 }]]);
  });

  it('asked for twice happen once', async () => {
    const { ask, news, stopped } = await kept(podOf(liveness), () => 0);
    ask('restart', { proxy: 'default/web', container: 'app', why: 'it hangs' });
    ask('restart', { proxy: 'default/web', container: 'app', why: 'it hangs' });
    await until('it', () => news.length === 1);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    expect(stopped).toEqual([undefined]);
  });

  it('come at once the first time, and then not before their pause is over', async () => {
    const { ask, stopped, news } = await kept(podOf(liveness), () => 0);
    ask('restart', { proxy: 'default/web', container: 'app', why: 'it hangs' });
    await until('it', () => news.length === 1);
    ask('restart', { proxy: 'default/web', container: 'app', why: 'it hangs' });
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    expect(stopped).toHaveLength(1);
  });

  it.each([['Never', 'exited'], ['OnFailure', 'running'], ['Always', 'running']])('with restartPolicy %s leave it %s', async (policy, state) => {
    const { ask, app: container, news } = await kept(podOf(liveness, `, restartPolicy: ${policy}`), () => 0);
    ask('restart', { proxy: 'default/web', container: 'app', why: 'it hangs' });
    await until('it', () => news.length === 1);
    expect(container.state).toBe(state);
  });

  it('come in pods without a sidecar from here', async () => {
    const { app: container, ran } = await kept(podOf('livenessProbe: {exec: {command: [ok]}, initialDelaySeconds: 1, periodSeconds: 1, failureThreshold: 1}, readinessProbe: {exec: {command: [ready]}}', '', plain), () => 1);
    const before = container.started;
    await until('it', () => container.started > before);
    expect(ran).toContainEqual(['ok']);
    expect(ran).not.toContainEqual(['ready']);
  });
});

describe('news of containers', () => {
  it('are told when they start and end', async () => {
    const { engine, keeper, news, app: container } = await kept(podOf(liveness), () => 0);
    await engine.killContainer(container.id, 'KILL');
    keeper.heard({ type: 'container', action: 'die', id: container.id, labels: container.spec.labels, time: 0 });
    await until('it', () => news.length === 1);
    await engine.startContainer(container.id);
    keeper.heard({ type: 'container', action: 'start', id: container.id, labels: container.spec.labels, time: 0 });
    await until('it', () => news.length === 2);
    expect(news).toMatchObject([['default/web', { name: 'app', running: false }], ['default/web', { name: 'app', running: true, started: container.started }]]);
  });
});

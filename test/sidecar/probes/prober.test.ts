import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Probe } from '../../../src/contract/index.ts';
import { createSystemClock } from '../../../src/sidecar/config/system-clock.ts';
import { startProbes, type ProbeVerdict } from '../../../src/sidecar/probes/prober.ts';
import { tryProbe } from '../../../src/sidecar/probes/try.ts';
import { fakeClock } from '../../fakes/clock.ts';

const cleanup: (() => void)[] = [];
afterEach(() => { for (const close of cleanup.splice(0)) close(); });

const probe = (kind: Probe['kind'], more: Partial<Probe> = {}): Probe => ({ container: 'app', kind, action: { tcp: { port: 1 } }, initialDelay: 0, period: 10, timeout: 1, successThreshold: 1, failureThreshold: 3, ...more });

function run(probes: readonly Probe[], answer: (probe: Probe) => string | undefined) {
  const clock = fakeClock();
  const said: ProbeVerdict[] = [];
  let tries = 0;
  cleanup.push(startProbes({ probes, clock, attempt: (one) => { tries += 1; return Promise.resolve(answer(one)); }, changed: (verdict) => { said.push(verdict); } }));
  return { clock, last: () => said.at(-1), tries: () => tries };
}

describe('probes', () => {
  test('a pod without any is ready', () => { expect(run([], () => undefined).last()).toEqual({ ready: true }); });

  test('readiness comes with the first success and goes after three failures', async () => {
    let problem: string | undefined = 'refused';
    const { clock, last } = run([probe('readiness')], () => problem);
    expect(last()?.ready).toBe(false);
    await clock.advance(1);
    expect(last()).toEqual({ ready: false, message: 'readiness probe of app: refused' });
    problem = undefined;
    await clock.advance(500);
    expect(last()).toEqual({ ready: true });
    problem = 'status 500';
    await clock.advance(29_000);
    expect(last()?.ready).toBe(true);
    await clock.advance(10_000);
    expect(last()).toEqual({ ready: false, message: 'readiness probe of app: status 500' });
  });

  test('a failing liveness probe is told, and takes no readiness', async () => {
    const { clock, last } = run([probe('liveness')], () => 'hangs');
    await clock.advance(25_000);
    expect(last()).toEqual({ ready: true, message: 'liveness probe of app: hangs' });
  });

  test('nothing else is probed before the startup probe has passed', async () => {
    let up = false;
    const asked: string[] = [];
    const { clock, last } = run([probe('startup', { period: 1 }), probe('readiness', { period: 1 })], (one) => { asked.push(one.kind); return up ? undefined : 'not up'; });
    await clock.advance(5000);
    expect(new Set(asked)).toEqual(new Set(['startup']));
    up = true;
    await clock.advance(3000);
    expect(last()).toEqual({ ready: true });
    expect(asked.at(-1)).toBe('readiness');
  });

  test('the first try waits for the initial delay', async () => {
    const { clock, tries } = run([probe('readiness', { initialDelay: 5 })], () => undefined);
    await clock.advance(4900);
    expect(tries()).toBe(0);
    await clock.advance(200);
    expect(tries()).toBe(1);
  });
});

describe('one try', () => {
  async function server(answer: string | undefined): Promise<number> {
    const listening = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => { if (answer !== undefined) socket.end(answer); });
    }).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    cleanup.push(() => { listening.close(); });
    return (listening.address() as AddressInfo).port;
  }
  const http = (port: number, timeout = 1): Probe => probe('readiness', { timeout, action: { http: { port, path: '/healthz', scheme: 'HTTP', headers: [['X-A', 'b\r\nevil: 1']] } } });
  const attempt = (one: Probe): Promise<string | undefined> => tryProbe(one, { host: '127.0.0.1', localAddress: undefined }, createSystemClock());

  test.each([['HTTP/1.1 200 OK\r\n\r\n', undefined], ['HTTP/1.0 302 Found\r\n\r\n', undefined], ['HTTP/1.1 404 Not Found\r\n\r\n', 'status 404'], ['SSH-2.0\r\n', 'the answer is no HTTP']])('%j is judged as the kubelet does', async (answer, problem) => {
    expect(await attempt(http(await server(answer)))).toBe(problem);
  });

  test('silence, a closed port and an open one', async () => {
    const port = await server(undefined);
    expect(await attempt(http(port, 0.05))).toContain('no answer');
    expect(await attempt(probe('readiness', { action: { tcp: { port } } }))).toBeUndefined();
    expect(await attempt(probe('readiness', { action: { tcp: { port: 1 } } }))).toContain('ECONNREFUSED');
  });
});

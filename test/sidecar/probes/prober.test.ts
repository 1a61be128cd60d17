import { once } from 'node:events';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Probe } from '../../../src/contract/index.ts';
import { createSystemClock } from '../../../src/sidecar/config/system-clock.ts';
import { startProbes, unknown, type Found, type ProbeVerdict } from '../../../src/util/prober.ts';
import { createCommandProbes } from '../../../src/sidecar/probes/commands.ts';
import { tryProbe, type NetworkAction } from '../../../src/sidecar/probes/try.ts';
import { fakeClock } from '../../fakes/clock.ts';

const cleanup: (() => void)[] = [];
afterEach(() => { for (const close of cleanup.splice(0)) close(); });

const probe = (kind: Probe['kind'], more: Partial<Probe> = {}): Probe => ({ container: 'app', kind, action: { tcp: { port: 1 } }, initialDelay: 0, period: 10, timeout: 1, successThreshold: 1, failureThreshold: 3, ...more });

function run(probes: readonly Probe[], answer: (probe: Probe) => Found) {
  const clock = fakeClock();
  const said: ProbeVerdict[] = [];
  let tries = 0;
  const failed: string[] = [];
  const prober = startProbes({
    probes, clock, attempt: (one) => { tries += 1; return Promise.resolve(answer(one)); }, changed: (verdict) => { said.push(verdict); },
    failed: ({ container, kind }, why) => { failed.push(`${container} ${kind}: ${why}`); },
  });
  cleanup.push(() => { prober.stop(); });
  const heard = (running: boolean, started: number): void => { prober.heard({ name: 'app', running, started }); };
  return { clock, heard, failed, last: () => said.at(-1), tries: () => tries };
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
    const { clock, last } = run([probe('startup', { period: 1, failureThreshold: 30 }), probe('readiness', { period: 1 })], (one) => { asked.push(one.kind); return up ? undefined : 'not up'; });
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

describe('restarts', () => {
  test('a liveness probe that fails as often as it may has its container restarted, once', async () => {
    const { clock, failed } = run([probe('liveness', { period: 1, initialDelay: 2 })], () => 'hangs');
    await clock.advance(3900);
    expect(failed).toEqual([]);
    await clock.advance(200);
    expect(failed).toEqual(['app liveness: hangs']);
    await clock.advance(20_000);
    expect(failed).toHaveLength(1);
  });

  test('a container that was started anew begins anew: initial delay, startup, readiness', async () => {
    const asked: string[] = [];
    const { clock, heard, failed, last } = run(
      [probe('startup', { period: 1 }), probe('liveness', { period: 1, initialDelay: 5 }), probe('readiness', { period: 1 })],
      ({ kind }) => { asked.push(kind); return kind === 'liveness' ? 'hangs' : undefined; },
    );
    heard(true, 1);
    await clock.advance(7100);
    expect(failed).toHaveLength(1);
    heard(false, 1);
    expect(last()).toEqual({ ready: false, message: 'container app does not run' });
    asked.length = 0;
    await clock.advance(4000);
    expect(asked).toEqual([]);
    heard(true, 2);
    expect(last()?.ready).toBe(false);
    await clock.advance(4900);
    expect(asked[0]).toBe('startup');
    expect(asked).toContain('readiness');
    expect(asked).not.toContain('liveness');
    expect(last()?.ready).toBe(true);
    await clock.advance(2200);
    expect(failed).toHaveLength(2);
  });

  test('a startup probe that never passes has it restarted too, a readiness probe never', async () => {
    const { clock, failed } = run([probe('startup', { period: 1, failureThreshold: 4 }), probe('liveness', { period: 1 }), probe('readiness', { container: 'other', period: 1 })], () => 'not up');
    await clock.advance(2900);
    expect(failed).toEqual([]);
    await clock.advance(10_000);
    expect(failed).toEqual(['app startup: not up']);
  });

  test('a success between failures begins the count again', async () => {
    let tries = 0;
    const { clock, failed } = run([probe('liveness', { period: 1 })], () => (++tries % 3 === 0 ? undefined : 'hangs'));
    await clock.advance(30_000);
    expect(failed).toEqual([]);
  });

  test('when nobody could try, nothing changes', async () => {
    let found: Found = undefined;
    const { clock, failed, last } = run([probe('liveness', { period: 1 }), probe('readiness', { period: 1 })], () => found);
    await clock.advance(1500);
    found = unknown;
    await clock.advance(30_000);
    expect(last()).toEqual({ ready: true });
    expect(failed).toEqual([]);
  });

  test('without news of the container it probes on after the time to end in and ten seconds', async () => {
    const { clock, failed } = run([probe('liveness', { period: 1, grace: 2, failureThreshold: 1 })], () => 'hangs');
    await clock.advance(11_500);
    expect(failed).toHaveLength(1);
    await clock.advance(1000);
    expect(failed).toHaveLength(2);
  });

  test('more successes are asked for where the probe says so', async () => {
    const { clock, last } = run([probe('readiness', { period: 0.1, successThreshold: 3 })], () => undefined);
    await clock.advance(150);
    expect(last()?.ready).toBe(false);
    await clock.advance(100);
    expect(last()?.ready).toBe(true);
  });
});

describe('probes by command', () => {
  test('are asked for by container and kind, never by command; no answer says nothing', async () => {
    const clock = fakeClock();
    const sent: unknown[] = [];
    let open = true;
    const commands = createCommandProbes({ clock, send: (message) => { sent.push(message); return open; } });
    const one = probe('liveness', { action: { exec: { command: ['cat', '/healthy'] } } });
    const first = commands.ask(one);
    const second = commands.ask(one);
    expect(sent).toEqual([1, 2].map((id) => ({ probe: { id, container: 'app', kind: 'liveness' } })));
    commands.answered({ id: 2, problem: 'the command ended with 1' });
    expect(await second).toBe('the command ended with 1');
    await clock.advance(6000);
    expect(await first).toBe(unknown);
    open = false;
    expect(await commands.ask(one)).toBe(unknown);
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
  const attempt = (one: Probe): Promise<string | undefined> => tryProbe(one, one.action as NetworkAction, { host: '127.0.0.1', localAddress: undefined }, createSystemClock());

  test.each([['HTTP/1.1 200 OK\r\n\r\n', undefined], ['HTTP/1.0 302 Found\r\n\r\n', undefined], ['HTTP/1.1 404 Not Found\r\n\r\n', 'status 404'], ['SSH-2.0\r\n', 'the answer is no HTTP']])('%j is judged as the kubelet does', async (answer, problem) => {
    expect(await attempt(http(await server(answer)))).toBe(problem);
  });

  test('silence, a closed port and an open one', async () => {
    const port = await server(undefined);
    expect(await attempt(http(port, 0.05))).toContain('no answer');
    expect(await attempt(probe('readiness', { action: { tcp: { port } } }))).toBeUndefined();
    expect(await attempt(probe('readiness', { action: { tcp: { port: 1 } } }))).toContain('ECONNREFUSED');
  });

  test.each([['SERVING', '', undefined], ['SERVING', 'shop', undefined], ['NOT_SERVING', 'down', 'the service is NOT_SERVING'], ['none', 'missing', 'gRPC status 5']])('gRPC health is %s for “%s”', async (_name, service, problem) => {
    const asked: string[] = [];
    const listening = createHttp2Server().on('stream', (stream, headers) => {
      asked.push(String(headers[':path']));
      stream.once('data', (message: Buffer) => {
        const name = message.subarray(7).toString();
        if (name === 'missing') {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true });
          return;
        }
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => { stream.sendTrailers({ 'grpc-status': '0' }); });
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, name === 'down' ? 2 : 1]));
      });
    }).listen(0, '127.0.0.1');
    await once(listening, 'listening');
    cleanup.push(() => { listening.close(); });
    const { port } = listening.address() as AddressInfo;
    expect(await attempt(probe('liveness', { action: { grpc: { port, service } } }))).toBe(problem);
    expect(asked).toEqual(['/grpc.health.v1.Health/Check']);
  });
});

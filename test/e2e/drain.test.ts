import { execFileSync } from 'node:child_process';
import { Agent, request as httpRequest } from 'node:http';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SourceFile } from '../../src/manifest/index.ts';
import { noEngine, startLab, steady, until, type TestLab } from './support/index.ts';

/** Answers after as long as it is asked to; told to end, it takes no connections and finishes what is under way. */
const program = "const s=require('http').createServer((q,r)=>setTimeout(()=>r.end(process.env.VERSION),Number(new URL(q.url,'http://x').searchParams.get('ms')))).listen(8080);process.on('SIGTERM',()=>s.close(()=>process.exit(0)))";

const docker = (...args: readonly string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const file = (path: string, ...resources: readonly object[]): SourceFile => ({ path, text: resources.map((one) => JSON.stringify(one)).join('\n---\n') });

function deployment(name: string, version: string, replicas: number): SourceFile {
  const container = { name: 'app', image: 'curlimages/curl', command: ['node', '-e', program], env: [{ name: 'VERSION', value: version }], ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } };
  const template = { metadata: { labels: { app: 'app', of: name }, annotations: { 'proxy.istio.io/config': 'terminationDrainDuration: 8s' } }, spec: { terminationGracePeriodSeconds: 10, containers: [container] } };
  return file(`${name}.yaml`, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { replicas, selector: { matchLabels: { of: name } }, template } });
}

const service = file('service.yaml', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'app' }, spec: { selector: { app: 'app' }, ports: [{ name: 'http', port: 8080 }] } });
const gateway = file('gateway.yaml', { apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: { name: 'entry' }, spec: { selector: { istio: 'ingressgateway' }, servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }] } });
const routes = (turn: number, more: object = {}): SourceFile => file('routes.yaml', {
  apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'app' },
  spec: { hosts: ['*'], gateways: ['entry'], http: [{ name: `turn-${turn}`, headers: { response: { set: { 'x-turn': String(turn) } } }, ...more, route: [{ destination: { host: 'app', port: { number: 8080 } } }] }] },
});

/** Who does not answer is left out for a while. */
const outliers = file('outliers.yaml', {
  apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'app' },
  spec: { host: 'app', trafficPolicy: { outlierDetection: { consecutive5xxErrors: 3, interval: '1s', baseEjectionTime: '3s', maxEjectionPercent: 100 }, connectionPool: { tcp: { connectTimeout: '1s' } } } },
});

interface Reply {
  readonly status: number | string;
  readonly connection: string | undefined;
  readonly turn: string | undefined;
  readonly reused: boolean;
  readonly body: string;
}

/** One GET; what went wrong instead of a status when nothing came. */
function ask(url: URL, agent: Agent | false): Promise<Reply> {
  return new Promise((resolve) => {
    const nothing = (error: NodeJS.ErrnoException): void => { resolve({ status: error.code ?? error.message, connection: undefined, turn: undefined, reused: false, body: '' }); };
    const asked = httpRequest(url, { agent }, (response) => {
      const { statusCode = 0, headers } = response;
      let body = '';
      response.on('data', (chunk: Buffer) => { body += chunk.toString(); }).on('error', nothing);
      response.on('end', () => { resolve({ status: statusCode, connection: headers.connection, turn: headers['x-turn'] as string | undefined, reused: asked.reusedSocket, body }); });
    });
    asked.on('error', nothing).end();
  });
}

function askHttp2(session: ClientHttp2Session, path: string): Promise<number | string> {
  return new Promise((resolve) => {
    let status: number | string = 'nothing';
    session.request({ ':path': path }).on('response', (headers) => { status = headers[':status'] ?? 0; }).on('error', (error: NodeJS.ErrnoException) => { status = error.code ?? error.message; }).on('close', () => { resolve(status); }).resume();
  });
}

describe.skipIf(noEngine !== undefined)(`what is under way when something ends${noEngine === undefined ? '' : ` (skipped: ${noEngine})`}`, () => {
  let lab: TestLab;
  let entry: URL;
  const at = (path: string): URL => new URL(path, entry);

  beforeAll(async () => {
    lab = await startLab('test-drain', [deployment('stays', '1', 1), deployment('goes', 'going', 1), service, gateway, routes(0)]);
    await lab.synced();
    entry = new URL((await lab.status()).ingressUrl);
    await until('both pods to answer', async () => (await lab.get('/?ms=0')).status === 200);
  }, 200_000);
  afterAll(async () => { await lab?.down(); });

  it('a change of routes cuts no request and ends no connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const session = connectHttp2(entry);
    let goaway = false;
    session.on('goaway', () => { goaway = true; });
    expect(await ask(at('/?ms=0'), agent)).toMatchObject({ status: 200, turn: '0' });
    const long = [ask(at('/?ms=3000'), false), ask(at('/?ms=3000'), false)];
    const streams = [askHttp2(session, '/?ms=3000'), askHttp2(session, '/?ms=3000')];
    for (let turn = 1; turn <= 5; turn++) await lab.apply([routes(turn)]);
    expect(await ask(at('/?ms=0'), agent)).toMatchObject({ status: 200, turn: '5', reused: true, connection: undefined });
    expect((await Promise.all(long)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await Promise.all(streams)).toEqual([200, 200]);
    expect(await askHttp2(session, '/?ms=0')).toBe(200);
    expect(goaway).toBe(false);
    session.destroy();
    agent.destroy();
  });

  it('a listener that goes lets requests end, and tells their connections good-bye', async () => {
    const agent = new Agent({ keepAlive: true });
    const session = connectHttp2(entry);
    session.on('error', () => undefined);
    let goaway = false;
    session.on('goaway', () => { goaway = true; });
    const long = [ask(at('/?ms=4000'), agent), ask(at('/?ms=4000'), agent)];
    const streams = [askHttp2(session, '/?ms=4000'), askHttp2(session, '/?ms=4000')];
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    await lab.delete([gateway]);
    await until('nobody is let in any more', async () => (await ask(at('/?ms=0'), false)).status !== 200);
    for (const reply of await Promise.all(long)) expect(reply).toMatchObject({ status: 200, connection: 'close' });
    expect(await Promise.all(streams)).toEqual([200, 200]);
    await until('the session to be told', () => goaway && session.closed);
    agent.destroy();
    await lab.apply([gateway]);
    await until('everybody is let in again', async () => (await ask(at('/?ms=0'), false)).status === 200);
  });

  it.each(['istio-proxy', 'app'])('a pod whose %s is frozen costs time, and no request', async (container) => {
    const id = docker('ps', '-q', '--filter', 'label=dev.weft.lab=test-drain', '--filter', `name=goes.*${container}`);
    const pid = Number(docker('inspect', '--format', '{{.State.Pid}}', id));
    await lab.apply([routes(6, { retries: { attempts: 3, perTryTimeout: '1s', retryOn: '5xx,reset,connect-failure' } })]);
    await lab.during([outliers], async () => {
      const traffic = steady(at('/?ms=0'), 20, 60);
      await until('traffic flows', () => traffic.sent > 20);
      process.kill(pid, 'SIGSTOP');
      try {
        await until('two hundred requests with it', () => traffic.sent > 220);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await traffic.stop();
      console.log(`${container} frozen: ${traffic.failed.length} of ${traffic.sent} requests failed`);
      expect(traffic.failed.length / traffic.sent).toBeLessThanOrEqual(0.001);
    });
    await lab.apply([routes(7)]);
    await until('both pods to answer again', async () => new Set(await Promise.all(Array.from({ length: 10 }, async () => (await lab.get('/?ms=0')).body))).size === 2);
  });

  it('a workload that is deleted finishes what it is about, and costs no request', async () => {
    const traffic = steady(at('/?ms=20'), 20, 60);
    const long = Array.from({ length: 10 }, () => ask(at('/?ms=4000'), false));
    await until('traffic flows', () => traffic.sent > 20);
    await lab.delete([deployment('goes', 'going', 1)]);
    await until('its pod to be gone', async () => !(await lab.status()).pods.some(({ workload }) => workload === 'goes'));
    const replies = await Promise.all(long);
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(new Set(replies.map(({ body }) => body))).toEqual(new Set(['1', 'going']));
    await traffic.stop();
    expect(traffic.failed).toEqual([]);
  });

  it('a rollout costs no request', async () => {
    const traffic = steady(at('/?ms=20'), 20, 60);
    await until('traffic flows', () => traffic.sent > 20);
    const long = Array.from({ length: 5 }, () => ask(at('/?ms=4000'), false));
    await lab.apply([deployment('stays', '2', 1)]);
    await until('the new one to answer', async () => (await lab.get('/?ms=0')).body === '2', 60_000);
    await until('the old one to be gone', async () => (await lab.status()).pods.filter(({ workload }) => workload === 'stays').length === 1, 60_000);
    expect((await Promise.all(long)).map(({ status, body }) => [status, body])).toEqual(Array.from({ length: 5 }, () => [200, '1']));
    await traffic.stop();
    console.log(`rollout: ${traffic.failed.length} of ${traffic.sent} requests failed`);
    expect(traffic.failed).toEqual([]);
  });
});

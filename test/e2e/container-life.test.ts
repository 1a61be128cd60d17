import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerStatus, PodStatus } from '../../src/contract/index.ts';
import type { SourceFile } from '../../src/manifest/index.ts';
import { noEngine, startLab, until, type TestLab } from './support/index.ts';

const name = 'test-container-life';

/** A server that is well while a file is there, which it makes after `delay` ms; a visit to `/break` makes it ill. */
const server = (delay = 0): readonly string[] => ['node', '-e', `
  const fs=require('fs');let ill=false;process.on('SIGTERM',()=>process.exit(0));
  setTimeout(()=>fs.writeFileSync('/tmp/well',''),${delay});
  require('http').createServer((q,s)=>{if(q.url==='/break')ill=true;s.statusCode=q.url==='/healthz'&&ill?500:200;s.end(String(process.uptime()))}).listen(8080)`];
const well = { exec: { command: ['test', '-f', '/tmp/well'] } };
const quick = { periodSeconds: 1, failureThreshold: 2 };

function workload(app: string, probes: Readonly<Record<string, unknown>>, delay?: number): readonly SourceFile[] {
  const container = { name: app, image: 'curlimages/curl', command: server(delay), ports: [{ containerPort: 8080 }], ...probes };
  return [
    { path: `${app}.yaml`, text: JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: app }, spec: { selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec: { containers: [container] } } } }) },
    { path: `${app}-service.yaml`, text: JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: app }, spec: { selector: { app }, ports: [{ name: 'http', port: 8080 }] } }) },
  ];
}

const files = [
  ...workload('command', { livenessProbe: { ...well, ...quick } }),
  ...workload('request', { livenessProbe: { httpGet: { path: '/healthz', port: 8080 }, ...quick } }),
  ...workload('slow', { startupProbe: { ...well, periodSeconds: 1, failureThreshold: 30 }, livenessProbe: { ...well, periodSeconds: 1, failureThreshold: 1 } }, 4000),
  ...workload('busy', { readinessProbe: { ...well, ...quick } }),
];

describe.skipIf(noEngine !== undefined)(`probes of real containers${noEngine === undefined ? '' : ` (skipped: ${noEngine})`}`, () => {
  let lab: TestLab;
  beforeAll(async () => { lab = await startLab(name, files); }, 200_000);
  afterAll(async () => { await lab?.down(); });

  const pod = async (workloadName: string): Promise<PodStatus> => {
    const found = (await lab.status()).pods.find(({ workload: of }) => of === workloadName);
    if (found === undefined) throw new Error(`no pod of ${workloadName}`);
    return found;
  };
  const container = async (app: string): Promise<ContainerStatus | undefined> => (await pod(app)).containers.find((one) => one.name === app);
  const status = async (host: string): Promise<string> => (await lab.exec('busy', 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', `http://${host}:8080/`)).output;

  it('a startup probe by command holds liveness off until the container is up', async () => {
    expect(await container('slow')).toMatchObject({ state: 'running', restarts: 0 });
    expect((await pod('slow')).ready).toBe(true);
  });

  it('a liveness probe by command that fails has the container restarted, and the pod is ready again', async () => {
    await lab.exec('command', 'rm', '/tmp/well');
    await until('it was restarted', async () => (await container('command'))?.restarts === 1);
    await until('the pod is ready again', async () => (await pod('command')).ready);
    expect(await container('command')).toMatchObject({ state: 'running' });
    expect(await status('command')).toBe('200');
  });

  it('so has one by HTTP', async () => {
    await lab.exec('request', 'curl', '-s', 'http://localhost:8080/break');
    await until('it was restarted', async () => (await container('request'))?.restarts === 1);
    await until('the pod is ready again', async () => (await pod('request')).ready);
    expect(await status('request')).toBe('200');
  });

  it('a readiness probe by command takes the pod out of its service, and restarts nothing', async () => {
    expect(await status('busy')).toBe('200');
    await lab.exec('busy', 'rm', '/tmp/well');
    await until('nobody is sent there', async () => (await status('busy')) === '503');
    expect(await pod('busy')).toMatchObject({ ready: false, message: expect.stringContaining('readiness probe of busy: the command ended with 1') as string });
    await lab.exec('busy', 'touch', '/tmp/well');
    await until('it is back', async () => (await status('busy')) === '200');
    expect(await container('busy')).toMatchObject({ restarts: 0 });
  });
});

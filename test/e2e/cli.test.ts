import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabStatus, RequestRecord } from '../../src/contract/index.ts';
import { openCore } from '../../src/core/open-core.ts';
import { get, noEngine } from './support/index.ts';
import { startWeft, weft } from './support/cli.ts';
import { leftBehind } from './support/left-behind.ts';

const samples = join(import.meta.dirname, '../../assets/labs');
const bookinfo = ['-f', join(samples, 'bookinfo/bookinfo.yaml'), '-f', join(samples, 'bookinfo/gateway.yaml')];
const delayed = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin}
spec:
  hosts: ['*']
  gateways: [httpbin-gateway]
  http:
  - fault: {abort: {httpStatus: 418, percentage: {value: 100}}}
    route: [{destination: {host: httpbin, port: {number: 8000}}}]
`;
const broken = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - timeout: soon
    route: [{destination: {host: web}}]
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-cli-'));
  await writeFile(join(folder, 'delayed.yaml'), delayed);
  await writeFile(join(folder, 'broken.yaml'), broken);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('weft without an engine', () => {
  test.each([
    ['no such command', ['weave']], ['an unknown option', ['up', '--simple', 'bookinfo']], ['nothing to start', ['up']], ['no such sample', ['up', '--sample', 'bookstore']],
    ['a header without a colon', ['explain', 'GET', '/', '-f', samples, '-H', 'nonsense']], ['a duration that is none', ['load', '--for', 'ages']],
  ])('ends with 2 on %s, and says so', async (_what, args) => {
    const { exitCode, out, err } = await weft(...args);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: '' });
    expect(err.length).toBeGreaterThan(20);
  });

  test('says wrong usage as JSON too', async () => {
    const { exitCode, out, err } = await weft('--json', 'weave');
    expect({ exitCode, out, error: JSON.parse(err) as unknown }).toEqual({ exitCode: 2, out: '', error: { error: { code: 'usage', message: expect.stringContaining('weave') as string, help: expect.any(String) as string } } });
  });

  test('analyze names file, line and column, and ends with 1 on an error, with 0 on good manifests', async () => {
    const bad = await weft('analyze', join(folder, 'broken.yaml'));
    expect(bad.exitCode).toBe(1);
    expect(bad.out).toMatch(/broken\.yaml:8:5 {2}error {2}IST0106 .*timeout/);
    const asJson = await weft('--json', 'analyze', join(folder, 'broken.yaml'));
    expect(JSON.parse(asJson.out)).toContainEqual(expect.objectContaining({ level: 'error', line: 8, column: 5 }));
    expect(await weft('analyze', join(samples, 'bookinfo/bookinfo.yaml'), join(samples, 'bookinfo/gateway.yaml'))).toMatchObject({ exitCode: 0 });
    expect(await weft('analyze', join(folder, 'missing.yaml'))).toMatchObject({ exitCode: 1, err: expect.stringContaining('missing.yaml') as string });
  });

  test('explain says each step with its line, on a folder alone', async () => {
    const { exitCode, out } = await weft('explain', 'GET', '/productpage', ...bookinfo);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/route: .*\(gateway\.yaml:\d+\)/);
    expect(out).toContain('→ It goes to productpage.default.svc.cluster.local:9080.');
  });
});

describe.skipIf(noEngine !== undefined)('weft with a lab', () => {
  const lab = ['--name', 'cli-test'];

  beforeAll(async () => {
    await weft('down', ...lab);
    const up = await weft('up', '--sample', 'httpbin', '--images', 'stand-in', ...lab);
    expect(up).toMatchObject({ exitCode: 0 });
    expect(up.err).toMatch(/✓ .* \(\d/);
    expect(up.out.trim()).toMatch(/^http:\/\/127\.0\.0\.1:\d+/);
  });
  afterAll(async () => {
    expect(await weft('down', ...lab)).toMatchObject({ exitCode: 0 });
    expect(leftBehind('cli-test')).toEqual([]);
  });

  const status = async (): Promise<LabStatus> => JSON.parse((await weft('--json', 'status', ...lab)).out) as LabStatus;

  test('shows pods and proxies, resources and a proxy’s config', async () => {
    const { pods, proxies } = await status();
    expect(pods.every((pod) => pod.ready)).toBe(true);
    expect(proxies.every((proxy) => proxy.sent === proxy.acknowledged)).toBe(true);
    expect((await weft('status', ...lab)).out).toMatch(/default +httpbin-\S+ +2\/2 +Ready +0 +\S+ +synced/);
    expect((await weft('get', 'vs', 'httpbin', '-o', 'yaml', ...lab)).out).toMatch(/kind: VirtualService[\s\S]*httpbin-gateway/);
    const clusters = JSON.parse((await weft('proxy-config', 'clusters', 'curl', ...lab)).out) as readonly { readonly name: string }[];
    expect(clusters.map(({ name }) => name)).toContain('outbound|8000||httpbin.default.svc.cluster.local');
    expect(await weft('get', 'vs', 'nobody', ...lab)).toMatchObject({ exitCode: 1, err: expect.stringContaining('There is no vs nobody') as string });
    expect(await weft('proxy-config', 'clusters', 'nobody', ...lab)).toMatchObject({ exitCode: 1, err: expect.stringContaining('httpbin') as string });
  });

  test('a rule applies to the next request and goes again; both are in the records', async () => {
    const { ingressUrl } = await status();
    expect(await weft('apply', '-f', join(folder, 'broken.yaml'), ...lab)).toMatchObject({ exitCode: 1, err: expect.stringContaining('broken.yaml:8:5') as string });
    expect(await weft('apply', '-f', join(folder, 'delayed.yaml'), ...lab)).toMatchObject({ exitCode: 0 });
    await expect.poll(async () => (await get(new URL('/get', ingressUrl), {})).status).toBe(418);
    expect((await weft('explain', 'GET', '/get', ...lab)).out).toContain('418');
    const back = await weft('apply', '-f', join(samples, 'httpbin/gateway.yaml'), ...lab);
    expect(back).toMatchObject({ exitCode: 0, out: expect.stringContaining('applied') as string });
    await expect.poll(async () => (await get(new URL('/get', ingressUrl), {})).status).toBe(200);
    const follow = startWeft('--json', 'traffic', '--follow', ...lab);
    const load = JSON.parse((await weft('--json', 'load', '--rps', '20', '--for', '2s', ...lab)).out) as { readonly sent: number; readonly failed: number };
    expect(load.sent).toBeGreaterThan(20);
    expect(load.failed).toBe(0);
    await expect.poll(async () => (await weft('traffic', '--limit', '5', ...lab)).out).toMatch(/→ httpbin.* 200 /);
    follow.process.kill('SIGINT');
    const { exitCode, out } = await follow.ended;
    const records = out.trim().split('\n').map((line) => JSON.parse(line) as RequestRecord);
    expect(exitCode).toBe(0);
    expect(records.some((record) => record.status === 418 && record.flags.includes('FI'))).toBe(true);
    expect(records.filter((record) => record.status === 200).length).toBeGreaterThan(load.sent);
  });

  test('applies a rule that leads nowhere, and says so', async () => {
    await writeFile(join(folder, 'nowhere.yaml'), 'apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: nowhere }\nspec: { hosts: [httpbin], http: [{ route: [{ destination: { host: httpbin, subset: v9 } }] }] }\n');
    const applied = await weft('apply', '-f', join(folder, 'nowhere.yaml'), ...lab);
    expect(applied).toMatchObject({ exitCode: 0, out: 'applied nowhere.yaml\n', err: expect.stringMatching(/nowhere\.yaml:4:\d+ .*IST0101.*v9/) as string });
    expect(await weft('delete', '-f', join(folder, 'nowhere.yaml'), ...lab)).toMatchObject({ exitCode: 0, out: 'removed from nowhere.yaml\n' });
    expect(await weft('delete', '-f', join(folder, 'nowhere.yaml'), ...lab)).toMatchObject({ exitCode: 0, out: expect.stringContaining('nothing was removed') as string });
  });

  test('runs commands with their exit codes, and prints logs', async () => {
    expect(await weft('exec', ...lab, 'curl', '--', 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://httpbin:8000/status/204')).toMatchObject({ exitCode: 0, out: '204' });
    expect(await weft('exec', ...lab, 'curl', '--', 'sh', '-c', 'exit 7')).toMatchObject({ exitCode: 7 });
    expect(await weft('logs', 'httpbin', '-c', 'istio-proxy', '--tail', '50', ...lab)).toMatchObject({ exitCode: 0 });
    const asJson = await weft('--json', 'logs', 'httpbin', '-c', 'istio-proxy', '--tail', '5', ...lab);
    expect(asJson.out.trim().split('\n').every((line) => typeof (JSON.parse(line) as { line?: unknown }).line === 'string')).toBe(true);
  });

  test('a lab of the command line is seen and driven by the app, and the other way round', async () => {
    const app = openCore({ dist: join(import.meta.dirname, '../../dist'), env: process.env, platform: process.platform });
    try {
      expect((await app.labs({})).map(({ name }) => name)).toContain('cli-test');
      await app.switch({ lab: 'cli-test', action: { kind: 'fault', host: 'httpbin', namespace: 'default', abort: { status: 503, percent: 100 } } });
      expect((await weft('get', 'vs', '-o', 'yaml', ...lab)).out).toContain('httpStatus: 503');
    } finally {
      await app.stop();
    }
  });

  test.each([['helloworld', /^http:\/\/127\.0\.0\.1:\d+\n$/], ['tcp-echo', /^127\.0\.0\.1:\d+ \(port 31400 of the gateway, tcp\)\n$/]])('the sample %s starts and says where, and goes', async (sample, where) => {
    const name = `cli-${sample}`;
    expect(await weft('up', '--sample', sample, '--images', 'stand-in', '--name', name)).toMatchObject({ exitCode: 0, out: expect.stringMatching(where) as string });
    expect(await weft('down', '--name', name)).toMatchObject({ exitCode: 0, out: `Removed ${name}.\n` });
  });

  test('Ctrl-C while it starts removes what was started', async () => {
    const up = startWeft('up', ...bookinfo, '--images', 'stand-in', '--name', 'cli-cancelled');
    await expect.poll(() => leftBehind('cli-cancelled').length, { timeout: 30_000 }).toBeGreaterThan(0);
    up.process.kill('SIGINT');
    expect(await up.ended).toMatchObject({ exitCode: 1, err: expect.stringContaining('nothing was left behind') as string });
    expect(leftBehind('cli-cancelled')).toEqual([]);
  });
});

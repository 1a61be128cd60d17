import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFixture, until, type Fixture } from './fixture.ts';
import { breakable, echoFiles, echoPod, startEchoes, type Echoes } from './grpc-fixture.ts';

/** Debian's own Python before others: `python3-grpcio` belongs to it. */
const python = ['/usr/bin/python3', 'python3'].find((command) => {
  try {
    execFileSync(command, ['-c', 'import grpc'], { stdio: 'ignore', timeout: 20_000 });
    return true;
  } catch {
    return false;
  }
});
const why = python === undefined ? ' (skipped: no Python with grpcio, Debian’s python3-grpcio)' : process.platform === 'linux' ? '' : ' (skipped: needs all of 127/8)';

describe.skipIf(why !== '')(`Python’s gRPC with an xds:/// target${why}`, () => {
  const compiler = breakable();
  const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
  const pods = [echoPod('echo-v1-a', 'v1', '127.0.0.2'), echoPod('echo-v1-b', 'v1', '127.0.0.3'), echoPod('echo-v2', 'v2', '127.0.0.4')];
  let lab: Fixture;
  let echoes: Echoes;
  let client: ChildProcessWithoutNullStreams;
  let lines: AsyncIterator<string>;

  beforeAll(async () => {
    lab = await startFixture({ compiler });
    echoes = await startEchoes(addresses);
    await lab.core.setPods(pods);
    await lab.core.setFiles(echoFiles(echoes.port, undefined));
    const bootstrap = {
      xds_servers: [{ server_uri: `127.0.0.1:${lab.control.discoveryPort}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
      node: { id: 'sidecar~127.0.0.1~python.default~default.svc.cluster.local', locality: {}, metadata: { GENERATOR: 'grpc', NAMESPACE: 'default' } },
    };
    client = spawn(python ?? 'python3', [join(import.meta.dirname, 'xds-client.py'), 'xds:///echo.default.svc.cluster.local:7070'], { env: { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) } });
    client.stderr.resume();
    lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
  }, 60_000);

  afterAll(async () => {
    client?.kill();
    echoes?.close();
    await lab?.close();
  });

  /** Makes calls, one after the other; how often each address answered, failures by their words. */
  const calls = async (count: number): Promise<Readonly<Record<string, number>>> => {
    client.stdin.write(`${count}\n`);
    const { value } = await lines.next();
    return JSON.parse(String(value)) as Record<string, number>;
  };
  const rejected = async (): Promise<string | undefined> => (await lab.core.status()).proxies.find(({ proxy }) => proxy === 'default/python')?.rejected;

  test('reaches every endpoint of a service', async () => {
    expect(Object.keys(await calls(30)).sort()).toEqual(addresses);
  }, 30_000);

  test('follows weights', async () => {
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100]));
    await until('all calls go to v2', async () => (await calls(10))['127.0.0.4'] === 10);
    await lab.core.setFiles(echoFiles(echoes.port, [50, 50]));
    await until('calls go to both', async () => (await calls(10))['127.0.0.4'] !== 10);
    const counts = await calls(300);
    expect(Object.keys(counts).sort()).toEqual(addresses);
    expect(counts['127.0.0.4']).toBeGreaterThan(100);
    expect(counts['127.0.0.4']).toBeLessThan(200);
  }, 30_000);

  test('leaves an endpoint that goes away and takes it back, without a failed call', async () => {
    await lab.core.setFiles(echoFiles(echoes.port, [100, 0]));
    const seen = new Set<string>();
    const eventually = (what: string, wanted: readonly string[]): Promise<void> => until(what, async () => {
      const counts = await calls(10);
      for (const who of Object.keys(counts)) seen.add(who);
      return Object.keys(counts).sort().join() === wanted.join();
    });
    await eventually('both of v1 answer', ['127.0.0.2', '127.0.0.3']);
    await lab.core.setPods(pods.filter(({ ip }) => ip !== '127.0.0.3'));
    await eventually('one is left', ['127.0.0.2']);
    await lab.core.setPods(pods);
    await eventually('it is back', ['127.0.0.2', '127.0.0.3']);
    expect([...seen].filter((who) => !addresses.includes(who))).toEqual([]);
  }, 30_000);

  test('loses no call while config is pushed', async () => {
    const made = calls(400);
    for (let push = 0; push < 50; push += 1) {
      const other = `apiVersion: v1\nkind: Service\nmetadata: { name: other-${push} }\nspec: { selector: { app: echo }, ports: [{ name: grpc, port: 7071, targetPort: ${echoes.port} }] }`;
      expect((await lab.core.setFiles(echoFiles(echoes.port, push % 3 === 2 ? undefined : [push, 100 - push], [other]))).applied).toBe(true);
    }
    const counts = await made;
    expect(Object.keys(counts).filter((who) => !addresses.includes(who))).toEqual([]);
    const { version } = await lab.core.status();
    // This client works on its streams while it makes calls.
    await until('the last push is acknowledged', async () => Object.keys(await calls(1)).every((who) => addresses.includes(who)) && (await lab.core.status()).proxies.find(({ proxy }) => proxy === 'default/python')?.acknowledged === version);
  }, 60_000);

  test('rejects what it must, keeps the last good config, and takes the next good one', async () => {
    const service = (name: string): string => `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ports: [{ name: grpc, port: 1 }] }`;
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100]));
    await until('all calls go to v2', async () => (await calls(5))['127.0.0.4'] === 5);
    compiler.broken = true;
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100], [service('meanwhile')]));
    await until('the rejection is known', async () => (await rejected()) !== undefined);
    expect(await rejected()).toMatch(/^CDS: /);
    expect(await calls(20)).toEqual({ '127.0.0.4': 20 });
    compiler.broken = false;
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100], [service('later')]));
    await until('nothing is rejected', async () => (await rejected()) === undefined);
    expect(await calls(5)).toEqual({ '127.0.0.4': 5 });
  }, 30_000);
});

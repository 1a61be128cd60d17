import * as grpc from '@grpc/grpc-js';
import * as xds from '@grpc/grpc-js-xds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startFixture, until, type Fixture } from './fixture.ts';
import { breakable, echoFiles, echoPod, say, spread, startEchoes, type Echoes } from './grpc-fixture.ts';

// The client reads its bootstrap once per process, so all of these share one control plane.
describe('an unmodified gRPC client with xds:/// targets', () => {
  const compiler = breakable();
  const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
  const pods = [echoPod('echo-v1-a', 'v1', '127.0.0.2'), echoPod('echo-v1-b', 'v1', '127.0.0.3'), echoPod('echo-v2', 'v2', '127.0.0.4')];
  let lab: Fixture;
  let echoes: Echoes;
  let client: grpc.Client;

  beforeAll(async () => {
    lab = await startFixture({ compiler });
    echoes = await startEchoes(addresses);
    await lab.core.setPods(pods);
    await lab.core.setFiles(echoFiles(echoes.port, undefined));
    process.env['GRPC_XDS_BOOTSTRAP_CONFIG'] = JSON.stringify({
      xds_servers: [{ server_uri: `127.0.0.1:${lab.control.discoveryPort}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] }],
      node: { id: 'sidecar~127.0.0.1~client.default~default.svc.cluster.local', locality: {}, metadata: { GENERATOR: 'grpc', NAMESPACE: 'default' } },
    });
    xds.register();
    client = new grpc.Client('xds:///echo.default.svc.cluster.local:7070', grpc.credentials.createInsecure());
  });

  afterAll(async () => {
    client.close();
    echoes.close();
    await lab.close();
  });

  it('reaches every endpoint of a service by its full and its short name', async () => {
    expect(Object.keys(await spread(client, 30)).sort()).toEqual(addresses);
    const short = new grpc.Client('xds:///echo:7070', grpc.credentials.createInsecure());
    expect(addresses).toContain(await say(short));
    short.close();
  });

  it('follows weights', async () => {
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100]));
    await until('all calls go to v2', async () => (await spread(client, 10))['127.0.0.4'] === 10);
    await lab.core.setFiles(echoFiles(echoes.port, [50, 50]));
    await until('calls go to both', async () => (await spread(client, 10))['127.0.0.4'] !== 10);
    const counts = await spread(client, 300);
    expect(counts['127.0.0.4']).toBeGreaterThan(100);
    expect(counts['127.0.0.4']).toBeLessThan(200);
  });

  it('leaves an endpoint that goes away, without a failed call', async () => {
    await lab.core.setFiles(echoFiles(echoes.port, [100, 0]));
    await until('both of v1 answer', async () => Object.keys(await spread(client, 10)).sort().join() === '127.0.0.2,127.0.0.3');
    await lab.core.setPods(pods.filter(({ ip }) => ip !== '127.0.0.3'));
    await until('one is left', async () => (await spread(client, 10))['127.0.0.2'] === 10);
    await lab.core.setPods(pods);
    await until('it is back', async () => Object.keys(await spread(client, 10)).length === 2);
  });

  it('loses no call during 200 pushes under load', async () => {
    let calls = 0;
    let running = true;
    const failures: string[] = [];
    const load = Promise.all(Array.from({ length: 4 }, async () => {
      while (running) {
        await say(client).catch((error: unknown) => failures.push(String(error)));
        calls++;
      }
    }));
    try {
      for (let push = 0; push < 200; push++) {
        // Weights move, and services with their own clusters come and go beside them.
        const other = `apiVersion: v1\nkind: Service\nmetadata: { name: other-${push} }\nspec: { selector: { app: echo }, ports: [{ name: grpc, port: 7071, targetPort: ${echoes.port} }] }`;
        const { applied } = await lab.core.setFiles(echoFiles(echoes.port, push % 3 === 2 ? undefined : [push % 101, 100 - (push % 101)], [other]));
        expect(applied).toBe(true);
      }
      const { version } = await lab.core.status();
      await until('the last push is acknowledged', async () => (await lab.core.status()).proxies.find(({ proxy }) => proxy === 'default/client')?.acknowledged === version);
    } finally {
      running = false;
      await load;
    }
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(200);
  }, 120_000);

  it('rejects what it must, keeps the last good config, and takes the next good one', async () => {
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100]));
    await until('all calls go to v2', async () => (await spread(client, 5))['127.0.0.4'] === 5);
    compiler.broken = true;
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100], ['apiVersion: v1\nkind: Service\nmetadata: { name: meanwhile }\nspec: { ports: [{ name: grpc, port: 1 }] }']));
    const status = async (): Promise<string | undefined> => (await lab.core.status()).proxies.find(({ proxy }) => proxy === 'default/client')?.rejected;
    await until('the rejection is known', async () => (await status())?.includes('MAGLEV') === true);
    expect(await spread(client, 20)).toEqual({ '127.0.0.4': 20 });
    compiler.broken = false;
    await lab.core.setFiles(echoFiles(echoes.port, [0, 100], ['apiVersion: v1\nkind: Service\nmetadata: { name: later }\nspec: { ports: [{ name: grpc, port: 1 }] }']));
    await until('nothing is rejected', async () => (await status()) === undefined);
    await until('all calls go to v2 again', async () => (await spread(client, 5))['127.0.0.4'] === 5);
    expect(await lab.core.metricsText()).toMatch(/pilot_total_xds_rejects\{type="cds"\} [1-9]/);
  });
});

import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectControl } from '../../src/core/control/connect.ts';
import { createRoot } from '../../src/core/control/root.ts';
import { startTwoPods, type TwoPods } from '../fakes/two-pods.ts';
import { until } from '../fakes/wait.ts';
import { coreToken } from './fixture.ts';

describe.skipIf(process.platform !== 'linux')('replacing the mesh’s root (needs all of 127/8)', () => {
  let pods: TwoPods;
  beforeAll(async () => { pods = await startTwoPods(81); }, 30_000);
  afterAll(async () => { await pods?.close(); });

  const all = async (count: number): Promise<void> => { await until(`${count} trusted roots everywhere`, async () => (await pods.trusted('caller')) === count && (await pods.trusted('server')) === count, 10_000); };
  const retire = async (): Promise<void> => { await until('the old root to be retired', () => pods.mesh.lab.core.rotateRoot({ step: 'retire' }).then(() => true, () => false), 10_000); };

  test('goes in three phases without a lost request, and the old root counts no more', async () => {
    const { core } = pods.mesh.lab;
    const before = await pods.serial('caller');
    const root = await createRoot('cluster.local');
    const counts = await pods.underLoad(async () => {
      expect(await core.rotateRoot({ step: 'introduce', root })).toBe('introduced');
      await all(2);
      expect(await core.rotateRoot({ step: 'replace' })).toBe('replaced');
      await retire();
      await all(1);
      expect(await pods.serial('caller')).not.toBe(before);
      for (let more = 0; more < 20; more += 1) expect(await pods.get()).toBe('200');
    });
    expect(counts).toEqual({ 200: expect.any(Number) as number });
    expect(counts['200']).toBeGreaterThan(20);
    expect(JSON.stringify(await core.proxyConfig('default/server', 'secrets'))).toContain(JSON.stringify(root.certificate.trimEnd()).slice(1, -1));
  }, 40_000);

  test('a client that knows the first root only still finds its control plane, also after a restart of it', async () => {
    const { lab } = pods.mesh;
    await lab.restart();
    const client = await connectControl({ host: '127.0.0.1', port: lab.control.port, token: coreToken, root: lab.root.certificate });
    await until('the proxies to be back', async () => (await client.status()).proxies.every(({ connected }) => connected), 10_000);
    expect(await pods.get()).toBe('200');
    await until('a second rotation to begin', () => client.rotateRoot({ step: 'introduce', root: lab.root }).then((phase) => phase === 'introduced', () => false), 10_000);
    await all(2);
    expect(await client.rotateRoot({ step: 'replace' })).toBe('replaced');
    await until('the root to be the first one again', () => client.rotateRoot({ step: 'retire' }).then(() => true, () => false), 10_000);
    expect(await pods.get()).toBe('200');
    expect(new X509Certificate(lab.root.certificate).subject).toBe('O=cluster.local');
    client.close();
  }, 40_000);

  test('steps out of order, and roots that do not read, change nothing', async () => {
    const { core } = pods.mesh.lab;
    await expect(core.rotateRoot({ step: 'retire' })).rejects.toMatchObject({ code: 'usage' });
    await expect(core.rotateRoot({ step: 'replace' })).rejects.toMatchObject({ code: 'usage' });
    await expect(core.rotateRoot({ step: 'introduce', root: { certificate: 'x', key: 'y' } })).rejects.toMatchObject({ code: 'usage' });
    expect(await pods.get()).toBe('200');
  });
});

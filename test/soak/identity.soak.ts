import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRoot } from '../../src/core/control/root.ts';
import { startTwoPods, type TwoPods } from '../fakes/two-pods.ts';
import { until } from '../fakes/wait.ts';

/** A part of it, for machines where the whole would take too long at a time. */
const rotations = Number(process.env['SOAK_ROTATIONS'] ?? 100);
const absence = Number(process.env['SOAK_ABSENCE_SECONDS'] ?? 600) * 1000;

let pods: TwoPods;
beforeAll(async () => { pods = await startTwoPods(82); });
afterAll(async () => { await pods?.close(); });

const onlySuccess = (counts: Readonly<Record<string, number>>): number => {
  expect(counts).toEqual({ 200: expect.any(Number) as number });
  return counts['200'] ?? 0;
};

test(`the root and all certificates are replaced ${rotations} times under load without a lost request`, async () => {
  const { core } = pods.mesh.lab;
  const expiries = new Set<string>();
  const requests = onlySuccess(await pods.underLoad(async () => {
    for (let rotation = 0; rotation < rotations; rotation += 1) {
      await core.rotateRoot({ step: 'introduce', root: await createRoot('cluster.local') });
      for (const pod of ['caller', 'server'] as const) await until('both roots to be trusted', async () => (await pods.trusted(pod)) === 2, 30_000);
      await core.rotateRoot({ step: 'replace' });
      await until('the old root to be retired', () => core.rotateRoot({ step: 'retire' }).then(() => true, () => false), 30_000);
      for (const pod of ['caller', 'server'] as const) expiries.add(`${pod} ${await pods.serial(pod)}`);
    }
  }));
  expect(expiries.size).toBe(2 * rotations);
  console.log(`soak: ${requests} requests, none lost, during ${rotations} rotations of root and certificates`);
});

test(`the control plane is dead for ${absence / 1000} seconds and comes back: no request is lost, and what changed meanwhile comes`, async () => {
  const { lab } = pods.mesh;
  const requests = onlySuccess(await pods.underLoad(async () => {
    await lab.restart(() => new Promise((resolve) => { setTimeout(resolve, absence); }));
    await until('both proxies to be back', async () => (await lab.core.status().catch(() => undefined))?.proxies.every(({ connected }) => connected) === true, 60_000);
  }));
  expect((await lab.core.records({ limit: 1 })).length).toBe(1);
  console.log(`soak: ${requests} requests, none lost, while the control plane was dead for ${absence / 1000} seconds`);
});

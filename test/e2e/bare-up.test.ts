import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabStatus } from '../../src/contract/index.ts';
import { weft } from './support/cli.ts';
import { noEngine, until } from './support/index.ts';

const name = 'test-bare-up';
const ill = `
apiVersion: v1
kind: Pod
metadata: { name: ill }
spec:
  containers:
    - name: app
      image: docker.io/curlimages/curl:8.16.0
      command: [sleep, infinity]
      livenessProbe: { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 8, initialDelaySeconds: 3, terminationGracePeriodSeconds: 1 }
`;

const alive = (pid: number): boolean => {
  try { return process.kill(pid, 0); } catch { return false; }
};

describe.skipIf(noEngine !== undefined)(`weft up and nothing after it${noEngine === undefined ? '' : ` (skipped: ${noEngine})`}`, () => {
  let folder: string;
  let keeper: number | undefined;
  beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'weft-bare-')); });
  afterAll(async () => {
    await weft('down', '--name', name);
    await rm(folder, { recursive: true, force: true });
  });

  it('leaves a process that runs probes and restarts what fails, which ends with the lab', async () => {
    await writeFile(join(folder, 'ill.yaml'), ill);
    const up = await weft('--json', 'up', '-f', join(folder, 'ill.yaml'), '--name', name);
    expect(up).toMatchObject({ exitCode: 0 });
    keeper = (JSON.parse(up.out) as { keeper?: number }).keeper;
    expect(keeper).toBeGreaterThan(0);
    // Nobody looks at the lab, until the probe has failed for good.
    await new Promise((resolve) => { setTimeout(resolve, 18_000); });
    const status = JSON.parse((await weft('--json', 'status', '--name', name)).out) as LabStatus;
    expect(status.pods.find((pod) => pod.name === 'ill')?.containers[0]?.restarts).toBeGreaterThan(0);
    expect(alive(keeper ?? 0)).toBe(true);
    expect(await weft('down', '--name', name)).toMatchObject({ exitCode: 0 });
    await until('the end of the process', () => Promise.resolve(!alive(keeper ?? 0)), 20_000);
  }, 200_000);
});

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCore } from '../../src/core/open-core.ts';
import { bookinfo, hasPeer, noEngine, rule, startLab, steady, until, type TestLab } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');
const name = 'test-robust';
const docker = (...args: readonly string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();
const ours = (kind: 'ps' | 'network' | 'volume'): readonly string[] => docker(...(kind === 'ps' ? ['ps', '-a'] : [kind, 'ls']), '--filter', `label=dev.weft.lab=${name}`, '--format', kind === 'ps' ? '{{.ID}} {{.Names}}' : '{{.Name}}').split('\n').filter(Boolean);
const container = (part: string): string => ours('ps').find((line) => line.includes(part))?.split(' ')[0] ?? '';
/** Ends a container's process as a crash would; the engine's own kill counts as a wish to stop and is not answered by a restart. */
const crash = (id: string): void => {
  const pid = Number(docker('inspect', '--format', '{{.State.Pid}}', id));
  try { process.kill(pid, 'SIGKILL'); } catch { docker('kill', id); }
};
const path = '/api/v1/products/0/reviews';

describe.skipIf(why !== undefined)(`what is killed in the middle of traffic${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;
  let url: URL;

  beforeAll(async () => {
    lab = await startLab(name, [...bookinfo(), ...rule('destination-rule-all')]);
    await lab.synced();
    url = new URL(path, (await lab.status()).ingressUrl);
  });
  afterAll(async () => { await lab?.down(); });

  it('control plane: traffic goes on, and it takes up its work where it left off', async () => {
    const traffic = steady(url, 50, 60);
    crash(container('control-plane'));
    await until('200 requests without control plane', () => traffic.sent > 200);
    await until('the control plane answers again', async () => (await lab.status()).phase === 'running', 60_000);
    await lab.synced();
    await lab.apply(rule('virtual-service-all-v1'));
    await traffic.stop();
    expect(traffic.failed).toEqual([]);
    expect((await lab.core.files({ lab: name })).map((file) => file.path)).toContain('bookinfo/platform/kube/bookinfo.yaml');
    await lab.delete(rule('virtual-service-all-v1'));
  });

  it('a sidecar: its pod keeps its network, other replicas take over, and it comes back', async () => {
    const traffic = steady(url, 50, 60);
    await until('traffic flows', () => traffic.sent > 50);
    const before = traffic.failed.length;
    const sidecar = ours('ps').find((line) => /reviews-v2.*istio-proxy/.test(line))?.split(' ')[0] ?? '';
    expect(sidecar).not.toBe('');
    crash(sidecar);
    await until('it is back and in sync', async () => { const status = await lab.status(); return status.phase === 'running' && status.proxies.every((proxy) => proxy.connected); }, 60_000);
    await until('more traffic', () => traffic.sent > 300);
    await traffic.stop();
    // Only what was inside the killed process can be lost.
    expect(traffic.failed.length - before).toBeLessThanOrEqual(3);
    console.log(`sidecar killed: ${traffic.failed.length} of ${traffic.sent} requests failed`);
  });

  it('the app: the lab runs on, and another one finds and drives it', async () => {
    const traffic = steady(url, 50, 60);
    await lab.core.stop();
    await until('traffic goes on', () => traffic.sent > 100);
    await traffic.stop();
    expect(traffic.failed).toEqual([]);
    lab = { ...lab, core: openCore({ dist: new URL('../../dist', import.meta.url).pathname, env: process.env, platform: process.platform }) };
    expect((await lab.core.labs({})).find((one) => one.name === name)).toBeDefined();
    expect((await lab.core.status({ lab: name })).pods.length).toBeGreaterThan(6);
  });

  it('a start in the middle: the next start begins anew and nothing is left', async () => {
    const other = 'test-robust-half';
    const labelled = (): string => docker('ps', '-aq', '--filter', `label=dev.weft.lab=${other}`);
    const operation = await lab.core.up({ lab: other, files: bookinfo(), images: 'stand-in' });
    await until('containers are there', () => labelled() !== '');
    await lab.core.cancel({ id: operation.id });
    expect((await lab.core.operation({ id: operation.id })).state).toBe('cancelled');
    expect(labelled()).toBe('');
    expect(docker('network', 'ls', '-q', '--filter', `label=dev.weft.lab=${other}`)).toBe('');
  });

  it('down leaves no container, network or volume', async () => {
    const operation = await lab.core.down({ lab: name });
    await until('removed', async () => (await lab.core.operation({ id: operation.id })).state !== 'running', 60_000);
    expect({ containers: ours('ps'), networks: ours('network'), volumes: ours('volume') }).toEqual({ containers: [], networks: [], volumes: [] });
  });
});

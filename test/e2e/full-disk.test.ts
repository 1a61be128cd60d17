import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCore } from '../../src/core/open-core.ts';
import type { Core } from '../../src/core/lab/index.ts';
import { bookinfo, hasPeer, noEngine, until } from './support/index.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here')
  ?? (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/sbin/dockerd') ? undefined : 'a second engine needs Linux, root and dockerd');
const dist = new URL('../../dist', import.meta.url).pathname;

describe.skipIf(why !== undefined)(`an engine whose disk is full${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-full-'));
  const data = join(folder, 'data');
  const host = `unix://${join(folder, 'engine.sock')}`;
  const docker = (...args: readonly string[]): string => execFileSync('docker', ['--host', host, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  let engine: ChildProcess | undefined;
  let core: Core;

  beforeAll(async () => {
    mkdirSync(data);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', data]);
    // In a network namespace of its own: an engine without a bridge would remove the bridge of the one that is in use.
    engine = spawn('unshare', ['--net', '/usr/sbin/dockerd', '--host', host, '--data-root', data, '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid'), '--bridge', 'none', '--iptables=false', '--ip6tables=false', '--storage-driver', 'overlay2'], { stdio: 'ignore' });
    await until('the second engine answers', () => { try { return docker('version', '--format', '{{.Server.Version}}') !== ''; } catch { return false; } }, 30_000);
    core = openCore({ dist, env: { ...process.env, DOCKER_HOST: host }, platform: process.platform });
  });
  afterAll(async () => {
    await core?.stop();
    if (engine !== undefined && engine.exitCode === null) {
      const ended = new Promise((resolve) => { engine?.once('exit', resolve); });
      engine.kill();
      await ended;
    }
    execFileSync('umount', ['--lazy', data]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('says so and what to do, and leaves nothing', async () => {
    const { id } = await core.up({ lab: 'test-full', files: bookinfo(), images: 'stand-in' });
    await until('the start has ended', async () => (await core.operation({ id })).state !== 'running', 100_000);
    const { state, error } = await core.operation({ id });
    console.log(`a full disk is told as: ${error?.message} ${error?.help ?? ''}`);
    expect(state).toBe('failed');
    expect(error?.code).toBe('engine-disk-full');
    expect(error?.help).toMatch(/prune|free/i);
    expect([docker('ps', '-aq'), docker('volume', 'ls', '-q'), docker('network', 'ls', '-q', '--filter', 'label=dev.weft.lab')]).toEqual(['', '', '']);
  });
});

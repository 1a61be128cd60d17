import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Resource } from '../../src/manifest/index.ts';
import { loadState, openStateFile } from '../../src/controlplane/state/state-file.ts';
import { allocateVirtualIps, virtualIpKeys } from '../../src/controlplane/virtual-ips.ts';
import { pod, startFixture, until } from './fixture.ts';

const schema = z.strictObject({ count: z.number() });

describe('a state file', () => {
  let directory: string;
  beforeEach(async () => { directory = await mkdtemp(join(tmpdir(), 'state-test-')); });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('gives back what was saved, and only its owner can read it', async () => {
    const file = openStateFile<{ count: number }>(join(directory, 'new'), 'state');
    await file.save({ count: 1 });
    expect(await loadState(join(directory, 'new'), 'state', schema)).toEqual({ value: { count: 1 } });
    expect((await stat(join(directory, 'new', 'state.json'))).mode & 0o077).toBe(0);
  });

  it('writes values that come together once, the newest', async () => {
    const file = openStateFile<{ count: number }>(directory, 'state');
    await Promise.all([1, 2, 3, 4].map((count) => file.save({ count })));
    expect((await loadState(directory, 'state', schema)).value).toEqual({ count: 4 });
    expect(await readFile(join(directory, 'state.last.json'), 'utf8')).toBe('{"count":1}');
    expect((await readdir(directory)).sort()).toEqual(['state.json', 'state.last.json']);
  });

  it.each([['not JSON', '{"count":'], ['the wrong shape', '{"count":"many"}'], ['empty', '']])('falls back to the last good copy when the newest is %s', async (_name, text) => {
    const file = openStateFile<{ count: number }>(directory, 'state');
    await file.save({ count: 1 });
    await file.save({ count: 2 });
    await writeFile(join(directory, 'state.json'), text);
    const loaded = await loadState(directory, 'state', schema);
    expect(loaded.value).toEqual({ count: 1 });
    expect(loaded.problem).toContain('state.json');
    await openStateFile<{ count: number }>(directory, 'state').save({ count: 3 });
    expect((await loadState(directory, 'state', schema)).value).toEqual({ count: 3 });
    expect(await readFile(join(directory, 'state.last.json'), 'utf8')).toBe('{"count":1}');
  });

  it('starts empty, and says so, when nothing reads', async () => {
    await writeFile(join(directory, 'state.json'), '!');
    expect(await loadState(directory, 'state', schema)).toMatchObject({ value: undefined, problem: expect.stringContaining('not JSON') as string });
    expect(await loadState(join(directory, 'none'), 'state', schema)).toEqual({ value: undefined });
  });

  it('rejects when the place cannot be written, and works again afterwards', async () => {
    await writeFile(join(directory, 'file'), '');
    const file = openStateFile<{ count: number }>(join(directory, 'file'), 'state');
    await expect(file.save({ count: 1 })).rejects.toMatchObject({ code: 'EEXIST' });
    await rm(join(directory, 'file'));
    await file.save({ count: 2 });
    expect((await loadState(join(directory, 'file'), 'state', schema)).value).toEqual({ count: 2 });
  });
});

describe('the control plane’s memory', () => {
  const service = (name: string): string => JSON.stringify({ kind: 'Service', name });

  it('survives a restart: files, pods, readiness, virtual IPs, ages', async () => {
    const lab = await startFixture();
    await lab.core.setNetwork({ virtualIpCidr: '10.9.128.0/17' });
    await lab.core.setPods([pod('a')]);
    await lab.core.setFiles([{ path: 'b', text: service('b') }]);
    await lab.core.setFiles([{ path: 'a', text: service('a') }, { path: 'b', text: service('b') }]);
    const proxy = await lab.proxy('a');
    proxy.say({ readiness: { ready: true } });
    await until('it is ready', async () => (await lab.core.status()).readiness['default/a']?.ready === true);
    expect(proxy.names('cluster')).toEqual(['b', 'a']);
    const before = { status: await lab.core.status(), ips: await lab.core.virtualIps() };
    expect(before.ips).toEqual({ 'default/b': '10.9.128.1', 'default/a': '10.9.128.2' });
    await lab.restart();
    await until('core is back', () => lab.core.state === 'connected');
    const status = await lab.core.status();
    expect(status.version).toBe(before.status.version);
    expect(status.readiness).toEqual(before.status.readiness);
    expect(await lab.core.virtualIps()).toEqual(before.ips);
    const again = await lab.proxy('a', { versions: {} });
    await until('config is there', () => again.names('cluster') !== undefined);
    expect(again.names('cluster')).toEqual(['b', 'a']);
    await lab.close();
  });

  it('says so when the newest state does not read', async () => {
    const lab = await startFixture();
    await lab.core.setFiles([{ path: 'a', text: service('a') }]);
    await lab.core.setFiles([{ path: 'a', text: service('b') }]);
    await lab.restart(() => writeFile(join(lab.stateDir, 'state.json'), '{'));
    await until('core is back', () => lab.core.state === 'connected');
    expect(await lab.core.files()).toEqual([{ path: 'a', text: service('a') }]);
    expect((await lab.core.status()).diagnostics).toMatchObject([{ code: 'WEFT0901', level: 'warning' }]);
    await lab.close();
  });

  it('keeps running, and says so, when the disk does not take it', async () => {
    const lab = await startFixture();
    await lab.core.setFiles([{ path: 'a', text: service('a') }]);
    await rm(lab.stateDir, { recursive: true });
    await writeFile(lab.stateDir, '');
    const failed = await lab.core.setFiles([{ path: 'a', text: service('b') }]);
    expect(failed).toMatchObject({ applied: true, diagnostics: [{ code: 'WEFT0902' }] });
    await rm(lab.stateDir);
    await mkdir(lab.stateDir);
    expect((await lab.core.setFiles([{ path: 'a', text: service('c') }])).diagnostics).toEqual([]);
    await lab.close();
  });
});

describe('virtual IPs', () => {
  const resource = (kind: string, name: string, spec: object): Resource => ({
    apiVersion: 'v1', kind, metadata: { name, namespace: 'default', labels: {}, annotations: {} }, spec, body: { spec }, origin: { file: '', line: 1, kind, name }, locate: () => ({ line: 1, column: 1 }),
  });

  it('are for services with a cluster IP, names for hosts outside and hosts of service entries', () => {
    expect(virtualIpKeys([
      resource('Service', 'a', {}), resource('Service', 'headless', { clusterIP: 'None' }), resource('Service', 'alias', { type: 'ExternalName' }),
      resource('ServiceEntry', 'se', { hosts: ['x.example', '*.y.example'] }), resource('VirtualService', 'vs', { hosts: ['a'] }),
    ])).toEqual(['default/a', 'default/alias', 'x.example']);
  });

  it('stay the same, come back to who had them, and are given away only when the range is full', () => {
    const first = allocateVirtualIps({}, ['a', 'b'], '10.0.0.0/29');
    expect(first).toEqual({ a: '10.0.0.1', b: '10.0.0.2' });
    const second = allocateVirtualIps(first, ['b', 'c'], '10.0.0.0/29');
    expect(second).toEqual({ a: '10.0.0.1', b: '10.0.0.2', c: '10.0.0.3' });
    const full = allocateVirtualIps(second, ['b', 'c', 'd', 'e', 'f', 'g'], '10.0.0.0/29');
    expect(full).toEqual({ b: '10.0.0.2', c: '10.0.0.3', d: '10.0.0.4', e: '10.0.0.5', f: '10.0.0.6', g: '10.0.0.1' });
    expect(allocateVirtualIps(full, ['b', 'c', 'd', 'e', 'f', 'g', 'h'], '10.0.0.0/29')).toEqual(full);
  });

  it('move when the range does; a range that is none gives nothing', () => {
    expect(allocateVirtualIps({ a: '10.0.0.1' }, ['a'], '172.20.0.0/16')).toEqual({ a: '172.20.0.1' });
    expect(allocateVirtualIps({}, ['a'], '')).toEqual({});
    expect(allocateVirtualIps({}, ['a'], '10.0.0.0/99')).toEqual({});
  });
});

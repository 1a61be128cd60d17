import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeCa } from '../fakes/ca.ts';
import { pod, startFixture, until, type Fixture } from './fixture.ts';

const service = (...names: readonly string[]): { path: string; text: string }[] => [{ path: 'a.yaml', text: names.map((name) => JSON.stringify({ kind: 'Service', name })).join('\n') }];

describe('pushing config', () => {
  let lab: Fixture;
  beforeEach(async () => { lab = await startFixture(); });
  afterEach(() => lab.close());

  it('sends all types in order to a fresh proxy, and knows what it acknowledged', async () => {
    await lab.core.setPods([pod('a')]);
    const { applied, version } = await lab.core.setFiles(service('reviews'));
    expect(applied).toBe(true);
    const proxy = await lab.proxy('a');
    await until('the proxy is in sync', async () => (await lab.core.status()).proxies[0]?.acknowledged === version);
    expect(proxy.pushes.map(({ type }) => type)).toEqual(['cluster', 'endpoint', 'listener', 'route', 'secret', 'names']);
    expect(proxy.names('secret')).toEqual(['ROOTCA']);
    expect((await lab.core.status()).proxies[0]).toMatchObject({ proxy: 'default/a', connected: true, sent: version, acknowledged: version });
  });

  it('has a rule change acknowledged by every proxy within the budget of 500 ms', async () => {
    await lab.core.setPods([pod('a'), pod('b', { ip: '10.0.0.5' })]);
    await lab.core.setFiles(service('reviews'));
    await Promise.all([lab.proxy('a'), lab.proxy('b')]);
    const inSync = async (): Promise<boolean> => {
      const status = await lab.core.status();
      return status.proxies.length === 2 && status.proxies.every(({ acknowledged }) => acknowledged === status.version);
    };
    await until('both are in sync', inSync);
    const before = performance.now();
    await lab.core.setFiles(service('reviews', 'ratings'));
    await until('both have the change', inSync);
    expect(performance.now() - before).toBeLessThan(500);
  });

  it('keeps clusters that went away until routes are acknowledged, and pushes only what changed', async () => {
    await lab.core.setPods([pod('a')]);
    await lab.core.setFiles(service('old', 'stays'));
    const proxy = await lab.proxy('a');
    await until('the first config is there', () => proxy.names('names') !== undefined);
    proxy.pushes.length = 0;
    await lab.core.setFiles(service('stays', 'new'));
    await until('the old cluster is gone', () => proxy.names('cluster')?.join() === 'stays,new' && proxy.names('endpoint')?.join() === 'stays,new');
    expect(proxy.pushes.map(({ type, names }) => `${type}: ${[...names].sort().join(',')}`)).toEqual([
      'cluster: new,old,stays', 'endpoint: new,old,stays', 'route: new,stays', 'names: names', 'cluster: new,stays', 'endpoint: new,stays',
    ]);
    expect(proxy.pushes.map(({ type, sent }) => `${type}: ${sent.join(',')}`)).toEqual(['cluster: new', 'endpoint: new', 'route: new', 'names: names', 'cluster: ', 'endpoint: ']);
  });

  it('leaves a rejected type alone, says why, and recovers with the next change', async () => {
    await lab.core.setPods([pod('a')]);
    await lab.core.setFiles(service('one'));
    const proxy = await lab.proxy('a');
    await until('the first config is there', () => proxy.names('names') !== undefined);
    proxy.options = { reject: { route: 'a regular expression does not compile' } };
    const { version } = await lab.core.setFiles(service('two'));
    await until('the rejection is known', async () => (await lab.core.status()).proxies[0]?.rejected !== undefined);
    const [status] = (await lab.core.status()).proxies;
    expect(status).toMatchObject({ rejected: 'RDS: a regular expression does not compile', sent: version });
    expect(status?.acknowledged).not.toBe(version);
    expect(proxy.names('cluster')).toEqual(['one', 'two']);
    proxy.options = {};
    const next = await lab.core.setFiles(service('three'));
    await until('it is in sync again', async () => (await lab.core.status()).proxies[0]?.acknowledged === next.version);
    expect((await lab.core.status()).proxies[0]?.rejected).toBeUndefined();
    await until('what nobody needs is gone', () => proxy.names('cluster')?.join() === 'three');
  });

  it('does not send the same again to a proxy that comes back, also after a restart', async () => {
    await lab.core.setPods([pod('a')]);
    const { version } = await lab.core.setFiles(service('reviews'));
    const first = await lab.proxy('a');
    await until('it is in sync', async () => (await lab.core.status()).proxies[0]?.acknowledged === version);
    const versions = { ...first.versions };
    await lab.restart();
    await until('core is back', () => lab.core.state === 'connected');
    const second = await lab.proxy('a', { versions });
    await until('it is in sync without a push', async () => (await lab.core.status()).proxies[0]?.acknowledged === version);
    expect(second.pushes).toEqual([]);
    expect(await lab.core.files()).toEqual(service('reviews'));
  });

  it('sends a slow proxy the newest config once it answers, not every one in between', async () => {
    await lab.core.setPods([pod('a')]);
    await lab.core.setFiles(service('v0'));
    const proxy = await lab.proxy('a', { silent: true });
    await until('the first push is out', () => proxy.pushes.length === 6);
    for (let i = 1; i <= 20; i++) await lab.core.setFiles(service(`v${i}`));
    expect(proxy.pushes.length).toBe(6);
  });

  it('changes nothing when a manifest is wrong, and says where', async () => {
    await lab.core.setFiles(service('good'));
    const result = await lab.core.setFiles([{ path: 'bad.yaml', text: 'no json' }]);
    expect(result).toMatchObject({ applied: false, diagnostics: [{ file: 'bad.yaml', line: 1, level: 'error' }] });
    expect(await lab.core.files()).toEqual(service('good'));
  });

  it('keeps proxies on their config when compile fails', async () => {
    await lab.core.setPods([pod('a')]);
    await lab.core.setFiles(service('good'));
    const proxy = await lab.proxy('a');
    await until('the first config is there', () => proxy.names('names') !== undefined);
    await lab.core.setFiles([{ path: 'a', text: '{"kind":"Break","name":"x"}' }]);
    await until('it is said', async () => (await lab.core.status()).diagnostics.some(({ code }) => code === 'WEFT0903'));
    expect(proxy.names('cluster')).toEqual(['good']);
    await lab.core.setFiles(service('again'));
    await until('it works again', () => proxy.names('cluster')?.join() === 'again');
    expect((await lab.core.status()).diagnostics).toEqual([]);
  });

  it('lets endpoints follow readiness, and takes a lost proxy out', async () => {
    await lab.core.setPods([pod('a'), pod('b', { ip: '10.0.0.5' })]);
    await lab.core.setFiles(service('b'));
    const a = await lab.proxy('a');
    const b = await lab.proxy('b');
    const endpoints = (): string => JSON.stringify(a.resources('endpoint'));
    await until('there is no endpoint yet', () => endpoints().includes('"clusterName":"b"') && !endpoints().includes('10.0.0.5'));
    b.say({ readiness: { ready: true } });
    await until('the endpoint is there', () => endpoints().includes('10.0.0.5'));
    b.say({ readiness: { ready: false, message: 'HTTP 500' } });
    await until('the endpoint is gone', () => !endpoints().includes('10.0.0.5'));
    expect((await lab.core.status()).readiness['default/b']).toEqual({ ready: false, message: 'HTTP 500' });
    b.say({ readiness: { ready: true } });
    await until('the endpoint is back', () => endpoints().includes('10.0.0.5'));
    b.socket.destroy();
    await until('the lost proxy is out', () => !endpoints().includes('10.0.0.5'));
  });

  it('gives gateways the credentials of their own namespace only, and never shows keys', async () => {
    const { certificate, key } = await (await makeCa()).issue({ dns: ['mine.example.com'] });
    const secret = (name: string, namespace: string): string => JSON.stringify({ kind: 'Secret', name, namespace, data: { 'tls.crt': Buffer.from(certificate).toString('base64'), 'tls.key': Buffer.from(key).toString('base64') } });
    await lab.core.setPods([pod('gw', { kind: 'gateway', sidecar: false })]);
    await lab.core.setFiles([{ path: 's', text: [JSON.stringify({ kind: 'Gateway', name: 'mine' }), JSON.stringify({ kind: 'Gateway', name: 'theirs' }), secret('mine', 'default'), secret('theirs', 'other')].join('\n') }]);
    const proxy = await lab.proxy('gw', { type: 'router' });
    await until('secrets are there', () => proxy.names('secret') !== undefined);
    expect(proxy.names('secret')).toEqual(['ROOTCA', 'kubernetes://mine']);
    expect(JSON.stringify(proxy.resources('secret'))).toContain('PRIVATE');
    const shown = JSON.stringify(await lab.core.proxyConfig('default/gw', 'secrets'));
    expect(shown).toContain('[redacted]');
    expect(shown).not.toContain('PRIVATE');
  });
});

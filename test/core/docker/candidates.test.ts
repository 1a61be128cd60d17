import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { candidates, findEngine, requireEngine, type HostProbes } from '../../../src/core/docker/index.ts';
import { fakeEngine } from '../../fakes/engine.ts';
import { engineFailure } from '../../../src/core/docker/index.ts';

const host = (over: Partial<HostProbes> & { files?: Readonly<Record<string, string>> } = {}): HostProbes => ({ env: {}, platform: 'linux', home: '/home/ann', uid: 1000, readText: (path) => over.files?.[path], ...over });
const addresses = (probes: HostProbes): readonly string[] => candidates(probes).map((candidate) => ('address' in candidate ? ('socket' in candidate.address ? candidate.address.socket : `${candidate.address.host}:${candidate.address.port}${candidate.address.tls === undefined ? '' : ' tls'}`) : `! ${candidate.source}`));

describe('where an engine may listen', () => {
  it.each([
    ['linux', ['/var/run/docker.sock', '/home/ann/.docker/desktop/docker.sock', '/home/ann/.rd/docker.sock', '/run/user/1000/docker.sock', '/run/user/1000/podman/podman.sock', '/run/podman/podman.sock']],
    ['darwin', ['/var/run/docker.sock', '/home/ann/.docker/run/docker.sock', '/home/ann/.orbstack/run/docker.sock', '/home/ann/.colima/default/docker.sock', '/home/ann/.rd/docker.sock', '/home/ann/.local/share/containers/podman/machine/podman.sock']],
    ['win32', ['//./pipe/dockerDesktopLinuxEngine', '//./pipe/docker_engine', '//./pipe/rancher_desktop', '//./pipe/podman-machine-default']],
  ] as const)('on %s includes the desktop engines’ places', (platform, expected) => {
    const found = addresses(host({ platform, uid: platform === 'win32' ? undefined : 1000 }));
    for (const address of expected) expect(found).toContain(address);
    expect(new Set(found).size).toBe(found.length);
  });

  it.each([
    ['unix:///tmp/e.sock', ['/tmp/e.sock']],
    ['npipe:////./pipe/other', ['//./pipe/other']],
    ['tcp://10.0.0.5:2375', ['10.0.0.5:2375']],
    ['tcp://10.0.0.5', ['10.0.0.5:2375']],
    ['10.0.0.5:1234', ['10.0.0.5:1234']],
    ['tcp://[::1]:2375', ['::1:2375']],
    ['https://h:2376', ['! DOCKER_HOST']],
    ['ssh://me@h', ['! DOCKER_HOST']],
    ['nonsense://', ['! DOCKER_HOST']],
  ])('DOCKER_HOST=%s decides alone', (value, expected) => {
    expect(addresses(host({ env: { DOCKER_HOST: value } }))).toEqual(expected);
  });

  it('uses TLS files with DOCKER_TLS_VERIFY', () => {
    const [found] = candidates(host({ env: { DOCKER_HOST: 'tcp://h:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' } }));
    expect(found).toMatchObject({ address: { host: 'h', port: 2376, tls: { ca: '/certs/ca.pem', cert: '/certs/cert.pem', key: '/certs/key.pem' } } });
  });

  const id = createHash('sha256').update('colima').digest('hex');
  const context = { '/home/ann/.docker/config.json': '{"currentContext":"colima"}', [`/home/ann/.docker/contexts/meta/${id}/meta.json`]: '{"Endpoints":{"docker":{"Host":"unix:///c.sock"}}}' };
  it('tries the chosen docker context first', () => {
    expect(addresses(host({ files: context }))[0]).toBe('/c.sock');
  });
  it.each([
    ['a context that is not there', { '/home/ann/.docker/config.json': '{"currentContext":"../../etc"}' }, '! docker context ../../etc'],
    ['a broken config.json', { '/home/ann/.docker/config.json': '{' }, '/var/run/docker.sock'],
    ['the default context', { '/home/ann/.docker/config.json': '{"currentContext":"default"}' }, '/var/run/docker.sock'],
  ])('copes with %s', (_, files, first) => {
    expect(addresses(host({ files }))[0]).toBe(first);
  });
});

describe('finding an engine', () => {
  const dead = async (): Promise<never> => { throw engineFailure(Object.assign(new Error('connect ENOENT /x'), { code: 'ENOENT' }), 'ask'); };
  it('takes the first that answers and says what it tried', async () => {
    const { engine, tried } = await findEngine(host(), async ({ address }) => ('socket' in address && address.socket.includes('.rd') ? fakeEngine() : await dead()));
    expect(engine).toBeDefined();
    expect(tried.at(-1)).toBe('Rancher Desktop (/home/ann/.rd/docker.sock): answers');
    expect(tried[0]).toBe('Docker (/var/run/docker.sock): nothing there');
  });
  it('rejects with engine-not-found, all that was tried, and how to get one', async () => {
    await expect(requireEngine(host(), dead)).rejects.toMatchObject({ code: 'engine-not-found', message: expect.stringContaining('/run/podman/podman.sock') as string, help: expect.stringContaining('docker.io') as string });
  });
});

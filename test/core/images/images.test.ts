import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabFailure } from '../../../src/contract/index.ts';
import { ensureImage, imageLabel, pullWithin, registryOf, rememberRegistries, type BundleSource } from '../../../src/core/images/index.ts';
import { placeOf } from '../../../src/core/images/debian-root.ts';
import { fakeEngine } from '../../fakes/engine.ts';

let folder = '';
const source = (): BundleSource => ({ main: join(folder, 'main.mjs'), nodeModules: [join(import.meta.dirname, '../../../node_modules')] });
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'weft-images-')); });
afterAll(async () => { await rm(folder, { recursive: true }); });

describe('the runtime image', () => {
  it('is made once for a content, with a base that is pulled where a registry answers', async () => {
    await writeFile(join(folder, 'main.mjs'), 'one');
    const engine = fakeEngine();
    const options = { registry: rememberRegistries() };
    const first = await ensureImage(engine, source(), options);
    expect(first.made).toBe('base and runtime');
    expect(engine.calls).toContain('buildImage');
    expect(await ensureImage(engine, source(), options)).toMatchObject({ reference: first.reference, made: 'nothing' });

    await writeFile(join(folder, 'main.mjs'), 'two');
    const second = await ensureImage(engine, source(), options);
    expect(second).toMatchObject({ made: 'runtime' });
    expect(second.reference).not.toBe(first.reference);
    expect(engine.all.size).toBe(0);
  });

  it('keeps the newest of its kind only', async () => {
    const engine = fakeEngine();
    for (const content of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await writeFile(join(folder, 'main.mjs'), content);
      await ensureImage(engine, source(), { registry: rememberRegistries() });
    }
    expect(engine.imgs.filter(({ labels }) => labels[imageLabel] === 'runtime')).toHaveLength(3);
    expect(engine.imgs.filter(({ labels }) => labels[imageLabel] === 'base')).toHaveLength(1);
  });

  it('leaves no container behind when it cannot be stored', async () => {
    await writeFile(join(folder, 'main.mjs'), 'three');
    const engine = fakeEngine();
    engine.fail('commitImage', new LabFailure('engine-disk-full', 'full'));
    await expect(ensureImage(engine, source(), { registry: rememberRegistries() })).rejects.toMatchObject({ code: 'engine-disk-full' });
    expect(engine.all.size).toBe(0);
  });

  it('says what to do when there is no bundle', async () => {
    await expect(ensureImage(fakeEngine(), { ...source(), main: '/nowhere/main.mjs' }, { registry: rememberRegistries() })).rejects.toMatchObject({ help: expect.stringContaining('npm run build') as string });
  });
});

describe('a registry', () => {
  it.each([['nginx', 'docker.io'], ['istio/x:1', 'docker.io'], ['quay.io/a/b', 'quay.io'], ['localhost/x', 'localhost'], ['h:5000/x@sha256:0', 'h:5000']])('of %s is %s', (reference, registry) => {
    expect(registryOf(reference)).toBe(registry);
  });
  it('that does not answer is not asked again for a while', async () => {
    let now = 0;
    const registry = rememberRegistries(() => now, 1000);
    const engine = fakeEngine();
    engine.fail('pullImage', new LabFailure('image-unavailable', 'lookup docker.io: no such host'));
    await expect(pullWithin(engine, 'nginx', registry, {})).rejects.toMatchObject({ code: 'image-unavailable' });
    await expect(pullWithin(engine, 'redis', registry, {})).rejects.toMatchObject({ code: 'image-unavailable' });
    expect(engine.calls).toEqual(['pullImage']);
    now = 2000;
    await pullWithin(engine, 'redis', registry, {});
  });
  it('that answers without the image is asked for others', async () => {
    const registry = rememberRegistries();
    const engine = fakeEngine();
    engine.fail('pullImage', new LabFailure('image-unavailable', 'manifest unknown'));
    await expect(pullWithin(engine, 'nope', registry, {})).rejects.toMatchObject({ code: 'image-unavailable' });
    await pullWithin(engine, 'nginx', registry, {});
  });
});

describe('a package’s file', () => {
  it.each([
    ['./bin/sh', 'usr/bin/sh'], ['./lib/x86_64-linux-gnu/libc.so.6', 'usr/lib/x86_64-linux-gnu/libc.so.6'], ['./usr/bin/curl', 'usr/bin/curl'], ['./etc/protocols', 'etc/protocols'],
    ['./', undefined], ['./bin/', undefined], ['./usr/share/doc/curl/copyright', undefined], ['./usr/share/man/man1/curl.1.gz', undefined], ['./../../etc/passwd', undefined],
  ])('%s goes to %s', (name, place) => { expect(placeOf(name)).toBe(place); });
});

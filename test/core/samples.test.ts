import { expect, it } from 'vitest';
import { examine, requireRunnable } from '../../src/core/lab/manifests.ts';
import { readSamples } from '../../src/core/samples.ts';
import { standInFor } from '../../src/workloads/catalog.ts';

const samples = await readSamples(new URL('../../assets/labs', import.meta.url).pathname);

it('offers the labs in the order in which one would try them', () => {
  expect(samples.map(({ name }) => name)).toEqual(['bookinfo', 'helloworld', 'httpbin', 'tcp-echo']);
});

it.each(samples)('$name may start, without a complaint', ({ files }) => {
  const resources = requireRunnable(files, []);
  expect(examine(files).diagnostics).toEqual([]);
  expect(resources.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Service', 'Deployment', 'Gateway', 'VirtualService']));
});

it.each(samples)('$name runs without a registry', ({ files }) => {
  const images = files.flatMap(({ text }) => [...text.matchAll(/image: (\S+)/g)].map((match) => match[1] ?? ''));
  expect(images.filter((image) => standInFor(image) === undefined)).toEqual([]);
});

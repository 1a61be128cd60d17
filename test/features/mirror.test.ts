import { expect, test } from 'vitest';
import { z } from 'zod';
import { compileMirrors } from '../../src/features/mirror/compile.ts';
import { mirrorFields } from '../../src/features/mirror/manifest.ts';

const fields = z.object(mirrorFields);
const shares = (written: unknown): readonly unknown[] => compileMirrors(fields.parse(written), ({ host, subset }) => `${host}|${subset}`).map(({ cluster, runtimeFraction }) => [cluster, runtimeFraction?.defaultValue]);

test.each<[string, unknown, readonly unknown[]]>([
  ['all requests', { mirror: { host: 'a', subset: 'v2' } }, [['a|v2', { numerator: 1_000_000, denominator: 'MILLION' }]]],
  ['a share', { mirror: { host: 'a' }, mirrorPercentage: { value: 12.5 } }, [['a|', { numerator: 125_000, denominator: 'MILLION' }]]],
  ['the older percent', { mirror: { host: 'a' }, mirrorPercent: 30 }, [['a|', { numerator: 300_000, denominator: 'MILLION' }]]],
  ['the older percent by its proto name', { mirror: { host: 'a' }, mirror_percent: 40 }, [['a|', { numerator: 400_000, denominator: 'MILLION' }]]],
  ['none', { mirror: { host: 'a' }, mirrorPercentage: { value: 0 } }, []],
  ['several', { mirrors: [{ destination: { host: 'a' } }, { destination: { host: 'b' }, percentage: { value: 1 } }] }, [['a|', { numerator: 1_000_000, denominator: 'MILLION' }], ['b|', { numerator: 10_000, denominator: 'MILLION' }]]],
])('%s', (_name, written, expected) => {
  expect(shares(written)).toEqual(expected);
});

import { expect, test } from 'vitest';
import { compileTimeout } from '../../src/features/timeout/compile.ts';
import { HTTPTimeout } from '../../src/features/timeout/manifest.ts';

test.each([['500ms', '0.5s'], ['10s', '10s'], ['1m30s', '90s'], ['0s', '0s']])('%s becomes %s', (written, timeout) => {
  expect(compileTimeout(HTTPTimeout.parse(written))).toEqual({ timeout, maxGrpcTimeout: timeout });
});

test('without one, requests may take as long as they like', () => {
  expect(compileTimeout(undefined).timeout).toBe('0s');
});

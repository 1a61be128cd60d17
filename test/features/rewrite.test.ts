import { expect, test } from 'vitest';
import { compileRewrite } from '../../src/features/rewrite/compile.ts';
import { HTTPRewrite } from '../../src/features/rewrite/manifest.ts';

test.each<[unknown, unknown]>([
  [{ uri: '/v2' }, { prefixRewrite: '/v2' }],
  [{ authority: 'inner' }, { hostRewriteLiteral: 'inner' }],
  [{ uriRegexRewrite: { match: '^/a/(.*)', rewrite: '/b/\\1' } }, { regexRewrite: { pattern: { regex: '^/a/(.*)' }, substitution: '/b/\\1' } }],
  [{}, {}],
])('%j', (written, expected) => {
  expect(compileRewrite(HTTPRewrite.parse(written))).toEqual(expected);
});

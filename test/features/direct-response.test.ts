import { expect, test } from 'vitest';
import { compileDirectResponse } from '../../src/features/direct-response/compile.ts';
import { HTTPDirectResponse } from '../../src/features/direct-response/manifest.ts';

test.each<[unknown, unknown]>([
  [{ status: 503 }, { status: 503 }],
  [{ status: 200, body: { string: 'hello' } }, { status: 200, body: { inlineString: 'hello' } }],
  [{ status: 200, body: { bytes: 'aGk=' } }, { status: 200, body: { inlineBytes: 'aGk=' } }],
])('%j', (written, expected) => {
  expect(compileDirectResponse(HTTPDirectResponse.parse(written))).toEqual(expected);
});

import { expect, test } from 'vitest';
import { compileHeaders } from '../../src/features/headers/compile.ts';
import { Headers } from '../../src/features/headers/manifest.ts';

test('set overwrites, add appends, remove deletes, in both directions', () => {
  const { changes } = compileHeaders(Headers.parse({ request: { set: { b: '2', a: '1' }, add: { c: '3' }, remove: ['d'] }, response: { add: { e: '5' } } }));
  expect(changes).toEqual({
    requestHeadersToAdd: [
      { header: { key: 'a', value: '1' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' }, { header: { key: 'b', value: '2' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' },
      { header: { key: 'c', value: '3' }, appendAction: 'APPEND_IF_EXISTS_OR_ADD' },
    ],
    requestHeadersToRemove: ['d'],
    responseHeadersToAdd: [{ header: { key: 'e', value: '5' }, appendAction: 'APPEND_IF_EXISTS_OR_ADD' }],
  });
});

test.each(['host', 'Host', ':authority'])('setting %s rewrites the authority', (name) => {
  expect(compileHeaders(Headers.parse({ request: { set: { [name]: 'b.com' } } }))).toEqual({ changes: {}, authority: 'b.com' });
});

test('nothing written changes nothing', () => {
  expect(compileHeaders(undefined)).toEqual({ changes: {}, authority: undefined });
});

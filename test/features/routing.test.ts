import { describe, expect, test } from 'vitest';
import { isCatchAll, matchApplies, routeMatch } from '../../src/features/routing/compile.ts';
import { HTTPMatchRequest } from '../../src/features/routing/manifest.ts';
import type { RouteMatchConfig } from '../../src/xds/index.ts';

const compiled = (match: unknown): RouteMatchConfig => routeMatch(HTTPMatchRequest.parse(match));

describe('what a request must look like', () => {
  test.each<[unknown, RouteMatchConfig]>([
    [{}, { prefix: '/', caseSensitive: true }],
    [{ uri: { exact: '/a' } }, { path: '/a', caseSensitive: true }],
    [{ uri: { prefix: '/a' }, ignoreUriCase: true }, { prefix: '/a', caseSensitive: false }],
    [{ uri: { regex: '/a.*' }, ignoreUriCase: true }, { safeRegex: { regex: '/a.*' }, caseSensitive: true }],
    [{ headers: { b: { prefix: 'x' }, a: {} } }, { prefix: '/', caseSensitive: true, headers: [{ name: 'a', presentMatch: true }, { name: 'b', stringMatch: { prefix: 'x' } }] }],
    [{ headers: { a: { regex: '*' } } }, { prefix: '/', caseSensitive: true, headers: [{ name: 'a', presentMatch: true }] }],
    [{ method: { exact: 'GET' }, authority: { prefix: 'a' } }, { prefix: '/', caseSensitive: true, headers: [{ name: ':method', stringMatch: { exact: 'GET' } }, { name: ':authority', stringMatch: { prefix: 'a' } }] }],
    [{ queryParams: { q: { regex: '\\d+' }, p: {} } }, { prefix: '/', caseSensitive: true, queryParameters: [{ name: 'q', stringMatch: { safeRegex: { regex: '\\d+' } } }, { name: 'p', presentMatch: true }] }],
  ])('%j', (match, expected) => {
    expect(compiled(match)).toEqual(expected);
  });

  test('a header that must not be there: absence counts as another value', () => {
    expect(compiled({ withoutHeaders: { a: { exact: 'x' }, b: {} } }).headers).toEqual([
      { name: 'a', stringMatch: { exact: 'x' }, invertMatch: true, treatMissingHeaderAsEmpty: true }, { name: 'b', presentMatch: true, invertMatch: true },
    ]);
  });
});

test('a route for everything is recognised', () => {
  expect([{ prefix: '/' }, { safeRegex: { regex: '.*' } }].map(isCatchAll)).toEqual([true, true]);
  expect([{ prefix: '/a' }, { prefix: '/', headers: [{ name: 'x' }] }].map(isCatchAll)).toEqual([false, false]);
});

describe('where a match applies', () => {
  const place = { gateway: 'mesh', port: 9080, labels: { app: 'web', version: 'v1' }, namespace: 'shop' };
  test.each<[unknown, boolean]>([
    [{}, true], [{ port: 9080 }, true], [{ port: 80 }, false], [{ sourceLabels: { app: 'web' } }, true], [{ sourceLabels: { app: 'other' } }, false],
    [{ sourceNamespace: 'shop' }, true], [{ sourceNamespace: 'other' }, false], [{ gateways: ['a/b'] }, false], [{ gateways: ['a/b', 'mesh'], sourceLabels: { app: 'other' } }, true],
  ])('%j: %s', (match, applies) => {
    expect(matchApplies(HTTPMatchRequest.parse(match), place)).toBe(applies);
  });
});

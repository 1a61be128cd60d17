import { describe, expect, test } from 'vitest';
import { changeRequestHeaders, formatValue, headerLevels, prepareRewrite, redirectOf, tlsRedirectOf, type MutableHeaders } from '../../src/routing/index.ts';
import type { RedirectAction, Route } from '../../src/xds/index.ts';
import { request } from './request.ts';

function headers(initial: Readonly<Record<string, string>> = {}): MutableHeaders & { readonly list: [string, string][] } {
  const list = Object.entries(initial);
  const remove = (name: string): void => { for (let at = list.length - 1; at >= 0; at--) if (list[at]?.[0] === name) list.splice(at, 1); };
  return { list, has: (name) => list.some(([key]) => key === name), set: (name, value) => { remove(name); list.push([name, value]); }, add: (name, value) => { list.push([name, value]); }, delete: remove };
}

describe('path rewrite', () => {
  test.each<[Route, string, string]>([
    [{ match: { prefix: '/a/' }, route: { prefixRewrite: '/' } }, '/a/b?q=1', '/b?q=1'],
    [{ match: { path: '/a' }, route: { prefixRewrite: '/b' } }, '/a?q', '/b?q'],
    [{ match: { safeRegex: { regex: '/x.*' } }, route: { prefixRewrite: '/y' } }, '/x1/2?q', '/y?q'],
    [{ match: { prefix: '/' }, route: { regexRewrite: { pattern: { regex: '^/service/([^/]+)(/.*)$' }, substitution: '\\2/instance/\\1' } } }, '/service/foo/v1/api?x', '/v1/api/instance/foo?x'],
    [{ match: { prefix: '/' }, route: { regexRewrite: { pattern: { regex: 'one' }, substitution: '$two' } } }, '/xxx/one/yyy/one/zzz', '/xxx/$two/yyy/$two/zzz'],
  ])('%j', (route, before, after) => {
    expect(prepareRewrite(route)?.(before)).toBe(after);
  });
});

describe('redirect', () => {
  test.each<[RedirectAction, string, string, string]>([
    [{ httpsRedirect: true }, 'a.com', '/x?y', 'https://a.com/x?y'],
    [{ httpsRedirect: true }, 'a.com:80', '/', 'https://a.com/'],
    [{ httpsRedirect: true }, 'a.com:8080', '/', 'https://a.com:8080/'],
    [{ hostRedirect: 'b.com' }, 'a.com:8080', '/x', 'http://b.com/x'],
    [{ portRedirect: 8443, schemeRedirect: 'https' }, 'a.com:8080', '/', 'https://a.com:8443/'],
    [{ pathRedirect: '/new' }, 'a.com', '/old?x', 'http://a.com/new?x'],
    [{ pathRedirect: '/new?z' }, 'a.com', '/old?x', 'http://a.com/new?z'],
    [{ prefixRewrite: '/new' }, 'a.com', '/old/x', 'http://a.com/new/x'],
    [{ pathRedirect: '/new', stripQuery: true }, 'a.com', '/old?x', 'http://a.com/new'],
  ])('%j of %s%s', (redirect, authority, path, location) => {
    expect(redirectOf({ match: { prefix: '/old' }, redirect }, request(authority, path))).toEqual({ status: 301, location });
  });
  test('to TLS', () => {
    expect(tlsRedirectOf(request('a.com:80', '/x')).location).toBe('https://a.com/x');
  });
});

test('headers change from the most specific level outwards, removals first', () => {
  const map = headers({ drop: '1', keep: '1' });
  const route: Route = { requestHeadersToRemove: ['drop'], requestHeadersToAdd: [{ header: { key: 'keep', value: 'route' }, appendAction: 'OVERWRITE_IF_EXISTS_OR_ADD' }, { header: { key: 'empty', value: '' } }] };
  const host = { requestHeadersToAdd: [{ header: { key: 'keep', value: 'host' } }, { header: { key: 'drop', value: '100%%' } }] };
  changeRequestHeaders(map, headerLevels(undefined, host, route, undefined), () => undefined);
  expect(map.list).toEqual([['keep', 'route'], ['keep', 'host'], ['drop', '100%']]);
});

test('commands in header values are filled in', () => {
  expect(formatValue('%REQ(x):5%-%%-%PROTOCOL%', (command) => `<${command}>`)).toBe('<REQ(x):5>-%-<PROTOCOL>');
});

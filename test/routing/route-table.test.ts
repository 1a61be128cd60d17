import { describe, expect, test } from 'vitest';
import { prepareRoutes } from '../../src/routing/index.ts';
import type { RouteConfiguration, RouteMatchConfig } from '../../src/xds/index.ts';
import { request } from './request.ts';

function table(domains: Readonly<Record<string, readonly string[]>>, extra: Partial<RouteConfiguration> = {}): RouteConfiguration {
  return { name: 't', virtualHosts: Object.entries(domains).map(([name, list]) => ({ name, domains: [...list], routes: [{ match: { prefix: '/' }, route: { cluster: name } }] })), ...extra };
}

function matches(match: RouteMatchConfig, path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): boolean {
  const routes = prepareRoutes({ virtualHosts: [{ name: 'v', domains: ['*'], routes: [{ match, route: { cluster: 'c' } }] }] });
  return routes.match(request('h', path, headers, method), 0).kind === 'route';
}

describe('virtual host', () => {
  const routes = prepareRoutes(table({ exact: ['a.example.com'], long: ['*.b.example.com'], short: ['*.example.com'], dash: ['*-c.example.com'], prefix: ['a.*'], any: ['*'] }));
  test.each([
    ['a.example.com', 'exact'], ['A.Example.COM', 'exact'], ['x.b.example.com', 'long'], ['b.example.com', 'short'], ['x-c.example.com', 'dash'],
    ['-c.example.com', 'short'], ['a.org', 'prefix'], ['example.com', 'any'], ['a.example.com:80', 'prefix'], ['', 'any'],
  ])('%s is served by %s', (authority, name) => {
    expect(routes.match(request(authority), 0)).toMatchObject({ kind: 'route', virtualHost: { name } });
  });

  test('the port counts unless the table ignores it', () => {
    const domains = { a: ['a.com'] };
    expect(prepareRoutes(table(domains)).match(request('a.com:8080'), 0).kind).toBe('no-virtual-host');
    expect(prepareRoutes(table(domains, { ignorePortInHostMatching: true })).match(request('a.com:8080'), 0).kind).toBe('route');
    expect(prepareRoutes(table({ a: ['[::1]'] }, { ignorePortInHostMatching: true })).match(request('[::1]:8080'), 0).kind).toBe('route');
  });

  test('a domain that two virtual hosts name rejects the table', () => {
    expect(() => prepareRoutes(table({ a: ['x'], b: ['X'] }))).toThrow('duplicate entry');
  });

  test('TLS is required of plain requests', () => {
    const config: RouteConfiguration = { virtualHosts: [{ name: 'v', domains: ['*'], requireTls: 'ALL', routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }] }] };
    expect(prepareRoutes(config).match(request('a'), 0).kind).toBe('tls-required');
    expect(prepareRoutes(config).match(request('a', '/', {}, 'GET', 'https'), 0).kind).toBe('route');
  });
});

describe('route', () => {
  test.each<[string, RouteMatchConfig, string, boolean]>([
    ['prefix', { prefix: '/a' }, '/ab?x=1', true],
    ['prefix does not reach into the query', { prefix: '/a?x' }, '/a?x=1', false],
    ['path', { path: '/a' }, '/a?x', true],
    ['path, longer', { path: '/a' }, '/a/', false],
    ['path with fragment', { path: '/a' }, '/a#x', true],
    ['any case', { prefix: '/API', caseSensitive: false }, '/api/1', true],
    ['its own case', { prefix: '/API' }, '/api/1', false],
    ['separated prefix itself', { pathSeparatedPrefix: '/a' }, '/a', true],
    ['separated prefix below', { pathSeparatedPrefix: '/a' }, '/a/b', true],
    ['separated prefix beside', { pathSeparatedPrefix: '/a' }, '/ab', false],
    ['regex is a full match', { safeRegex: { regex: '/a+' } }, '/aab', false],
    ['regex without the query', { safeRegex: { regex: '/a+' } }, '/aa?b', true],
    ['query exact', { prefix: '/', queryParameters: [{ name: 'a', stringMatch: { exact: '1' } }] }, '/?b=2&a=1', true],
    ['query first value', { prefix: '/', queryParameters: [{ name: 'a', stringMatch: { exact: '2' } }] }, '/?a=1&a=2', false],
    ['query name is whole', { prefix: '/', queryParameters: [{ name: 'a', presentMatch: true }] }, '/?ab=1', false],
    ['query flag', { prefix: '/', queryParameters: [{ name: 'a', presentMatch: true }] }, '/?a', true],
    ['query regex', { prefix: '/', queryParameters: [{ name: 'a', stringMatch: { safeRegex: { regex: '\\d+' } } }] }, '/?a=12', true],
  ])('%s', (_name, match, path, expected) => {
    expect(matches(match, path)).toBe(expected);
  });

  test.each<[string, NonNullable<RouteMatchConfig['headers']>[number], Readonly<Record<string, string>>, boolean]>([
    ['exact', { name: 'X-User', stringMatch: { exact: 'jason' } }, { 'x-user': 'jason' }, true],
    ['missing', { name: 'x', stringMatch: { exact: 'a' } }, {}, false],
    ['missing stays out when inverted', { name: 'x', stringMatch: { exact: 'a' }, invertMatch: true }, {}, false],
    ['missing as empty, inverted', { name: 'x', stringMatch: { exact: 'a' }, invertMatch: true, treatMissingHeaderAsEmpty: true }, {}, true],
    ['present', { name: 'x', presentMatch: true }, { x: '' }, true],
    ['absent', { name: 'x', presentMatch: true, invertMatch: true }, {}, true],
    ['name alone means present', { name: 'x' }, {}, false],
    ['regex', { name: 'x', stringMatch: { safeRegex: { regex: 'a|b' } } }, { x: 'b' }, true],
    ['range', { name: 'x', rangeMatch: { start: '1', end: '10' } }, { x: '10' }, false],
    ['method', { name: ':method', stringMatch: { exact: 'GET' } }, {}, true],
    ['authority', { name: ':authority', stringMatch: { prefix: 'h' } }, {}, true],
  ])('header %s', (_name, header, headers, expected) => {
    expect(matches({ prefix: '/', headers: [header] }, '/', headers)).toBe(expected);
  });

  test('weights divide the random number; a cluster of weight 0 is never chosen', () => {
    const routes = prepareRoutes({ virtualHosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { weightedClusters: { clusters: [{ name: 'a', weight: 25 }, { name: 'z', weight: 0 }, { name: 'b', weight: 75 }] } } }] }] });
    const chosen = (random: number): string | undefined => {
      const match = routes.match(request('h'), random);
      return match.kind === 'route' ? match.cluster : undefined;
    };
    expect([0, 0.2499, 0.25, 0.999999].map(chosen)).toEqual(['a', 'a', 'b', 'b']);
  });

  test('explain names each rule that lost, and why', () => {
    const routes = prepareRoutes({ virtualHosts: [{ name: 'v', domains: ['*'], routes: [
      { name: 'jason', match: { prefix: '/', headers: [{ name: 'end-user', stringMatch: { exact: 'jason' } }] }, route: { cluster: 'v2' } },
      { name: 'rest', match: { prefix: '/' }, route: { cluster: 'v1' } },
      { name: 'never', match: { prefix: '/x' }, route: { cluster: 'v3' } },
    ] }] });
    expect(routes.match(request('h', '/', { 'end-user': 'bob' }), 0, true).rejected).toEqual([
      { what: 'jason', why: 'wants header end-user is "jason", but header end-user is "bob"' },
      { what: 'never', why: 'an earlier route matched' },
    ]);
  });

  test('a match allocates no new result', () => {
    const routes = prepareRoutes(table({ a: ['*'] }));
    expect(routes.match(request('x'), 0)).toBe(routes.match(request('y'), 0.5));
  });

  test('what a path leaves is the same the first time, again, and after more paths than are remembered', () => {
    const routes = prepareRoutes({ virtualHosts: [{ name: 'v', domains: ['*'], routes: [
      { name: 'even', match: { safeRegex: { regex: '/[0-9]*[02468]' } }, route: { cluster: 'even' } },
      { name: 'bob', match: { prefix: '/1', headers: [{ name: 'user', stringMatch: { exact: 'bob' } }] }, route: { cluster: 'bob' } },
      { match: { connectMatcher: {} }, route: { cluster: 'connect' } },
      { match: { prefix: '/' }, route: { cluster: 'rest' } },
    ] }] });
    const cluster = (path: string, user: string, method = 'GET'): string | undefined => {
      const match = routes.match(request('h', path, { user }, method), 0);
      return match.kind === 'route' ? match.cluster : undefined;
    };
    for (let round = 0; round < 2; round++) for (let at = 0; at < 1500; at++) {
      const otherwise = at % 2 === 0 ? 'even' : 'rest';
      expect([cluster(`/${at}`, 'ann'), cluster(`/${at}?x=1`, 'bob'), cluster(`/x${at}`, 'ann', 'CONNECT')])
        .toEqual([otherwise, otherwise === 'rest' && String(at).startsWith('1') ? 'bob' : otherwise, 'connect']);
    }
    expect([cluster(`/${'1'.repeat(1000)}`, 'bob'), cluster(`/${'1'.repeat(1000)}2`, 'bob')]).toEqual(['bob', 'even']);
  });

  test('a bad expression rejects the table', () => {
    expect(() => prepareRoutes({ virtualHosts: [{ name: 'v', domains: ['*'], routes: [{ match: { safeRegex: { regex: '(' } } }] }] })).toThrow();
  });
});

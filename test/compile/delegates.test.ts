import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import type { Route } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot } from './lab.ts';

const service = (name: string, spec: string): string => `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: { name: ${name} }\nspec: ${spec}`;
const details = 'outbound|9080||details.default.svc.cluster.local';

/** The routes that a root's rule and its delegate's make for a caller. */
function routes(root: string, part: string, ...more: readonly string[]): readonly Route[] {
  const documents = [bookinfo, service('root', `{ hosts: [reviews], http: [{ ${root}, delegate: { name: part } }, { name: rest, route: [{ destination: { host: reviews } }] }] }`), service('part', `{ http: [{ ${part} }] }`), ...more];
  return compile(snapshot(documents), nodeOf(podOf('productpage'))).routes.find(({ name }) => name === '9080')?.virtualHosts?.find(({ name }) => name?.startsWith('reviews'))?.routes ?? [];
}
const taken = (root: string, part: string): readonly Route[] => routes(`match: [{ ${root} }]`, `match: [{ ${part} }], route: [{ destination: { host: details } }]`).filter(({ name }) => name !== 'rest');

describe('a delegate’s match', () => {
  test.each<[string, string, Route['match']]>([
    ['uri: { prefix: /a }', 'uri: { prefix: /a/b }', { prefix: '/a/b' }],
    ['uri: { prefix: /a }', 'uri: { exact: /a/b }', { path: '/a/b' }],
    ['uri: { exact: /a }', 'uri: { exact: /a }', { path: '/a' }],
    ['uri: { prefix: /a }', 'name: any', { prefix: '/a' }],
    ['uri: { prefix: /a }', 'uri: {}', { prefix: '/a' }],
    ['name: any', 'uri: { regex: /a.* }', { safeRegex: { regex: '/a.*' } }],
    ['method: { exact: GET }', 'method: { exact: GET }', { headers: [{ name: ':method', stringMatch: { exact: 'GET' } }] }],
    ['headers: { a: { prefix: x } }', 'headers: { a: { exact: xy } }', { headers: [{ name: 'a', stringMatch: { exact: 'xy' } }] }],
    ['headers: { a: { exact: x } }', 'headers: { a: {} }', { headers: [{ name: 'a', stringMatch: { exact: 'x' } }] }],
    ['queryParams: { a: { exact: x } }', 'queryParams: { b: { exact: w } }', { queryParameters: [{ name: 'b', stringMatch: { exact: 'w' } }, { name: 'a', stringMatch: { exact: 'x' } }] }],
    ['uri: { prefix: /A }, ignoreUriCase: true', 'uri: { prefix: /a/b }', { prefix: '/a/b', caseSensitive: true }],
    ['uri: { prefix: /A }, ignoreUriCase: true', 'name: any', { prefix: '/A', caseSensitive: false }],
    ['sourceLabels: { app: productpage }', 'sourceLabels: { version: v1 }', { prefix: '/' }],
    ['port: 9080', 'port: 9080', { prefix: '/' }],
  ])('{ %s } takes { %s } in', (root, part, match) => {
    const found = taken(root, part);
    expect(found.map(({ route }) => route?.cluster)).toEqual([details]);
    expect(found[0]?.match).toMatchObject(match ?? {});
  });

  test.each([
    ['uri: { prefix: /a }', 'uri: { prefix: /c }'], ['uri: { exact: /a }', 'uri: { prefix: /a }'], ['uri: { exact: /a }', 'uri: { exact: /b }'], ['uri: { regex: /a.* }', 'uri: { exact: /ab }'], ['uri: { prefix: /a }', 'uri: { regex: /a.* }'],
    ['uri: { prefix: /a }', 'uri: { prefix: /a }, ignoreUriCase: true'],
    ['method: { exact: GET }', 'method: { exact: PUT }'], ['authority: { exact: a.com }', 'authority: { prefix: a }'], ['scheme: { exact: http }', 'scheme: { exact: https }'],
    ['headers: { a: { exact: x } }', 'headers: { a: { exact: w } }'], ['headers: { a: { exact: x } }', 'headers: { a: { prefix: x } }'], ['withoutHeaders: { a: { exact: x } }', 'withoutHeaders: { a: { exact: w } }'], ['queryParams: { a: { exact: x } }', 'queryParams: { a: { exact: w } }'],
    ['sourceLabels: { app: productpage }', 'sourceLabels: { app: details }'], ['sourceNamespace: default', 'sourceNamespace: other'], ['gateways: [mesh]', 'gateways: [edge]'], ['port: 9080', 'port: 80'],
  ])('{ %s } has no part { %s }, so the rule takes no effect', (root, part) => {
    expect(taken(root, part)).toEqual([]);
  });

  test('has to be a part of the root’s in all its alternatives', () => {
    const part = (second: string): readonly Route[] => routes('match: [{ uri: { prefix: /a } }, { uri: { prefix: /b } }]', `match: [{ uri: { prefix: /a/x } }, { uri: { prefix: ${second} } }], route: [{ destination: { host: details } }]`).filter(({ name }) => name !== 'rest');
    expect(part('/b/y').map(({ match }) => match?.prefix)).toEqual(['/a/x', '/b/y']);
    expect(part('/c')).toEqual([]);
  });
});

describe('a delegate’s rule', () => {
  const to = 'route: [{ destination: { host: details } }]';
  test('has the root’s settings where it has none itself', () => {
    const root = 'timeout: 3s, retries: { attempts: 7 }, headers: { request: { set: { a: root } } }, rewrite: { uri: /root }, fault: { abort: { httpStatus: 500, percentage: { value: 100 } } }, corsPolicy: { allowMethods: [GET] }, mirror: { host: ratings }';
    const [bare] = routes(root, to);
    expect(bare?.route).toMatchObject({ timeout: '3s', retryPolicy: { numRetries: 7 }, prefixRewrite: '/root', requestMirrorPolicies: [{ cluster: 'outbound|9080||ratings.default.svc.cluster.local' }] });
    expect(Object.keys(bare?.typedPerFilterConfig ?? {}).sort()).toEqual(['envoy.filters.http.cors', 'envoy.filters.http.fault']);
    const [own] = routes(root, `${to}, timeout: 1s, headers: { request: { set: { b: own } } }, fault: { delay: { fixedDelay: 1s, percentage: { value: 1 } } }`);
    expect(own?.route).toMatchObject({ timeout: '1s', retryPolicy: { numRetries: 7 } });
    expect(own?.requestHeadersToAdd?.map(({ header }) => header?.key)).toEqual(['b']);
    expect(own?.typedPerFilterConfig?.['envoy.filters.http.fault']).not.toHaveProperty('abort');
  });

  test('that delegates once more takes no effect', () => {
    expect(routes('name: root', 'delegate: { name: further }', service('further', `{ http: [{ ${to} }] }`)).map(({ name }) => name)).toEqual(['rest']);
  });

  test('redirects and answers by itself', () => {
    expect(routes('name: root', 'redirect: { uri: /new }')[0]?.redirect).toMatchObject({ pathRedirect: '/new' });
    expect(routes('name: root', 'directResponse: { status: 503 }')[0]?.directResponse).toMatchObject({ status: 503 });
  });

  test('of a VirtualService with hosts is none', () => {
    expect(routes('name: root', to, service('part', `{ hosts: [ratings], http: [{ ${to} }] }`)).map(({ name }) => name)).toEqual(['rest']);
  });
});

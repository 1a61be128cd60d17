import { expect, test } from 'vitest';
import { suggestedPath } from '../../../src/core/load/index.ts';
import { parseManifests } from '../../../src/manifest/index.ts';
import { hasPeer, sample } from '../../e2e/support/index.ts';

const rules = (http: readonly object[], hosts = ['*'], gateways = ['gw']): object => ({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: `vs-${JSON.stringify(http).length}` }, spec: { hosts, gateways, http } });
const to = { route: [{ destination: { host: 'web' } }] };
const on = (uri: object, more: object = to): object => ({ match: [{ uri }], ...more });
const httpRoute = (path: object, more: object = {}): object => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'r' }, spec: { parentRefs: [{ name: 'gw' }], rules: [{ matches: [{ path }], backendRefs: [{ name: 'web', port: 80 }] }], ...more } });
const ingress = (path: string, pathType: string): object => ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name: 'i' }, spec: { rules: [{ http: { paths: [{ path, pathType, backend: { service: { name: 'web', port: { number: 80 } } } }] } }] } });

test.each<[string, readonly object[], string]>([
  ['nothing', [], '/'],
  ['a rule for everything', [rules([to])], '/'],
  ['a whole path before a beginning', [rules([on({ prefix: '/static' }), on({ exact: '/productpage' })])], '/productpage'],
  ['everything before a beginning', [rules([on({ prefix: '/static' }), to])], '/'],
  ['a beginning', [rules([on({ prefix: '/api' })])], '/api'],
  ['no expression', [rules([on({ regex: '/a.*' }), on({ prefix: '/b' })])], '/b'],
  ['no redirect', [rules([on({ exact: '/old' }, { redirect: { uri: '/new' } }), on({ exact: '/new' })])], '/new'],
  ['no rule of the mesh, and none for another host', [rules([on({ exact: '/a' })], ['*'], ['mesh']), rules([on({ exact: '/bb' })], ['shop.example.com'])], '/'],
  ['a route of the Gateway API', [httpRoute({ type: 'Exact', value: '/shop' })], '/shop'],
  ['no such route of one host', [httpRoute({ type: 'Exact', value: '/shop' }, { hostnames: ['shop.example.com'] })], '/'],
  ['an Ingress', [ingress('/hello', 'Exact')], '/hello'],
])('finds a path by %s', (_, resources, path) => {
  expect(suggestedPath(parseManifests([{ path: 'a.yaml', text: resources.map((one) => JSON.stringify(one)).join('\n---\n') }]).resources)).toBe(path);
});

test.skipIf(!hasPeer)('is Bookinfo’s page with Bookinfo’s gateway', () => {
  expect(suggestedPath(parseManifests(sample('bookinfo/networking/bookinfo-gateway.yaml')).resources)).toBe('/productpage');
});

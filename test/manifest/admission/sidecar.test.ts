import { describe, expect, it } from 'vitest';
import { parseManifests, validate } from '../../../src/manifest/index.ts';
import { networking, table } from './table.ts';

const kind = { apiVersion: networking, kind: 'Sidecar' };
const egress = (...list: readonly object[]): object => ({ egress: list });
const hosts = (...names: readonly string[]): object => egress({ hosts: names });
const port = { number: 9080, protocol: 'HTTP', name: 'http' };
const out = (fields: object): object => egress({ port, hosts: ['./*'], ...fields });
const inside = (fields: object): object => ({ ingress: [{ port, defaultEndpoint: '127.0.0.1:8080', ...fields }] });

describe('egress hosts of a Sidecar', () => {
  table(kind, [
    ['its own namespace', hosts('./*'), 'ok'],
    ['all namespaces', hosts('*/*'), 'ok'],
    ['nothing', hosts('~/*'), 'ok'],
    ['a host of any namespace', hosts('*/api.example.com'), 'ok'],
    ['hosts of a namespace', hosts('shop/*.example.com'), 'ok'],
    ['a short name', hosts('./cart'), 'bad'],
    ['no namespace', hosts('cart.shop.svc.cluster.local'), 'bad'],
    ['an empty namespace', hosts('/*'), 'bad'],
    ['an empty host', hosts('shop/'), 'bad'],
    ['a namespace with a wildcard', hosts('sh*/*'), 'bad'],
    ['a host with a wildcard inside', hosts('shop/a.*.com'), 'bad'],
    ['three parts', hosts('a/b/c'), 'bad'],
    ['an address', hosts('./10.0.0.1'), 'bad'],
    ['no hosts', egress({ hosts: [] }), 'bad'],
    ['all and one more', hosts('*/*', 'shop/a.com'), 'warn'],
    ['the same host twice', hosts('shop/a.com', 'shop/a.com'), 'warn'],
    ['a host before all of its namespace', hosts('other/a.com', 'other/*'), 'warn'],
    ['two namespaces', hosts('./*', 'istio-system/*'), 'ok'],
    ['the same hosts on two listeners', egress({ port, hosts: ['./*'] }, { hosts: ['./*'] }), 'ok'],
  ]);
});

describe('egress listeners of a Sidecar', () => {
  table(kind, [
    ['a port', out({}), 'ok'],
    ['a port without a protocol', out({ port: { number: 9080, name: 'a' } }), 'ok'],
    ['a port without a name', out({ port: { number: 9080, protocol: 'HTTP' } }), 'ok'],
    ['a port’s name that is none', out({ port: { ...port, name: 'a_b' } }), 'bad'],
    ['a protocol that nobody knows', out({ port: { ...port, protocol: 'FTP' } }), 'bad'],
    ['port 70000', out({ port: { ...port, number: 70000 } }), 'bad'],
    ['port 0 without a socket', out({ port: { ...port, number: 0 } }), 'bad'],
    ['a socket', out({ port: { protocol: 'HTTP' }, bind: 'unix:///run/a' }), 'ok'],
    ['a socket with a port', out({ bind: 'unix:///run/a' }), 'bad'],
    ['a relative socket', out({ port: { protocol: 'HTTP' }, bind: 'unix://run/a' }), 'bad'],
    ['a captured socket', out({ port: { protocol: 'HTTP' }, bind: 'unix:///run/a', captureMode: 'IPTABLES' }), 'bad'],
    ['a socket twice', egress({ port: { protocol: 'HTTP' }, bind: 'unix:///run/a', hosts: ['./*'] }, { port: { protocol: 'HTTP' }, bind: 'unix:///run/a', hosts: ['./*'] }), 'bad'],
    ['an address', out({ bind: '127.0.0.2', captureMode: 'NONE' }), 'ok'],
    ['a name', out({ bind: 'localhost' }), 'bad'],
    ['the rest first', egress({ hosts: ['./*'] }, { port, hosts: ['./*'] }), 'bad'],
    ['the rest twice', egress({ hosts: ['./*'] }, { hosts: ['istio-system/*'] }), 'bad'],
    ['a proxy for the rest', { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: 'proxy.shop.svc.cluster.local', port: { number: 3128 } } } }, 'ok'],
    ['a proxy by a wildcard', { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: '*.example.com', port: { number: 3128 } } } }, 'bad'],
    ['a proxy by an address', { outboundTrafficPolicy: { mode: 'ALLOW_ANY', egressProxy: { host: '10.0.0.1', port: { number: 3128 } } } }, 'bad'],
  ]);
});

describe('ingress listeners of a Sidecar', () => {
  const tls = (fields: object, more: object = {}): object => inside({ port: { ...port, protocol: 'HTTPS' }, tls: { mode: 'SIMPLE', serverCertificate: '/a', privateKey: '/b', ...fields }, ...more });
  table(kind, [
    ['a port', inside({}), 'ok'],
    ['all addresses', inside({ defaultEndpoint: '0.0.0.0:8080' }), 'ok'],
    ['only a port', inside({ defaultEndpoint: ':8080' }), 'ok'],
    ['IPv6', inside({ defaultEndpoint: '[::1]:8080' }), 'ok'],
    ['another address', inside({ defaultEndpoint: '10.0.0.1:8080' }), 'bad'],
    ['localhost', inside({ defaultEndpoint: 'localhost:8080' }), 'bad'],
    ['no port', inside({ defaultEndpoint: '127.0.0.1' }), 'bad'],
    ['port 0', inside({ defaultEndpoint: '127.0.0.1:0' }), 'bad'],
    ['a port in words', inside({ defaultEndpoint: '127.0.0.1:http' }), 'bad'],
    ['IPv6 without brackets', inside({ defaultEndpoint: '::1:8080' }), 'bad'],
    ['a socket', inside({ defaultEndpoint: 'unix:///run/a' }), 'ok'],
    ['a relative socket', inside({ defaultEndpoint: 'unix://run/a' }), 'bad'],
    ['bound to a name', inside({ bind: 'localhost' }), 'bad'],
    ['without a protocol', inside({ port: { number: 9080 } }), 'ok'],
    ['a port’s name that is none', inside({ port: { ...port, name: '-' } }), 'bad'],
    ['TLS', tls({}), 'ok'],
    ['MUTUAL', tls({ mode: 'MUTUAL', caCertificates: '/c' }), 'ok'],
    ['TLS without a key', tls({ privateKey: '' }), 'bad'],
    ['names of clients', tls({ mode: 'MUTUAL', caCertificates: '/c', subjectAltNames: ['a.b'] }), 'bad'],
    ['AUTO_PASSTHROUGH', tls({ mode: 'AUTO_PASSTHROUGH' }), 'bad, warn'],
    ['HTTP settings of HTTPS', tls({}, { connectionPool: { http: { http2MaxRequests: 5 } } }), 'warn'],
    ['HTTP settings of gRPC', inside({ port: { ...port, protocol: 'GRPC' }, connectionPool: { http: { http2MaxRequests: 5 } } }), 'ok'],
    ['an empty pool', inside({ connectionPool: {} }), 'bad'],
    ['a selector', { workloadSelector: { labels: { app: 'a' } }, ...hosts('./*') }, 'ok'],
    ['a selector without labels', { workloadSelector: { labels: {} }, ...hosts('./*') }, 'warn'],
    ['a selector with a wildcard', { workloadSelector: { labels: { 'app*': 'a' } }, ...hosts('./*') }, 'bad'],
  ]);
});

it('says where an ingress listener leads to a unix socket, which no sidecar of the lab can reach', () => {
  const text = 'apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: { name: it }\nspec:\n  ingress:\n  - port: { number: 9080, protocol: HTTP, name: http }\n    defaultEndpoint: unix:///run/a\n';
  expect(parseManifests([{ path: 'it.yaml', text }]).resources.flatMap(validate)).toMatchObject([{ code: 'WEFT0007', level: 'info', line: 7, column: 5 }]);
});

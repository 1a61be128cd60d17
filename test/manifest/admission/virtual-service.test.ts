import { describe } from 'vitest';
import { networking, table, type Row } from './table.ts';

const kind = { apiVersion: networking, kind: 'VirtualService' };
const route = [{ destination: { host: 'cart' } }];
const hosts = (...names: readonly string[]): object => ({ hosts: names, http: [{ route }] });
const edge = (...names: readonly string[]): object => ({ gateways: ['edge'], hosts: names, http: [{ route }] });
const gateways = (...names: readonly string[]): object => ({ gateways: names, hosts: ['shop.example.com'], http: [{ route }] });
const http = (fields: object): object => ({ hosts: ['cart.shop'], http: [{ route, ...fields }] });
const match = (fields: object): object => http({ match: [fields] });

describe('hosts of a VirtualService', () => {
  table(kind, [
    ['a short name', hosts('cart'), 'ok'],
    ['a wildcard label', hosts('*.example.com'), 'ok'],
    ['a wildcard that begins a label', hosts('*-blue.example.com'), 'ok'],
    ['an IPv4 address', hosts('10.1.2.3'), 'ok'],
    ['an IPv6 address', hosts('2001:db8::1'), 'ok'],
    ['a trailing dot', hosts('cart.example.com.'), 'ok'],
    ['the star inside of the mesh', hosts('*'), 'bad'],
    ['the star on a gateway', edge('*'), 'ok'],
    ['a star in the middle', hosts('cart.*.com'), 'bad'],
    ['two stars', hosts('*.*.com'), 'bad'],
    ['a port', hosts('cart:8080'), 'bad'],
    ['a namespace in front', hosts('shop/cart.example.com'), 'bad'],
    ['an underscore', hosts('my_cart'), 'bad'],
    ['an empty name', hosts(''), 'bad'],
    ['a subnet', hosts('10.0.0.0/8'), 'bad'],
    ['a number as last label', hosts('cart.123'), 'bad'],
    ['the same host twice', hosts('cart', 'cart'), 'bad'],
    ['a wildcard over another host', hosts('*.example.com', 'a.example.com'), 'bad'],
    ['hosts that only look alike', hosts('*.example.com', 'example.com'), 'ok'],
    ['no rules', { hosts: ['cart'] }, 'bad'],
    ['a delegate with gateways', { gateways: ['mesh'], http: [{ route }] }, 'bad'],
    ['a delegate with tcp', { tcp: [{ route }] }, 'bad'],
    ['a delegate', { http: [{ route }] }, 'ok'],
  ]);
});

describe('gateways of a VirtualService', () => {
  table(kind, [
    ['a name', gateways('edge'), 'ok'],
    ['a namespace and a name', gateways('infra/edge'), 'ok'],
    ['the old dotted way', gateways('edge.infra.svc.cluster.local'), 'warn'],
    ['no name after the slash', gateways('infra/'), 'bad'],
    ['no namespace before the slash', gateways('/edge'), 'bad'],
    ['a wildcard name', gateways('infra/*'), 'bad'],
    ['a wildcard namespace', gateways('*/edge'), 'bad'],
    ['two slashes', gateways('a/b/c'), 'bad'],
    ['an empty name', gateways(''), 'bad'],
    ['a bad name in a match', match({ gateways: ['b@d'] }), 'bad'],
    ['routing by claims on a gateway', { gateways: ['edge'], hosts: ['a.b'], http: [{ match: [{ headers: { '@request.auth.claims.group': { exact: 'x' } } }], route }] }, 'ok'],
    ['routing by claims on a gateway and the mesh', { gateways: ['edge', 'mesh'], hosts: ['a.b'], http: [{ match: [{ headers: { '@request.auth.claims[group]': { exact: 'x' } } }], route }] }, 'ok'],
    ['routing by claims inside of the mesh', match({ withoutHeaders: { '@request.auth.claims.group': { exact: 'x' } } }), 'bad'],
  ]);
});

describe('matches of a VirtualService', () => {
  const fields = ['uri', 'scheme', 'method', 'authority'] as const;
  const empties = fields.flatMap((field): Row[] => [
    [`an empty prefix of ${field}`, match({ [field]: { prefix: '' } }), 'bad'],
    [`an empty regex of ${field}`, match({ [field]: { regex: '' } }), 'bad'],
    [`a regex of ${field} that RE2 has not`, match({ [field]: { regex: 'a(?=b)' } }), 'bad'],
    [`an empty exact of ${field}`, match({ [field]: { exact: '' } }), 'ok'],
  ]);
  const maps = (['headers', 'withoutHeaders', 'queryParams'] as const).flatMap((field): Row[] => [
    [`an empty prefix in ${field}`, match({ [field]: { a: { prefix: '' } } }), 'bad'],
    [`an empty regex in ${field}`, match({ [field]: { a: { regex: '' } } }), 'bad'],
    [`a broken regex in ${field}`, match({ [field]: { a: { regex: '[' } } }), 'bad'],
    [`the regex that means “is there” in ${field}`, match({ [field]: { a: { regex: '*' } } }), 'ok'],
    [`the empty match in ${field}`, match({ [field]: { a: {} } }), 'ok'],
  ]);
  table(kind, [
    ...empties,
    ...maps,
    ['exact and prefix', match({ uri: { exact: '/a', prefix: '/' } }), 'bad'],
    ['a regex of 1025 characters', match({ uri: { regex: 'a'.repeat(1025) } }), 'bad'],
    ['a header without a name', match({ headers: { '': { exact: 'a' } } }), 'bad'],
    ['a header with a space', match({ headers: { 'a b': { exact: 'a' } } }), 'bad'],
    ['a pseudo-header', match({ headers: { ':authority': { exact: 'a' } } }), 'ok'],
    ['a port', match({ port: 8080 }), 'ok'],
    ['a port that is none', match({ port: 65536 }), 'bad'],
    ['a label value with a slash', match({ sourceLabels: { app: 'a/b' } }), 'bad'],
    ['a label key with a domain', match({ sourceLabels: { 'example.com/app': 'a' } }), 'ok'],
    ['a namespace', match({ sourceNamespace: 'shop' }), 'ok'],
    ['a namespace that is none', match({ sourceNamespace: 'shop_1' }), 'bad'],
  ]);
});

describe('what a rule does', () => {
  table(kind, [
    ['nothing', { hosts: ['a'], http: [{ match: [{ uri: { exact: '/' } }] }] }, 'bad'],
    ['route and redirect', http({ redirect: { uri: '/' } }), 'bad'],
    ['route and directResponse', http({ directResponse: { status: 200 } }), 'bad'],
    ['route and delegate', http({ delegate: { name: 'a' } }), 'bad'],
    ['redirect and directResponse', { hosts: ['a'], http: [{ redirect: { uri: '/' }, directResponse: { status: 200 } }] }, 'bad'],
    ['redirect and fault', { hosts: ['a'], http: [{ redirect: { uri: '/' }, fault: { abort: { httpStatus: 500 } } }] }, 'bad'],
    ['redirect and rewrite', { hosts: ['a'], http: [{ redirect: { uri: '/' }, rewrite: { uri: '/' } }] }, 'bad'],
    ['directResponse and fault', { hosts: ['a'], http: [{ directResponse: { status: 200 }, fault: { abort: { httpStatus: 500 } } }] }, 'bad'],
    ['directResponse and rewrite', { hosts: ['a'], http: [{ directResponse: { status: 200 }, rewrite: { uri: '/' } }] }, 'bad'],
    ['redirect and headers', { hosts: ['a'], http: [{ redirect: { uri: '/' }, headers: { response: { set: { a: 'b' } } } }] }, 'ok'],
    ['status 600', { hosts: ['a'], http: [{ directResponse: { status: 600 } }] }, 'ok'],
    ['a small body', { hosts: ['a'], http: [{ directResponse: { status: 503, body: { string: 'no' } } }] }, 'ok'],
    ['a body of 101 KiB', { hosts: ['a'], http: [{ directResponse: { status: 200, body: { string: 'x'.repeat(101 * 1024) } } }] }, 'warn'],
    ['a body of 1 MiB and a byte', { hosts: ['a'], http: [{ directResponse: { status: 200, body: { string: 'x'.repeat(1024 * 1024 + 1) } } }] }, 'bad'],
    ['redirect code 400', { hosts: ['a'], http: [{ redirect: { uri: '/', redirectCode: 400 } }] }, 'bad'],
    ['redirect code 299', { hosts: ['a'], http: [{ redirect: { uri: '/', redirectCode: 299 } }] }, 'bad'],
    ['redirect code 308', { hosts: ['a'], http: [{ redirect: { uri: '/', redirectCode: 308 } }] }, 'ok'],
    ['a redirect to ftp', { hosts: ['a'], http: [{ redirect: { scheme: 'ftp' } }] }, 'bad'],
    ['a redirect to https only', { hosts: ['a'], http: [{ redirect: { scheme: 'https' } }] }, 'ok'],
    ['a redirect to a port only', { hosts: ['a'], http: [{ redirect: { port: 8443 } }] }, 'ok'],
    ['a redirect to a port that is none', { hosts: ['a'], http: [{ redirect: { port: 65536 } }] }, 'bad'],
    ['a redirect to nowhere but with a code', { hosts: ['a'], http: [{ redirect: { redirectCode: 308 } }] }, 'bad'],
    ['uri and prefixRewrite', { hosts: ['a'], http: [{ match: [{ uri: { prefix: '/a' } }], redirect: { uri: '/', prefixRewrite: '/b' } }] }, 'bad'],
    ['a delegate of a delegate', { http: [{ delegate: { name: 'a' } }] }, 'bad'],
    ['a delegate and a mirror, without a destination', http({ mirror: {} }), 'bad'],
    ['mirror and mirrors', http({ mirror: { host: 'a' }, mirrors: [{ destination: { host: 'b' } }] }), 'bad'],
    ['mirrors beside their share', http({ mirrors: [{ destination: { host: 'b' }, percentage: { value: 100 } }] }), 'ok'],
    ['a mirror to the star', http({ mirror: { host: '*' } }), 'bad'],
    ['a mirror’s share of 100.1', http({ mirrors: [{ destination: { host: 'b' }, percentage: { value: 100.1 } }] }), 'bad'],
    ['a timeout of nothing', http({ timeout: '0s' }), 'bad'],
    ['a timeout finer than a millisecond', http({ timeout: '1.0005s' }), 'bad'],
    ['a negative timeout', http({ timeout: '-1s' }), 'bad'],
    ['a timeout without a unit', http({ timeout: '5' }), 'bad'],
    ['hours and minutes', http({ timeout: '1h30m' }), 'ok'],
  ]);
});

describe('destinations and weights', () => {
  const to = (...list: readonly object[]): object => ({ hosts: ['a'], http: [{ route: list }] });
  table(kind, [
    ['an IP address', to({ destination: { host: '10.0.0.1' } }), 'bad'],
    ['a port of 65536', to({ destination: { host: 'a', port: { number: 65536 } } }), 'bad'],
    ['a port of 0', to({ destination: { host: 'a', port: { number: 0 } } }), 'bad'],
    ['a subset with a dot', to({ destination: { host: 'a', subset: 'v1.2' } }), 'bad'],
    ['a negative weight', to({ destination: { host: 'a' }, weight: -1 }), 'bad'],
    ['one weight of 0', to({ destination: { host: 'a' }, weight: 0 }), 'ok'],
    ['two weights of 0', to({ destination: { host: 'a' } }, { destination: { host: 'b' } }), 'bad'],
    ['weights over 100', to({ destination: { host: 'a' }, weight: 150 }, { destination: { host: 'b' } }), 'ok'],
    ['no destination', to({ weight: 100 }), 'bad'],
  ]);
});

describe('tls and tcp rules', () => {
  const tls = (fields: object, rest: object = {}): object => ({ hosts: ['*.example.com'], tls: [{ match: [fields], route, ...rest }] });
  const tcp = (fields: object, rest: object = {}): object => ({ hosts: ['a'], tcp: [{ match: [fields], route, ...rest }] });
  table(kind, [
    ['SNI inside of the hosts', tls({ sniHosts: ['a.example.com'] }), 'ok'],
    ['the SNI wildcard of the hosts', tls({ sniHosts: ['*.example.com'] }), 'ok'],
    ['a wider SNI wildcard', tls({ sniHosts: ['*.com'] }), 'bad'],
    ['SNI outside of the hosts', tls({ sniHosts: ['example.org'] }), 'bad'],
    ['no SNI', tls({ sniHosts: [] }), 'bad'],
    ['an empty SNI', tls({ sniHosts: [''] }), 'bad'],
    ['an address as SNI', tls({ sniHosts: ['10.0.0.1'] }), 'warn'],
    ['no match', { hosts: ['a'], tls: [{ route }] }, 'bad'],
    ['no tls route', tls({ sniHosts: ['a.example.com'] }, { route: [] }), 'bad'],
    ['no tcp route', tcp({ port: 27017 }, { route: [] }), 'bad'],
    ['no tcp match', { hosts: ['a'], tcp: [{ route }] }, 'ok'],
    ['a subnet', tcp({ destinationSubnets: ['10.0.0.0/8', '192.168.1.1', '2001:db8::/32'] }), 'ok'],
    ['a subnet of 33 bits', tcp({ destinationSubnets: ['10.0.0.0/33'] }), 'bad'],
    ['a name as subnet', tls({ sniHosts: ['a.example.com'], destinationSubnets: ['a.b'] }), 'bad'],
    ['a port that is none', tcp({ port: 70000 }), 'bad'],
    ['labels that are none', tls({ sniHosts: ['a.example.com'], sourceLabels: { '@': 'b' } }), 'bad'],
    ['a namespace that is none', tcp({ sourceNamespace: 'Shop!' }), 'bad'],
  ]);
});

import { describe } from 'vitest';
import { networking, table } from './table.ts';

const kind = { apiVersion: networking, kind: 'Gateway' };
const http = { number: 80, name: 'http', protocol: 'HTTP' };
const https = { number: 443, name: 'https', protocol: 'HTTPS' };
const server = (fields: object): object => ({ selector: { istio: 'ingressgateway' }, servers: [{ port: http, hosts: ['*'], ...fields }] });
const hosts = (...names: readonly string[]): object => server({ hosts: names });

describe('servers of a Gateway', () => {
  table(kind, [
    ['the star', hosts('*'), 'ok'],
    ['a namespace', hosts('shop/*'), 'ok'],
    ['its own namespace', hosts('./*.example.com'), 'ok'],
    ['all namespaces', hosts('*/a.example.com'), 'ok'],
    ['an address', hosts('10.0.0.1'), 'ok'],
    ['a short name', hosts('shop/cart'), 'bad'],
    ['a wildcard inside of a label', hosts('*-blue.example.com'), 'bad'],
    ['a star in the middle', hosts('a.*.com'), 'bad'],
    ['two wildcards', hosts('*.*.com'), 'bad'],
    ['nothing after the slash', hosts('shop/'), 'bad'],
    ['nothing before the slash', hosts('/a.example.com'), 'bad'],
    ['two slashes', hosts('shop/a/b.com'), 'bad'],
    ['a namespace that is none', hosts('sh*p/a.example.com'), 'bad'],
    ['a port in the host', hosts('a.example.com:80'), 'bad'],
    ['no hosts', server({ hosts: [] }), 'bad'],
    ['no servers', { selector: { istio: 'ingressgateway' } }, 'bad'],
    ['no selector', { servers: [{ port: http, hosts: ['*'] }] }, 'ok'],
    ['a selector with a wildcard', { selector: { istio: '*' }, servers: [{ port: http, hosts: ['*'] }] }, 'bad'],
    ['port 0', server({ port: { ...http, number: 0 } }), 'bad'],
    ['a port without a name', server({ port: { number: 80, protocol: 'HTTP', name: '' } }), 'bad'],
    ['a port without a protocol', server({ port: { ...http, protocol: '' } }), 'bad'],
    ['a protocol that nobody knows', server({ port: { ...http, protocol: 'SMTP' } }), 'bad'],
    ['a protocol in lower case', server({ port: { ...http, protocol: 'grpc-web' } }), 'ok'],
    ['two ports of one name', { servers: [{ port: http, hosts: ['*'] }, { port: { ...http, number: 81 }, hosts: ['*'] }] }, 'bad'],
    ['two servers of one port', { servers: [{ port: http, hosts: ['a.com'] }, { port: { ...http, name: 'b' }, hosts: ['b.com'] }] }, 'ok'],
    ['bound to an address', server({ bind: '0.0.0.0' }), 'ok'],
    ['bound to a name', server({ bind: 'localhost' }), 'bad'],
    ['bound to a socket, with a port', server({ bind: 'unix:///run/a.sock' }), 'bad'],
    ['bound to a socket', server({ bind: 'unix:///run/a.sock', port: { ...http, number: 0 } }), 'ok'],
    ['bound to a relative socket', server({ bind: 'unix://run/a.sock', port: { ...http, number: 0 } }), 'bad'],
    ['bound to a folder', server({ bind: 'unix:///run/', port: { ...http, number: 0 } }), 'bad'],
  ]);
});

describe('TLS of a server', () => {
  const tls = (fields: object, port: object = https): object => server({ port, tls: fields });
  const files = { serverCertificate: '/a', privateKey: '/b' };
  table(kind, [
    ['none on HTTPS', server({ port: https }), 'bad'],
    ['none on TLS', server({ port: { ...https, protocol: 'TLS' } }), 'bad'],
    ['a Secret', tls({ mode: 'SIMPLE', credentialName: 'cert' }), 'ok'],
    ['files', tls({ mode: 'SIMPLE', ...files }), 'ok'],
    ['nothing', tls({ mode: 'SIMPLE' }), 'bad'],
    ['MUTUAL by files without an authority', tls({ mode: 'MUTUAL', ...files }), 'bad'],
    ['OPTIONAL_MUTUAL by files without an authority', tls({ mode: 'OPTIONAL_MUTUAL', ...files }), 'bad'],
    ['OPTIONAL_MUTUAL by a Secret', tls({ mode: 'OPTIONAL_MUTUAL', credentialName: 'cert' }), 'ok'],
    ['MUTUAL with a revocation list', tls({ mode: 'MUTUAL', ...files, caCertificates: '/c', caCrl: '/d' }), 'ok'],
    ['two certificates', tls({ mode: 'SIMPLE', tlsCertificates: [files, files] }), 'ok'],
    ['three certificates', tls({ mode: 'SIMPLE', tlsCertificates: [files, files, files] }), 'bad'],
    ['three Secrets', tls({ mode: 'SIMPLE', credentialNames: ['a', 'b', 'c'] }), 'bad'],
    ['ISTIO_MUTUAL', tls({ mode: 'ISTIO_MUTUAL' }), 'ok'],
    ['ISTIO_MUTUAL with an authority', tls({ mode: 'ISTIO_MUTUAL', caCertificates: '/a' }), 'bad'],
    ['ISTIO_MUTUAL with Secrets', tls({ mode: 'ISTIO_MUTUAL', credentialNames: ['a'] }), 'bad'],
    ['PASSTHROUGH', tls({ mode: 'PASSTHROUGH' }, { ...https, protocol: 'TLS' }), 'ok'],
    ['AUTO_PASSTHROUGH', tls({ mode: 'AUTO_PASSTHROUGH' }, { ...https, protocol: 'TLS' }), 'ok'],
    ['PASSTHROUGH with files', tls({ mode: 'PASSTHROUGH', ...files }), 'warn'],
    ['AUTO_PASSTHROUGH with a Secret', tls({ mode: 'AUTO_PASSTHROUGH', credentialName: 'a' }), 'warn'],
    ['versions', tls({ mode: 'SIMPLE', credentialName: 'a', minProtocolVersion: 'TLSV1_2', maxProtocolVersion: 'TLSV1_3' }), 'ok'],
    ['a version that nobody knows', tls({ mode: 'SIMPLE', credentialName: 'a', minProtocolVersion: 'TLSV1_4' }), 'bad'],
    ['a redirect on HTTP', tls({ httpsRedirect: true }, http), 'ok'],
    ['a redirect and a certificate on HTTP', tls({ httpsRedirect: true, mode: 'SIMPLE', ...files }, http), 'bad'],
    ['SIMPLE on HTTP', tls({ mode: 'SIMPLE', credentialName: 'a' }, http), 'bad'],
    ['TLS on TCP', tls({ mode: 'SIMPLE', credentialName: 'a' }, { ...http, protocol: 'TCP' }), 'bad'],
    ['a redirect on HTTPS', tls({ httpsRedirect: true, mode: 'SIMPLE', credentialName: 'a' }), 'warn'],
    ['cipher suites by their RFC names', tls({ mode: 'SIMPLE', credentialName: 'a', cipherSuites: ['TLS_AES_128_GCM_SHA256'] }), 'warn'],
    ['a cipher suite', tls({ mode: 'SIMPLE', credentialName: 'a', cipherSuites: ['ECDHE-RSA-CHACHA20-POLY1305'] }), 'ok'],
  ]);
});

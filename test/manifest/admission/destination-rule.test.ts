import { describe } from 'vitest';
import { networking, table } from './table.ts';

const kind = { apiVersion: networking, kind: 'DestinationRule' };
const rule = (fields: object): object => ({ host: 'cart', ...fields });
const policy = (trafficPolicy: object): object => rule({ trafficPolicy });

describe('hosts, subsets and scope', () => {
  table(kind, [
    ['a wildcard host', { host: '*.example.com' }, 'ok'],
    ['the star', { host: '*' }, 'ok'],
    ['an empty host', { host: '' }, 'bad'],
    ['an address', { host: '10.0.0.1' }, 'bad'],
    ['a port in the host', { host: 'cart:80' }, 'bad'],
    ['a subset without a name', rule({ subsets: [{ name: '', labels: { version: 'v1' } }] }), 'bad'],
    ['a subset with an underscore', rule({ subsets: [{ name: 'v_1' }] }), 'bad'],
    ['a subset without labels', rule({ subsets: [{ name: 'all' }] }), 'ok'],
    ['a subset with a label that is none', rule({ subsets: [{ name: 'v1', labels: { 'a b': 'c' } }] }), 'bad'],
    ['a subset with an empty policy', rule({ subsets: [{ name: 'v1', trafficPolicy: {} }] }), 'bad'],
    ['a selector', rule({ workloadSelector: { matchLabels: { app: 'web' } } }), 'ok'],
    ['a selector without labels', rule({ workloadSelector: { matchLabels: {} } }), 'warn'],
    ['a selector with a wildcard', rule({ workloadSelector: { matchLabels: { app: 'w*' } } }), 'bad'],
    ['a selector and its own namespace', rule({ workloadSelector: { matchLabels: { app: 'web' } }, exportTo: ['shop'] }), 'ok'],
    ['a selector and everyone', rule({ workloadSelector: { matchLabels: { app: 'web' } }, exportTo: ['*'] }), 'bad'],
    ['export to nobody', rule({ exportTo: ['~'] }), 'bad'],
    ['export to two namespaces', rule({ exportTo: ['a', 'b'] }), 'ok'],
    ['export to a namespace twice', rule({ exportTo: ['a', 'a'] }), 'bad'],
    ['export to an empty namespace', rule({ exportTo: [''] }), 'bad'],
  ]);
});

describe('policies per port and tunnels', () => {
  const port = (settings: object): object => policy({ portLevelSettings: [settings] });
  const tunnel = (fields: object): object => policy({ tunnel: { targetHost: 'proxy.example.com', targetPort: 3128, ...fields } });
  table(kind, [
    ['a port', port({ port: { number: 80 }, tls: { mode: 'DISABLE' } }), 'ok'],
    ['a port and nothing else', port({ port: { number: 80 } }), 'bad'],
    ['port 0', port({ port: { number: 0 }, tls: { mode: 'DISABLE' } }), 'bad'],
    ['no port', port({ tls: { mode: 'DISABLE' } }), 'bad'],
    ['a tunnel', tunnel({}), 'ok'],
    ['a tunnel by POST', tunnel({ protocol: 'POST' }), 'ok'],
    ['a tunnel by GET', tunnel({ protocol: 'GET' }), 'bad'],
    ['a tunnel to an address', tunnel({ targetHost: '10.0.0.1' }), 'ok'],
    ['a tunnel to a wildcard', tunnel({ targetHost: '*.example.com' }), 'bad'],
    ['a tunnel to an address with a star', tunnel({ targetHost: '10.0.0.*' }), 'bad'],
    ['a tunnel to port 0', tunnel({ targetPort: 0 }), 'bad'],
    ['a tunnel to no host', policy({ tunnel: { targetPort: 80 } }), 'bad'],
    ['the PROXY protocol', policy({ proxyProtocol: { version: 'V2' } }), 'ok'],
    ['a budget of 101 %', policy({ retryBudget: { percent: 101 } }), 'bad'],
  ]);
});

describe('connection pools and outliers', () => {
  const tcp = (fields: object): object => policy({ connectionPool: { tcp: fields } });
  const http = (fields: object): object => policy({ connectionPool: { http: fields } });
  const outliers = (fields: object): object => policy({ outlierDetection: fields });
  table(kind, [
    ['a connect timeout below a millisecond', tcp({ connectTimeout: '1us' }), 'bad'],
    ['a longest life', tcp({ maxConnectionDuration: '1h' }), 'ok'],
    ['a longest life of nothing', tcp({ maxConnectionDuration: '0s' }), 'bad'],
    ['no idle timeout', tcp({ idleTimeout: '0s' }), 'ok'],
    ['an idle timeout that is too fine', tcp({ idleTimeout: '1.0005s' }), 'bad'],
    ['keepalive', tcp({ tcpKeepalive: { probes: 3, time: '7200s', interval: '75s' } }), 'ok'],
    ['pending requests below 0', http({ http1MaxPendingRequests: -1 }), 'bad'],
    ['requests below 0', http({ http2MaxRequests: -1 }), 'bad'],
    ['requests per connection below 0', http({ maxRequestsPerConnection: -1 }), 'bad'],
    ['streams below 0', http({ maxConcurrentStreams: -1 }), 'bad'],
    ['an upgrade beside the caller’s protocol', http({ h2UpgradePolicy: 'UPGRADE', useClientProtocol: true }), 'bad'],
    ['no upgrade beside the caller’s protocol', http({ h2UpgradePolicy: 'DO_NOT_UPGRADE', useClientProtocol: true }), 'ok'],
    ['a keepalive without an interval', http({ http2KeepAlive: { timeout: '5s' } }), 'bad'],
    ['nothing about outliers', outliers({}), 'ok'],
    ['ejection of 101 %', outliers({ maxEjectionPercent: 101 }), 'bad'],
    ['ejection below 0', outliers({ maxEjectionPercent: -1 }), 'bad'],
    ['the old count', outliers({ consecutiveErrors: 5 }), 'warn'],
    ['local failures that do not count', outliers({ consecutiveLocalOriginFailures: 5 }), 'bad'],
    ['local failures', outliers({ consecutiveLocalOriginFailures: 5, splitExternalLocalOriginErrors: true }), 'ok'],
    ['no ejections by gateway errors', outliers({ consecutiveGatewayErrors: 0, consecutive5xxErrors: 7 }), 'ok'],
  ]);
});

describe('load balancing', () => {
  const balance = (loadBalancer: object): object => policy({ loadBalancer });
  const hash = (consistentHash: object): object => balance({ consistentHash });
  const locality = (localityLbSetting: object, rest: object = { outlierDetection: {} }): object => policy({ loadBalancer: { localityLbSetting }, ...rest });
  const shares = (...list: readonly (readonly [string, object])[]): object => locality({ distribute: list.map(([from, to]) => ({ from, to })) });
  table(kind, [
    ['a simple policy and a hash', balance({ simple: 'RANDOM', consistentHash: { useSourceIp: true } }), 'bad'],
    ['two hash keys', hash({ useSourceIp: true, httpHeaderName: 'a' }), 'bad'],
    ['a cookie without a lifetime', hash({ httpCookie: { name: 'a' } }), 'ok'],
    ['a cookie of the session', hash({ httpCookie: { name: 'a', ttl: '0s' } }), 'ok'],
    ['a prime table', hash({ useSourceIp: true, maglev: { tableSize: 65537 } }), 'ok'],
    ['a table that is too large', hash({ useSourceIp: true, maglev: { tableSize: 5000077 } }), 'bad'],
    ['a ring and a table', hash({ useSourceIp: true, maglev: {}, ringHash: {} }), 'bad'],
    ['shares of 100', shares(['a/b', { 'a/b': 80, 'c/*': 20 }]), 'ok'],
    ['shares of 99', shares(['a/b', { 'a/b': 79, 'c/*': 20 }]), 'bad'],
    ['a share of nothing', shares(['a/b', { 'a/b': 100, 'c/*': 0 }]), 'bad'],
    ['a share over 100', shares(['a/b', { 'a/b': 101 }]), 'bad'],
    ['sources that overlap', shares(['a/*', { 'a/b': 100 }], ['a/b', { 'a/b': 100 }]), 'bad'],
    ['sources after the star', shares(['*', { 'a/b': 100 }], ['a', { 'a/b': 100 }]), 'bad'],
    ['a source twice', shares(['a/b/c', { 'a/b': 100 }], ['a/b/c', { 'a/b': 100 }]), 'bad'],
    ['a zone inside of its region', shares(['a', { 'a/b': 100 }], ['a/b', { 'a/b': 100 }]), 'bad'],
    ['targets that overlap', shares(['a/b', { 'a/*': 50, 'a/b': 50 }]), 'bad'],
    ['a star in the middle', shares(['a/*/c', { 'a/b': 100 }]), 'bad'],
    ['a zone without a name', shares(['a//c', { 'a/b': 100 }]), 'bad'],
    ['two zones', shares(['a/b/*', { 'a/b': 100 }], ['a/c/*', { 'a/b': 100 }]), 'ok'],
    ['failover', locality({ failover: [{ from: 'a', to: 'b' }] }), 'ok'],
    ['failover that never notices failures', locality({ failover: [{ from: 'a', to: 'b' }] }, {}), 'warn'],
    ['priorities that never notice failures', locality({ failoverPriority: ['topology.istio.io/network'] }, {}), 'warn'],
    ['failover to itself', locality({ failover: [{ from: 'a', to: 'a' }] }), 'bad'],
    ['failover of zones', locality({ failover: [{ from: 'a/b', to: 'c' }] }), 'bad'],
    ['failover to everywhere', locality({ failover: [{ from: 'a', to: '*' }] }), 'bad'],
    ['shares and failover', locality({ distribute: [{ from: 'a', to: { b: 100 } }], failover: [{ from: 'a', to: 'b' }] }), 'bad'],
    ['shares and priorities', locality({ distribute: [{ from: 'a', to: { b: 100 } }], failoverPriority: ['a'] }), 'bad'],
    ['failover and priorities', locality({ failover: [{ from: 'a', to: 'b' }], failoverPriority: ['topology.istio.io/network'] }), 'ok'],
    ['a warm-up', balance({ simple: 'ROUND_ROBIN', warmup: { duration: '30s', minimumPercent: 10, aggression: 1.5 } }), 'ok'],
    ['a warm-up without a duration', balance({ warmup: { aggression: 1 } }), 'bad'],
    ['a warm-up from 101 %', balance({ warmup: { duration: '30s', minimumPercent: 101 } }), 'bad'],
    ['a warm-up that slows down', balance({ warmup: { duration: '30s', aggression: 0.5 } }), 'bad'],
  ]);
});

describe('TLS to a service', () => {
  const tls = (fields: object): object => policy({ tls: fields });
  table(kind, [
    ['SIMPLE', tls({ mode: 'SIMPLE' }), 'ok'],
    ['ISTIO_MUTUAL', tls({ mode: 'ISTIO_MUTUAL' }), 'ok'],
    ['MUTUAL with files', tls({ mode: 'MUTUAL', clientCertificate: '/a', privateKey: '/b', caCertificates: '/c', caCrl: '/d' }), 'ok'],
    ['MUTUAL without a key', tls({ mode: 'MUTUAL', clientCertificate: '/a' }), 'bad'],
    ['MUTUAL without a certificate', tls({ mode: 'MUTUAL', privateKey: '/a' }), 'bad'],
    ['MUTUAL with a Secret', tls({ mode: 'MUTUAL', credentialName: 'client' }), 'ok'],
    ['a Secret and a file', tls({ mode: 'MUTUAL', credentialName: 'client', clientCertificate: '/a' }), 'bad'],
    ['a Secret and an authority', tls({ mode: 'SIMPLE', credentialName: 'client', caCertificates: '/a' }), 'bad'],
    ['a Secret and a revocation list', tls({ mode: 'SIMPLE', credentialName: 'client', caCrl: '/a' }), 'bad'],
    ['SIMPLE that trusts everyone', tls({ mode: 'SIMPLE', insecureSkipVerify: true }), 'ok'],
    ['SIMPLE that trusts everyone and a Secret', tls({ mode: 'SIMPLE', insecureSkipVerify: true, credentialName: 'ca' }), 'bad'],
    ['MUTUAL that trusts everyone and names', tls({ mode: 'MUTUAL', insecureSkipVerify: true, credentialName: 'client', subjectAltNames: ['a.b'] }), 'bad'],
    ['a mode that nobody knows', tls({ mode: 'STRICT' }), 'bad'],
  ]);
});

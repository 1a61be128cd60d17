import { describe, expect, test } from 'vitest';
import { compile, defaultMeshConfig, simulate, type PodInfo, type ProxyNode, type SimulatedCall } from '../../src/compile/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import type { ProxyConfig } from '../../src/xds/index.ts';

const resource = (kind: string, name: string, spec: unknown, namespace = 'default'): string => JSON.stringify({ apiVersion: kind === 'Service' ? 'v1' : 'networking.istio.io/v1', kind, metadata: { name, namespace }, spec });
const node = (type: 'sidecar' | 'router'): ProxyNode => ({
  id: `${type}~10.0.0.9~app.default~default.svc.cluster.local`, type, name: 'app', namespace: 'default', ip: '10.0.0.9', labels: type === 'router' ? { istio: 'ingressgateway' } : { app: 'app' }, annotations: {}, serviceAccount: 'app',
});
const pod: PodInfo = { name: 'reviews-1', namespace: 'default', ip: '10.0.0.5', labels: { app: 'reviews', version: 'v1' }, annotations: {}, serviceAccount: 'reviews', workload: 'reviews', ports: [], sidecar: true, ready: true };

function configOf(type: 'sidecar' | 'router', ...texts: readonly string[]): ProxyConfig {
  const { resources, diagnostics } = parseManifests([{ path: 'all.yaml', text: texts.join('\n---\n') }]);
  expect(diagnostics.filter(({ level }) => level === 'error')).toEqual([]);
  return compile({ resources, pods: [pod], mesh: defaultMeshConfig, virtualIps: new Map([['default/reviews', '10.1.0.1']]) }, node(type));
}

/** Where a TLS connection goes: its cluster, or the error. */
function tls(config: ProxyConfig, serverName: string, port: number, more: Partial<SimulatedCall> = {}): string {
  const result = simulate(config, {
    localPort: config.listeners.some(({ name }) => name === 'virtualOutbound') ? 15001 : port, destinationIp: '93.184.215.14', destinationPort: port, sourceIp: '10.0.0.9', protocol: 'tcp', tls: 'tls', alpn: ['http/1.1'], serverName,
    request: { method: 'GET', path: '/', authority: serverName, scheme: 'https', header: () => undefined }, ...more,
  });
  return result.error ?? result.cluster ?? '';
}

const reviews = resource('Service', 'reviews', { selector: { app: 'reviews' }, ports: [{ name: 'http', port: 9080 }, { name: 'tcp', port: 9090 }] });
const gateway = (...servers: readonly unknown[]): string => resource('Gateway', 'edge', { selector: { istio: 'ingressgateway' }, servers });
const to = (host: string, number: number, weight?: number): unknown => ({ destination: { host, port: { number } }, ...(weight === undefined ? {} : { weight }) });

describe('gateways', () => {
  const subsets = resource('DestinationRule', 'reviews', { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] });

  test('AUTO_PASSTHROUGH hands mTLS on, unopened, to the service and subset that SNI names', () => {
    const config = configOf('router', reviews, subsets, gateway({ port: { number: 15443, name: 'tls', protocol: 'TLS' }, hosts: ['*.local'], tls: { mode: 'AUTO_PASSTHROUGH' } }));
    const name = 'outbound_.9080_.v1_.reviews.default.svc.cluster.local';
    expect(tls(config, name, 15443, { alpn: ['istio'] })).toBe(name);
    expect(tls(config, 'outbound_.9080_._.reviews.default.svc.cluster.local', 15443, { alpn: ['istio-http/1.1'] })).toBe('outbound_.9080_._.reviews.default.svc.cluster.local');
    expect(tls(config, name, 15443)).toBe('no-filter-chain');
    expect(tls(config, 'outbound_.9080_.v2_.reviews.default.svc.cluster.local', 15443, { alpn: ['istio'] })).toBe('no-filter-chain');
    expect(config.clusters.find((cluster) => cluster.name === name)?.transportSocket).toBeUndefined();
    expect(config.endpoints.find(({ clusterName }) => clusterName === name)?.endpoints?.[0]?.lbEndpoints).toHaveLength(1);
  });

  test('TLS on a port that is in the clear already is left out, whatever comes later', () => {
    const http = { port: { number: 8080, name: 'http', protocol: 'HTTP' }, hosts: ['*'] };
    const https = { port: { number: 8080, name: 'https', protocol: 'HTTPS' }, hosts: ['*'], tls: { mode: 'SIMPLE', credentialName: 'c' } };
    const config = configOf('router', gateway(http, https));
    expect(config.listeners.find(({ name }) => name === '0.0.0.0_8080')?.filterChains).toHaveLength(1);
  });

  test('hosts of a namespace serve the VirtualServices of that namespace only', () => {
    const rule = (namespace: string): string => resource('VirtualService', 'passes', { hosts: ['a.example.com'], gateways: ['default/edge'], tls: [{ match: [{ sniHosts: ['a.example.com'] }], route: [to('reviews.default.svc.cluster.local', 9090)] }] }, namespace);
    const server = gateway({ port: { number: 443, name: 'tls', protocol: 'TLS' }, hosts: ['team/*.example.com'], tls: { mode: 'PASSTHROUGH' } });
    expect(tls(configOf('router', reviews, server, rule('team')), 'a.example.com', 443)).toBe('outbound|9090||reviews.default.svc.cluster.local');
    expect(tls(configOf('router', reviews, server, rule('other')), 'a.example.com', 443)).toBe('no-listener');
  });

  test('certificates in files, several at once, are secrets by their paths', () => {
    const config = configOf('router', gateway({ port: { number: 443, name: 'https', protocol: 'HTTPS' }, hosts: ['*'], tls: { mode: 'MUTUAL', caCertificates: '/ca', tlsCertificates: [{ serverCertificate: '/rsa', privateKey: '/rsa-key' }, { serverCertificate: '/ec', privateKey: '/ec-key' }] } }));
    const text = JSON.stringify(config.listeners);
    for (const name of ['file-cert:/rsa~/rsa-key', 'file-cert:/ec~/ec-key', 'file-root:/ca']) expect(text).toContain(`"${name}"`);
  });
});

describe('sidecars', () => {
  const entry = (spec: Readonly<Record<string, unknown>>): string => resource('ServiceEntry', 'outside', { location: 'MESH_EXTERNAL', ports: [{ number: 443, name: 'tls', protocol: 'TLS' }], ...spec });

  test('a wildcard host is found by SNI, and nothing else goes to it', () => {
    const config = configOf('sidecar', entry({ hosts: ['*.wiki.example'], resolution: 'NONE' }));
    expect(tls(config, 'de.wiki.example', 443)).toBe('outbound|443||*.wiki.example');
    expect(tls(config, 'a.b.wiki.example', 443)).toBe('outbound|443||*.wiki.example');
    expect(tls(config, 'wiki.example', 443)).toBe('PassthroughCluster');
  });

  test('a range of addresses tells connections, with SNI besides', () => {
    const config = configOf('sidecar', entry({ hosts: ['db.example'], resolution: 'STATIC', addresses: ['192.0.2.0/24'], endpoints: [{ address: '198.51.100.7', ports: { tcp: 15432 } }], ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }] }));
    const plain = { tls: 'plaintext' as const, alpn: [] };
    expect(tls(config, '', 5432, { ...plain, destinationIp: '192.0.2.77' })).toBe('outbound|5432||db.example');
    expect(tls(config, '', 5432, { ...plain, destinationIp: '192.0.3.1' })).toBe('PassthroughCluster');
    expect(JSON.stringify(config.endpoints.find(({ clusterName }) => clusterName === 'outbound|5432||db.example'))).toContain('15432');
  });

  test('TLS rules split by weight, for the callers that they name', () => {
    const split = resource('VirtualService', 'split', {
      hosts: ['shop.example'], tls: [{ match: [{ port: 443, sniHosts: ['shop.example'], sourceLabels: { app: 'app' } }], route: [to('shop.example', 443, 75), to('reviews', 9090, 25)] }],
    });
    const config = configOf('sidecar', reviews, entry({ hosts: ['shop.example'], resolution: 'DNS' }), split);
    const chain = config.listeners.find(({ name }) => name === '0.0.0.0_443')?.filterChains?.find(({ filterChainMatch }) => filterChainMatch?.serverNames?.includes('shop.example'));
    expect(chain?.filters?.at(-1)?.typedConfig).toMatchObject({ weightedClusters: { clusters: [{ name: 'outbound|443||shop.example', weight: 75 }, { name: 'outbound|9090||reviews.default.svc.cluster.local', weight: 25 }] } });
  });

  test('REGISTRY_ONLY leaves unknown TLS nowhere to go', () => {
    const only = resource('Sidecar', 'default', { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } });
    expect(tls(configOf('sidecar', only, entry({ hosts: ['known.example'], resolution: 'DNS' })), 'unknown.example', 443)).toBe('BlackHoleCluster');
  });

  test('nobody speaks mTLS to a gateway’s pod by himself', () => {
    const { resources } = parseManifests([{ path: 'a.yaml', text: reviews }]);
    const modes = (kind: 'workload' | 'gateway'): string => JSON.stringify(compile({ resources, pods: [{ ...pod, kind }], mesh: defaultMeshConfig, virtualIps: new Map() }, node('sidecar')).endpoints);
    expect(modes('workload')).toContain('"tlsMode":"istio"');
    expect(modes('gateway')).not.toContain('tlsMode');
  });
});

describe('TLS that a Sidecar’s ingress ends', () => {
  const plain = resource('PeerAuthentication', 'plain', { selector: { matchLabels: { app: 'app' } }, mtls: { mode: 'STRICT' }, portLevelMtls: { 9443: { mode: 'DISABLE' } } }).replace('networking', 'security');
  const ingress = (protocol: string, defaultEndpoint: string): string => resource('Sidecar', 'own', {
    workloadSelector: { labels: { app: 'app' } }, ingress: [{ port: { number: 9443, name: 'secure', protocol }, defaultEndpoint, tls: { mode: 'SIMPLE', serverCertificate: '/c', privateKey: '/k' } }],
  });
  const inbound = (config: ProxyConfig): ReturnType<typeof simulate> => simulate(config, {
    localPort: 15006, destinationIp: '10.0.0.9', destinationPort: 9443, sourceIp: '10.0.0.7', protocol: 'http', tls: 'tls', alpn: ['http/1.1'], serverName: '', request: { method: 'GET', path: '/', authority: 'app', scheme: 'https', header: () => undefined },
  });

  test('is HTTP inside when the port is HTTPS, and bytes when it is TLS', () => {
    expect(inbound(configOf('sidecar', plain, ingress('HTTPS', '127.0.0.1:8080')))).toMatchObject({ virtualHost: 'inbound|http|9443', cluster: 'inbound|9443||' });
    expect(inbound(configOf('sidecar', plain, ingress('TLS', '127.0.0.1:8080')))).toEqual({ listener: 'virtualInbound', filterChain: '10.0.0.9_9443', cluster: 'inbound|9443||' });
  });

  test.each([['127.0.0.1:8080', '127.0.0.1'], ['[::1]:8080', '::1'], [':8080', '127.0.0.1']])('goes to %s', (endpoint, address) => {
    const cluster = configOf('sidecar', plain, ingress('HTTPS', endpoint)).clusters.find(({ name }) => name === 'inbound|9443||');
    expect(JSON.stringify(cluster)).toContain(JSON.stringify({ address, portValue: 8080 }));
  });
});

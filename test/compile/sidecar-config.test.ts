import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import type { ProxyConfig } from '../../src/xds/index.ts';
import { bookinfo, bookinfoPods, nodeOf, pod, podOf, snapshot, subsets } from './lab.ts';

const kind = (name: string, metadata: string, spec: string, api = 'networking.istio.io/v1'): string => `apiVersion: ${api}\nkind: ${name}\nmetadata: ${metadata}\nspec: ${spec}`;
const compiled = (documents: readonly string[], pods = bookinfoPods): ProxyConfig => compile(snapshot([bookinfo, ...documents], pods), nodeOf(podOf('productpage')));
const cluster = (config: ProxyConfig, name: string): ProxyConfig['clusters'][number] | undefined => config.clusters.find((one) => one.name === name);
const routesOf = (config: ProxyConfig, table: string, host: string): readonly (string | undefined)[] =>
  (config.routes.find(({ name }) => name === table)?.virtualHosts?.find(({ domains }) => domains?.includes(host) === true)?.routes ?? []).map(({ route }) => route?.cluster);

describe('endpoints', () => {
  test('follow readiness and the subset’s labels', () => {
    const pods = bookinfoPods.map((one) => (one.labels.version === 'v2' ? { ...one, ready: false } : one));
    const config = compiled([subsets], pods);
    const addresses = (name: string): readonly (string | undefined)[] => config.endpoints.find(({ clusterName }) => clusterName === name)?.endpoints?.flatMap(({ lbEndpoints = [] }) => lbEndpoints.map(({ endpoint }) => endpoint?.address?.socketAddress?.address)) ?? [];
    expect(addresses('outbound|9080||reviews.default.svc.cluster.local')).toEqual(['10.0.0.5', '10.0.0.7']);
    expect(addresses('outbound|9080|v2|reviews.default.svc.cluster.local')).toEqual([]);
    expect(addresses('outbound|9080|v3|reviews.default.svc.cluster.local')).toEqual(['10.0.0.7']);
  });

  test('say whose they are, and take mTLS only where their port does', () => {
    const disabled = kind('PeerAuthentication', '{ name: ratings }', '{ selector: { matchLabels: { app: ratings } }, mtls: { mode: DISABLE } }', 'security.istio.io/v1');
    const [ratings, details] = ['ratings', 'details'].map((name) => compiled([disabled]).endpoints.find(({ clusterName }) => clusterName === `outbound|9080||${name}.default.svc.cluster.local`)?.endpoints?.[0]?.lbEndpoints?.[0]?.metadata?.filterMetadata);
    expect(details).toEqual({ istio: { workload: 'details-v1;default;details;v1;Kubernetes' }, 'dev.weft': { pod: 'default/details-v1-0' }, 'envoy.transport_socket_match': { tlsMode: 'istio' } });
    expect(ratings?.['envoy.transport_socket_match']).toBeUndefined();
  });

  test('a target port by name is the pod’s', () => {
    const web = kind('Service', '{ name: web }', '{ selector: { app: web }, ports: [{ name: http, port: 80, targetPort: main }] }', 'v1');
    const config = compiled([web], [...bookinfoPods, pod('web', 'v1', '10.0.0.30', { ports: [{ name: 'main', port: 8123, protocol: 'TCP' }] })]);
    expect(config.endpoints.find(({ clusterName }) => clusterName === 'outbound|80||web.default.svc.cluster.local')?.endpoints?.[0]?.lbEndpoints?.[0]?.endpoint?.address?.socketAddress?.portValue).toBe(8123);
  });
});

describe('names', () => {
  test('every form of a service has its virtual IP', () => {
    const { table } = compiled([]).names;
    expect(['reviews', 'reviews.default', 'reviews.default.svc', 'reviews.default.svc.cluster.local'].map((name) => table[name]?.ips)).toEqual(Array(4).fill(['10.0.128.4']));
  });
  test('a headless service is its pods', () => {
    const db = kind('Service', '{ name: db }', '{ clusterIP: None, selector: { app: ratings }, ports: [{ name: tcp, port: 9080 }] }', 'v1');
    const config = compiled([db]);
    expect(config.names.table.db?.ips).toEqual(['10.0.0.4']);
    expect(config.names.table['ratings-v1-0.db']?.ips).toEqual(['10.0.0.4']);
    expect(config.listeners.map(({ name }) => name)).toContain('10.0.0.4_9080');
  });
});

describe('listeners', () => {
  test('HTTP shares one per port, TCP has its virtual IP’s', () => {
    const tcp = kind('Service', '{ name: zz }', '{ ports: [{ name: tcp-x, port: 9000 }] }', 'v1');
    expect(compiled([tcp]).listeners.map(({ name }) => name)).toEqual(['0.0.0.0_9080', '10.0.128.5_9000', 'virtualOutbound', 'virtualInbound']);
  });
  test('TCP connections are shared out by weight', () => {
    const tcp = kind('Service', '{ name: zz }', '{ ports: [{ name: tcp, port: 9000 }] }', 'v1');
    const rule = kind('VirtualService', '{ name: zz }', '{ hosts: [zz], tcp: [{ match: [{ port: 9000 }], route: [{ destination: { host: zz, subset: v1 }, weight: 80 }, { destination: { host: zz, subset: v2 }, weight: 20 }] }] }');
    const listener = compiled([tcp, rule]).listeners.find(({ name }) => name === '10.0.128.5_9000');
    expect(listener?.filterChains?.[0]?.filters?.[0]?.typedConfig).toMatchObject({ weightedClusters: { clusters: [{ name: 'outbound|9000|v1|zz.default.svc.cluster.local', weight: 80 }, { name: 'outbound|9000|v2|zz.default.svc.cluster.local', weight: 20 }] } });
  });
});

describe('VirtualServices', () => {
  const service = (name: string, metadata: string, spec: string): string => kind('VirtualService', `{ name: ${name}${metadata} }`, spec);
  test('the older of two for a host rules it', () => {
    const newer = service('a', ', creationTimestamp: "2024-01-01T00:00:00Z"', '{ hosts: [reviews], http: [{ route: [{ destination: { host: details } }] }] }');
    const older = service('b', ', creationTimestamp: "2020-01-01T00:00:00Z"', '{ hosts: [reviews], http: [{ route: [{ destination: { host: ratings } }] }] }');
    expect(routesOf(compiled([newer, older]), '9080', 'reviews')).toEqual(['outbound|9080||ratings.default.svc.cluster.local']);
  });
  test('exportTo keeps a rule at home', () => {
    expect(routesOf(compiled([service('a', ', namespace: other', "{ hosts: [reviews.default.svc.cluster.local], exportTo: ['.'], http: [{ route: [{ destination: { host: x } }] }] }")]), '9080', 'reviews')).toEqual(['outbound|9080||reviews.default.svc.cluster.local']);
  });
  test('rules for gateways do not reach sidecars', () => {
    expect(routesOf(compiled([service('a', '', '{ hosts: [reviews], gateways: [edge], http: [{ route: [{ destination: { host: x } }] }] }')]), '9080', 'reviews')).toEqual(['outbound|9080||reviews.default.svc.cluster.local']);
  });
  test('a delegate’s rules are narrowed by the root’s match', () => {
    const root = service('root', '', '{ hosts: [reviews], http: [{ match: [{ uri: { prefix: /a } }], delegate: { name: part } }, { route: [{ destination: { host: reviews } }] }] }');
    const part = service('part', '', '{ http: [{ match: [{ uri: { prefix: /a/b } }], route: [{ destination: { host: details } }] }, { match: [{ uri: { prefix: /c } }], route: [{ destination: { host: details } }] }] }');
    const routes = compiled([root, part]).routes.find(({ name }) => name === '9080')?.virtualHosts?.find(({ name }) => name?.startsWith('reviews'))?.routes;
    expect(routes?.map(({ match, route }) => [match?.prefix, route?.cluster])).toEqual([['/a/b', 'outbound|9080||details.default.svc.cluster.local'], ['/', 'outbound|9080||reviews.default.svc.cluster.local']]);
  });
  test('rules for other callers are left out', () => {
    const rule = service('a', '', '{ hosts: [reviews], http: [{ match: [{ sourceLabels: { app: other } }], route: [{ destination: { host: details } }] }, { match: [{ sourceLabels: { app: productpage } }], route: [{ destination: { host: ratings } }] }] }');
    expect(routesOf(compiled([rule]), '9080', 'reviews')).toEqual(['outbound|9080||ratings.default.svc.cluster.local']);
  });
});

describe('ServiceEntries', () => {
  const entry = (spec: string): ProxyConfig => compiled([kind('ServiceEntry', '{ name: api }', `{ hosts: [api.example.com], ports: [{ number: 443, name: tls, protocol: TLS }], ${spec} }`)]);
  test('DNS is resolved by the proxy', () => {
    expect(cluster(entry('resolution: DNS'), 'outbound|443||api.example.com')).toMatchObject({ type: 'STRICT_DNS', loadAssignment: { endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: 'api.example.com', portValue: 443 } } } }] }] } });
  });
  test('without an address, TLS is told apart by server name', () => {
    expect(entry('resolution: DNS').listeners.find(({ name }) => name === '0.0.0.0_443')?.filterChains?.[0]?.filterChainMatch).toEqual({ serverNames: ['api.example.com'] });
  });
  test('no mTLS to the outside', () => {
    expect(cluster(entry('resolution: DNS'), 'outbound|443||api.example.com')?.transportSocketMatches).toBeUndefined();
  });
  test('NONE goes where the caller meant', () => {
    expect(cluster(entry('resolution: NONE'), 'outbound|443||api.example.com')).toMatchObject({ type: 'ORIGINAL_DST', lbPolicy: 'CLUSTER_PROVIDED' });
  });
});

describe('DestinationRules', () => {
  const rule = (spec: string): ProxyConfig => compiled([kind('DestinationRule', '{ name: r }', spec)]);
  test('settings for a port replace all others', () => {
    const config = rule('{ host: reviews, trafficPolicy: { loadBalancer: { simple: RANDOM }, portLevelSettings: [{ port: { number: 9080 }, connectionPool: { tcp: { maxConnections: 7, connectTimeout: 1s } } }] } }');
    expect(cluster(config, 'outbound|9080||reviews.default.svc.cluster.local')).toMatchObject({ lbPolicy: 'LEAST_REQUEST', connectTimeout: '1s', circuitBreakers: { thresholds: [{ maxConnections: 7 }] } });
  });
  test('a subset overrides what it says and inherits the rest', () => {
    const config = rule('{ host: reviews, trafficPolicy: { loadBalancer: { simple: RANDOM }, outlierDetection: { consecutive5xxErrors: 3, interval: 10s } }, subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { loadBalancer: { simple: ROUND_ROBIN } } }] }');
    expect(cluster(config, 'outbound|9080|v1|reviews.default.svc.cluster.local')).toMatchObject({ lbPolicy: 'ROUND_ROBIN', outlierDetection: { consecutive5xx: 3, interval: '10s' } });
  });
  test('a wildcard rules the hosts below it', () => {
    expect(cluster(rule("{ host: '*.default.svc.cluster.local', trafficPolicy: { tls: { mode: DISABLE } } }"), 'outbound|9080||ratings.default.svc.cluster.local')?.transportSocketMatches).toBeUndefined();
  });
});

test('a Sidecar narrows what the proxy knows', () => {
  const sidecar = kind('Sidecar', '{ name: default }', "{ egress: [{ hosts: ['./reviews.default.svc.cluster.local'] }], outboundTrafficPolicy: { mode: REGISTRY_ONLY } }");
  const config = compiled([sidecar]);
  expect(config.clusters.map(({ name }) => name)).toEqual(['outbound|9080||reviews.default.svc.cluster.local', 'inbound|9080||', 'BlackHoleCluster', 'PassthroughCluster', 'InboundPassthroughCluster']);
  expect(config.routes[0]?.virtualHosts?.map(({ name }) => name)).toEqual(['reviews.default.svc.cluster.local:9080', 'block_all']);
});

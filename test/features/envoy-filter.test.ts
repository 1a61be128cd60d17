import { describe, expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { parseManifests, validate } from '../../src/manifest/index.ts';
import type { Cluster, HttpConnectionManager, ProxyConfig } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot, subsets } from '../compile/lab.ts';

const reviews = nodeOf(podOf('reviews'));

function filter(patches: string, more = '', namespace = 'default', name = 'patch'): string {
  return `apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec:\n${more}  configPatches:\n${patches.replace(/^/gm, '  ')}`;
}
const compiled = (...documents: readonly string[]): ProxyConfig => compile(snapshot([bookinfo, subsets, ...documents]), reviews);
const clusterOf = (config: ProxyConfig, name: string): Cluster | undefined => config.clusters.find((cluster) => cluster.name === name);
const ratings = 'outbound|9080||ratings.default.svc.cluster.local';

/** The connection managers of one side, each as the names of its filters. */
function managers(config: ProxyConfig, side: 'inbound' | 'outbound'): readonly HttpConnectionManager[] {
  return config.listeners.filter(({ name }) => (name === 'virtualInbound') === (side === 'inbound')).flatMap(({ filterChains = [], defaultFilterChain }) => [...filterChains, ...(defaultFilterChain === undefined ? [] : [defaultFilterChain])])
    .flatMap(({ filters = [] }) => filters).filter(({ name }) => name === 'envoy.filters.network.http_connection_manager').map(({ typedConfig }) => typedConfig as HttpConnectionManager);
}
const chainsOf = (config: ProxyConfig, side: 'inbound' | 'outbound'): readonly string[] => [...new Set(managers(config, side).map(({ httpFilters = [] }) => httpFilters.map(({ name = '' }) => name.replace('envoy.filters.http.', '')).join(' ')))];

const manager = 'listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager, subFilter: { name: envoy.filters.http.router } } } }';
const limit = (operation: string, context: string, more = ''): string => `- applyTo: HTTP_FILTER
  match: { context: ${context}, ${manager} }
  patch:
    operation: ${operation}
${more}    value:
      name: envoy.filters.http.local_ratelimit
      typed_config:
        "@type": type.googleapis.com/udpa.type.v1.TypedStruct
        type_url: type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
        value: { stat_prefix: http_local_rate_limiter, token_bucket: { max_tokens: 4, tokens_per_fill: 4, fill_interval: 60s } }`;

describe('filters', () => {
  test('are put before the one that is named, on the side that is meant, with their typed struct unpacked', () => {
    const config = compiled(filter(limit('INSERT_BEFORE', 'SIDECAR_INBOUND')));
    expect(chainsOf(config, 'inbound')).toEqual(['fault cors local_ratelimit router']);
    expect(chainsOf(config, 'outbound')).toEqual(chainsOf(compiled(), 'outbound'));
    expect(managers(config, 'inbound')[0]?.httpFilters?.find(({ name }) => name?.endsWith('local_ratelimit'))?.typedConfig).toEqual({
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit', statPrefix: 'http_local_rate_limiter', tokenBucket: { maxTokens: 4, tokensPerFill: 4, fillInterval: '60s' },
    });
  });

  test.each([['INSERT_FIRST', 'local_ratelimit fault cors router'], ['INSERT_AFTER', 'fault cors router local_ratelimit'], ['ADD', 'fault cors local_ratelimit router']])('%s gives %s', (operation, chain) => {
    expect(chainsOf(compiled(filter(limit(operation, 'SIDECAR_INBOUND'))), 'inbound')).toEqual([chain]);
  });

  test('that are not there anchor nothing', () => {
    expect(chainsOf(compiled(filter(limit('INSERT_BEFORE', 'ANY').replaceAll('http.router', 'http.lua'))), 'inbound')).toEqual(['fault cors router']);
  });

  test('are removed and merged by name; a manager takes settings', () => {
    const removed = filter(`- applyTo: HTTP_FILTER\n  match: { context: ANY, ${manager.replaceAll('http.router', 'http.fault')} }\n  patch: { operation: REMOVE }`);
    expect(chainsOf(compiled(removed), 'inbound')).toEqual(['cors router']);
    const merged = filter('- applyTo: NETWORK_FILTER\n  match: { listener: { filterChain: { filter: { name: envoy.filters.network.http_connection_manager } } } }\n  patch: { operation: MERGE, value: { typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, xff_num_trusted_hops: 2, common_http_protocol_options: { idle_timeout: 30s } } } }');
    for (const one of [...managers(compiled(merged), 'inbound'), ...managers(compiled(merged), 'outbound')]) expect(one).toMatchObject({ xffNumTrustedHops: 2, commonHttpProtocolOptions: { idleTimeout: '30s' }, httpFilters: expect.any(Array) as unknown });
  });

  test('that no sidecar runs are refused by name at their line, and the other patches are kept', () => {
    const lua = limit('INSERT_BEFORE', 'ANY').replaceAll('local_ratelimit.v3.LocalRateLimit', 'lua.v3.Lua').replaceAll('local_ratelimit', 'lua');
    const text = filter(`${lua}\n- applyTo: CLUSTER\n  match: { cluster: { service: ratings.default.svc.cluster.local } }\n  patch: { operation: MERGE, value: { connect_timeout: 3s } }`);
    const { resources } = parseManifests([{ path: 'patch.yaml', text }]);
    expect(resources.flatMap(validate)).toMatchObject([{ code: 'WEFT0007', level: 'warning', line: 6, message: expect.stringContaining('lua.v3.Lua') as unknown }]);
    expect(chainsOf(compiled(text), 'inbound')).toEqual(['fault cors router']);
    expect(clusterOf(compiled(text), ratings)?.connectTimeout).toBe('3s');
  });
});

test('fields of a filter that have no effect are named where they stand, plain and in a TypedStruct', () => {
  const local = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
  const patch = (config: string): string => `- applyTo: HTTP_FILTER\n  match: { context: SIDECAR_INBOUND, ${manager} }\n  patch:\n    operation: INSERT_BEFORE\n    value:\n      name: envoy.filters.http.local_ratelimit\n      typed_config:\n${config.replace(/^/gm, '        ')}`;
  const said = (config: string): readonly string[] => parseManifests([{ path: 'filter.yaml', text: filter(patch(config)) }]).resources.flatMap(validate).map(({ code, level, line, message }) => `${level} ${code} ${line} ${message.split(' ')[0]}`);
  expect(said(`'@type': ${local}\nstat_prefix: x\nlocal_rate_limit_per_downstream_connection: true\nvhRateLimits: INCLUDE`)).toEqual(['info WEFT0007 15 local_rate_limit_per_downstream_connection', 'info WEFT0007 16 vhRateLimits']);
  expect(said(`'@type': type.googleapis.com/udpa.type.v1.TypedStruct\ntype_url: ${local}\nvalue:\n  stat_prefix: x\n  max_dynamic_descriptors: 5`)).toEqual(['info WEFT0007 17 max_dynamic_descriptors']);
  expect(said(`'@type': ${local}\nstat_prefix: x\nconstructor: 1`)).toEqual([]);
});

describe('routes', () => {
  const host = (patch: string): string => filter(`- applyTo: VIRTUAL_HOST\n  match: { context: SIDECAR_OUTBOUND, routeConfiguration: { name: "9080", vhost: { name: "ratings.default.svc.cluster.local:9080" } } }\n  patch: ${patch}`);
  const hostsOf = (config: ProxyConfig): readonly { readonly name?: string }[] => config.routes.find(({ name }) => name === '9080')?.virtualHosts ?? [];

  test('virtual hosts are merged, lists appended; others stay as they are', () => {
    const config = compiled(host('{ operation: MERGE, value: { rate_limits: [{ actions: [{ remote_address: {} }] }] } }'));
    expect(hostsOf(config).find(({ name }) => name?.startsWith('ratings'))).toMatchObject({ rateLimits: [{ actions: [{ remoteAddress: {} }] }], routes: [expect.anything()] });
    expect(hostsOf(config).filter((each) => 'rateLimits' in each)).toHaveLength(1);
  });

  test('a route is added first, with the line of its patch', () => {
    const config = compiled(filter('- applyTo: HTTP_ROUTE\n  match: { context: SIDECAR_OUTBOUND, routeConfiguration: { portNumber: 9080, vhost: { name: "ratings.default.svc.cluster.local:9080" } } }\n  patch: { operation: INSERT_FIRST, value: { match: { path: /ping }, direct_response: { status: 200 } } }'));
    const routes = (hostsOf(config).find(({ name }) => name?.startsWith('ratings')) as { routes: { match: object; metadata: { filterMetadata: object } }[] }).routes;
    expect(routes[0]).toMatchObject({ match: { path: '/ping' }, directResponse: { status: 200 }, metadata: { filterMetadata: { 'dev.weft': { kind: 'EnvoyFilter', name: 'patch', line: expect.any(Number) as unknown } } } });
    expect(routes).toHaveLength(2);
  });

  test('the time limit of inbound routes is set', () => {
    const config = compiled(filter('- applyTo: HTTP_ROUTE\n  match: { context: SIDECAR_INBOUND, routeConfiguration: { vhost: { route: { action: ANY } } } }\n  patch: { operation: MERGE, value: { route: { timeout: 2s } } }'));
    const times = managers(config, 'inbound').flatMap(({ routeConfig }) => routeConfig?.virtualHosts ?? []).flatMap(({ routes = [] }) => routes.map(({ route }) => route?.timeout));
    expect(new Set(times)).toEqual(new Set(['2s']));
    expect(times.length).toBeGreaterThan(0);
  });
});

describe('clusters', () => {
  const timeout = (value: string, name: string, { more = '', namespace = 'default', priority = 0 } = {}): string =>
    filter(`- applyTo: CLUSTER\n  match: { context: SIDECAR_OUTBOUND, cluster: { service: ratings.default.svc.cluster.local, portNumber: 9080 } }\n  patch: { operation: MERGE, value: { connect_timeout: ${value} } }`, `${more}  priority: ${priority}\n`, namespace, name);

  test('are patched by service, port and subset only', () => {
    const config = compiled(timeout('3s', 'a'));
    expect(config.clusters.filter(({ connectTimeout }) => connectTimeout === '3s').map(({ name }) => name).sort()).toEqual([ratings, ...config.clusters.filter(({ name }) => name?.endsWith('|ratings.default.svc.cluster.local') && name !== ratings).map(({ name }) => name)].sort());
  });

  test('root namespace first, then priority, then age', () => {
    expect(clusterOf(compiled(timeout('3s', 'a'), timeout('4s', 'b', { namespace: 'istio-system' })), ratings)?.connectTimeout).toBe('3s');
    expect(clusterOf(compiled(timeout('3s', 'a', { priority: 10 }), timeout('4s', 'b')), ratings)?.connectTimeout).toBe('3s');
    expect(clusterOf(compiled(timeout('3s', 'a'), timeout('4s', 'b')), ratings)?.connectTimeout).toBe('4s');
  });

  test('of other workloads, namespaces and versions stay', () => {
    expect(clusterOf(compiled(timeout('3s', 'a', { more: '  workloadSelector: { labels: { app: ratings } }\n' })), ratings)?.connectTimeout).toBe('10s');
    expect(clusterOf(compiled(timeout('3s', 'a', { namespace: 'other' })), ratings)?.connectTimeout).toBe('10s');
    const versioned = (version: string): string => timeout('3s', 'a').replace('context: SIDECAR_OUTBOUND,', `context: SIDECAR_OUTBOUND, proxy: { proxyVersion: '${version}' },`);
    expect(clusterOf(compiled(versioned('^1\\.5.*')), ratings)?.connectTimeout).toBe('10s');
    expect(clusterOf(compiled(versioned('^1\\..*')), ratings)?.connectTimeout).toBe('3s');
  });

  test('are added and removed', () => {
    const config = compiled(filter('- applyTo: CLUSTER\n  patch: { operation: ADD, value: { name: rate_limit_cluster, type: STRICT_DNS, connect_timeout: 10s, lb_policy: ROUND_ROBIN } }\n- applyTo: CLUSTER\n  match: { cluster: { service: ratings.default.svc.cluster.local } }\n  patch: { operation: REMOVE }'));
    expect(clusterOf(config, 'rate_limit_cluster')).toMatchObject({ type: 'STRICT_DNS', connectTimeout: '10s', metadata: expect.anything() as unknown });
    expect(clusterOf(config, ratings)).toBeUndefined();
  });
});

import { describe, expect, test } from 'vitest';
import { compile, defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import type { ProxyConfig } from '../../src/xds/index.ts';
import { nodeOf, pod, snapshot } from './lab.ts';

const kind = (name: string, metadata: string, spec: string): string => `apiVersion: ${name === 'Service' ? 'v1' : 'networking.istio.io/v1'}\nkind: ${name}\nmetadata: ${metadata}\nspec: ${spec}`;
const service = (name: string, namespace = 'shop', more = ''): string => kind('Service', `{ name: ${name}, namespace: ${namespace}${more} }`, `{ selector: { app: ${name} }, ports: [{ name: http, port: 80 }] }`);
const rule = (host: string, to: string, more = '', namespace = 'shop', name = 'rule'): string => kind('VirtualService', `{ name: ${name}, namespace: ${namespace} }`, `{ hosts: [${host}.shop.svc.cluster.local], http: [{ route: [{ destination: { host: ${to}.shop.svc.cluster.local } }] }]${more} }`);
const subsets = (name: string, more: string, namespace = 'shop', host = 'cart.shop.svc.cluster.local'): string => kind('DestinationRule', `{ name: ${name}, namespace: ${namespace} }`, `{ host: ${host}${more} }`);

/** The config of a caller in a namespace, in a mesh with these defaults. */
function from(namespace: string, documents: readonly string[], defaults: unknown = {}): ProxyConfig {
  const caller = pod('caller', 'v1', '10.0.0.9', { namespace });
  return compile({ ...snapshot(documents, [caller]), mesh: meshConfigFrom(defaults, defaultMeshConfig) }, nodeOf(caller));
}
const clusterOf = (config: ProxyConfig, host: string): string | undefined => config.routes.find(({ name }) => name === '80')?.virtualHosts?.find(({ domains }) => domains?.includes(`${host}.shop.svc.cluster.local`) === true)?.routes?.[0]?.route?.cluster;
const to = (host: string): string => `outbound|80||${host}.shop.svc.cluster.local`;
const both = [service('cart'), service('stock')];

describe('exportTo', () => {
  test.each<[string, string, string, unknown, 'stock' | 'cart']>([
    ['a rule is for everybody', 'away', '', {}, 'stock'],
    ['“.” is its own namespace', 'away', ', exportTo: ["."]', {}, 'cart'],
    ['“.” is its own namespace, which has it', 'shop', ', exportTo: ["."]', {}, 'stock'],
    ['a name is that namespace', 'away', ', exportTo: [away]', {}, 'stock'],
    ['a name is no other namespace', 'other', ', exportTo: [away]', {}, 'cart'],
    ['the mesh’s default holds for a rule that says nothing', 'away', '', { defaultVirtualServiceExportTo: ['.'] }, 'cart'],
    ['the mesh’s default is for its own namespace too', 'shop', '', { defaultVirtualServiceExportTo: ['.'] }, 'stock'],
    ['a rule’s own word goes before the default', 'away', ', exportTo: ["*"]', { defaultVirtualServiceExportTo: ['.'] }, 'stock'],
  ])('of a VirtualService: %s (%s)', (_what, namespace, more, defaults, wanted) => {
    expect(clusterOf(from(namespace, [...both, rule('cart', 'stock', more)], defaults), 'cart')).toBe(to(wanted));
  });

  test.each<[string, string, string, unknown, boolean]>([
    ['everybody', 'away', '', {}, true],
    ['the default “.”, from elsewhere', 'away', '', { defaultServiceExportTo: ['.'] }, false],
    ['the default “.”, at home', 'shop', '', { defaultServiceExportTo: ['.'] }, true],
    ['the default “~”', 'shop', '', { defaultServiceExportTo: ['~'] }, false],
    ['its own annotation before the default', 'away', ', annotations: { networking.istio.io/exportTo: "*" }', { defaultServiceExportTo: ['.'] }, true],
    ['“~” of its own', 'shop', ', annotations: { networking.istio.io/exportTo: "~" }', {}, false],
    ['names, of which this is one', 'away', ', annotations: { networking.istio.io/exportTo: "., away" }', {}, true],
  ])('of a Service: %s', (_what, namespace, more, defaults, seen) => {
    const { clusters } = from(namespace, [service('cart', 'shop', more)], defaults);
    expect(clusters.some(({ name }) => name === to('cart'))).toBe(seen);
  });

  test.each<[string, string, unknown, boolean]>([['away', '', { defaultServiceExportTo: ['.'] }, false], ['shop', '', { defaultServiceExportTo: ['.'] }, true], ['away', ', exportTo: ["*"]', { defaultServiceExportTo: ['.'] }, true]])('of a ServiceEntry, from %s%s', (namespace, more, defaults, seen) => {
    const entry = kind('ServiceEntry', '{ name: api, namespace: shop }', `{ hosts: [api.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS${more} }`);
    expect(from(namespace, [entry], defaults).clusters.some(({ name }) => name === 'outbound|80||api.example.com')).toBe(seen);
  });

  test.each<[string, string, unknown, boolean]>([['away', '', {}, true], ['away', '', { defaultDestinationRuleExportTo: ['.'] }, false], ['shop', '', { defaultDestinationRuleExportTo: ['.'] }, true], ['away', ', exportTo: ["*"]', { defaultDestinationRuleExportTo: ['.'] }, true]])('of a DestinationRule, from %s%s', (namespace, more, defaults, seen) => {
    const { clusters } = from(namespace, [service('cart'), subsets('cart', `, subsets: [{ name: v1, labels: { version: v1 } }]${more}`)], defaults);
    expect(clusters.some(({ name }) => name === 'outbound|80|v1|cart.shop.svc.cluster.local')).toBe(seen);
  });

  test.each<[string, string, unknown, boolean]>([
    ['for everybody', '', {}, true], ['at home only', ', exportTo: ["."]', {}, false], ['for the root’s namespace', ', exportTo: [shop]', {}, true], ['by the mesh’s default', '', { defaultVirtualServiceExportTo: ['.'] }, false],
  ])('of a delegate %s', (_what, more, defaults, taken) => {
    const root = kind('VirtualService', '{ name: root, namespace: shop }', '{ hosts: [cart], exportTo: ["*"], http: [{ delegate: { name: part, namespace: parts } }, { route: [{ destination: { host: cart } }] }] }');
    const part = kind('VirtualService', '{ name: part, namespace: parts }', `{ http: [{ route: [{ destination: { host: stock.shop.svc.cluster.local } }] }]${more} }`);
    expect(clusterOf(from('shop', [...both, root, part], defaults), 'cart')).toBe(to(taken ? 'stock' : 'cart'));
  });
});

describe('several DestinationRules of a host', () => {
  const named = (config: ProxyConfig): readonly string[] => config.clusters.map(({ name = '' }) => name).filter((name) => name.endsWith('cart.shop.svc.cluster.local')).map((name) => name.split('|')[2] ?? '');
  const one = (name: string, more = ''): string => subsets(name, `, subsets: [{ name: ${name}, labels: { version: ${name} } }]${more}`);

  test('are put together, each subset once', () => {
    expect(named(from('away', [service('cart'), one('v1'), one('v2'), one('v1').replace('name: v1, namespace', 'name: again, namespace')]))).toEqual(['', 'v1', 'v2']);
  });

  test.each<[string, readonly string[]]>([['shop', ['', 'v1', 'v2']], ['away', ['', 'v2', 'v3']], ['other', ['', 'v2']]])('that are exported to different namespaces: %s sees its own', (namespace, wanted) => {
    expect(named(from(namespace, [service('cart'), one('v1', ', exportTo: ["."]'), one('v2'), one('v3', ', exportTo: [away]')]))).toEqual(wanted);
  });

  test('count in the caller’s namespace first, then the service’s, then the root’s', () => {
    const max = (namespace: string, count: number): string => subsets('max', `, trafficPolicy: { connectionPool: { tcp: { maxConnections: ${count} } } }`, namespace);
    const limit = (documents: readonly string[]): unknown => from('away', [service('cart'), ...documents]).clusters.find(({ name }) => name === to('cart'))?.circuitBreakers?.thresholds?.[0]?.maxConnections;
    expect(limit([max('istio-system', 3), max('shop', 2), max('away', 1), max('other', 4)])).toBe(1);
    expect(limit([max('istio-system', 3), max('shop', 2), max('other', 4)])).toBe(2);
    expect(limit([max('istio-system', 3), max('other', 4)])).toBe(3);
    expect(limit([max('other', 4)])).not.toBe(4);
  });

  test('a whole name goes before a wildcard, and the longer wildcard before the shorter', () => {
    const mode = (documents: readonly string[]): unknown => from('shop', [service('cart'), ...documents]).clusters.find(({ name }) => name === to('cart'))?.lbPolicy;
    const by = (name: string, host: string, simple: string): string => subsets(name, `, trafficPolicy: { loadBalancer: { simple: ${simple} } }`, 'shop', host);
    expect(mode([by('a', '"*.local"', 'RANDOM'), by('b', 'cart', 'ROUND_ROBIN')])).toBe('ROUND_ROBIN');
    expect(mode([by('a', '"*.local"', 'RANDOM'), by('b', '"*.shop.svc.cluster.local"', 'ROUND_ROBIN')])).toBe('ROUND_ROBIN');
  });

  test('one with a selector for the caller goes before one without, and for no other caller', () => {
    const by = (simple: string, more = ''): string => subsets(simple.toLowerCase().replace('_', '-'), `, trafficPolicy: { loadBalancer: { simple: ${simple} } }${more}`);
    const policy = (app: string): unknown => from('shop', [service('cart'), by('RANDOM'), by('ROUND_ROBIN', `, workloadSelector: { matchLabels: { app: ${app} } }`)]).clusters.find(({ name }) => name === to('cart'))?.lbPolicy;
    expect(policy('caller')).toBe('ROUND_ROBIN');
    expect(policy('another')).toBe('RANDOM');
  });
});

describe('a subset’s settings for a port', () => {
  const policyOf = (own: string): ProxyConfig['clusters'][number] | undefined => from('shop', [service('cart'), subsets('cart', `, trafficPolicy: { loadBalancer: { simple: RANDOM }, connectionPool: { tcp: { maxConnections: 5 } } }, subsets: [{ name: v1, labels: { version: v1 }, trafficPolicy: { ${own} } }]`)]).clusters.find(({ name }) => name === 'outbound|80|v1|cart.shop.svc.cluster.local');
  test('replace all others, as those of the whole host do', () => {
    const cluster = policyOf('connectionPool: { tcp: { maxConnections: 7 } }, portLevelSettings: [{ port: { number: 80 }, loadBalancer: { simple: ROUND_ROBIN } }]');
    expect(cluster?.lbPolicy).toBe('ROUND_ROBIN');
    expect(cluster?.circuitBreakers?.thresholds?.[0]?.maxConnections).not.toBe(7);
    expect(cluster?.circuitBreakers?.thresholds?.[0]?.maxConnections).not.toBe(5);
  });
  test('of another port change nothing', () => {
    expect(policyOf('connectionPool: { tcp: { maxConnections: 7 } }, portLevelSettings: [{ port: { number: 81 }, loadBalancer: { simple: ROUND_ROBIN } }]')).toMatchObject({ lbPolicy: 'RANDOM', circuitBreakers: { thresholds: [{ maxConnections: 7 }] } });
  });
});

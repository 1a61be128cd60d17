import { expect, test } from 'vitest';
import { compile, defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import type { HttpConnectionManager } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot } from './lab.ts';

const proxyConfig = (name: string, namespace: string, value: string, selector: object = {}): string =>
  JSON.stringify({ apiVersion: 'networking.istio.io/v1beta1', kind: 'ProxyConfig', metadata: { name, namespace }, spec: { ...selector, environmentVariables: { ISTIO_META_HTTP10: value } } });

function compiled(defaultConfig: unknown, files: readonly string[] = [], annotations: Readonly<Record<string, string>> = {}) {
  const { listeners } = compile({ ...snapshot([bookinfo, ...files]), mesh: meshConfigFrom({ defaultConfig }, defaultMeshConfig) }, { ...nodeOf(podOf('reviews')), annotations });
  const chains = listeners.flatMap(({ name, filterChains = [] }) => filterChains.map((chain) => ({ listener: name, chain })));
  const managers = chains.flatMap(({ chain }) => chain.filters ?? []).filter(({ name }) => name?.endsWith('http_connection_manager'));
  return {
    accepts: [...new Set(managers.map(({ typedConfig }) => (typedConfig as HttpConnectionManager | undefined)?.httpProtocolOptions?.acceptHttp10 === true))],
    outbound: chains.find(({ listener }) => listener === '0.0.0.0_9080')?.chain.filterChainMatch?.applicationProtocols,
  };
}

test.each([
  ['passes outbound ports as it is and is refused elsewhere, by default', {}, [false], ['http/1.1', 'h2c']],
  ['is taken everywhere where the mesh says so', { proxyMetadata: { ISTIO_META_HTTP10: '1' } }, [true], ['http/1.0', 'http/1.1', 'h2c']],
] as const)('HTTP/1.0 %s', (_, defaultConfig, accepts, outbound) => {
  expect(compiled(defaultConfig)).toEqual({ accepts, outbound });
});

const everywhere = { proxyMetadata: { ISTIO_META_HTTP10: '1' } };
const own = (value: string): Readonly<Record<string, string>> => ({ 'proxy.istio.io/config': `proxyMetadata:\n  ISTIO_META_HTTP10: "${value}"\n` });

test.each([
  ['by the pod’s annotation', {}, [], own('1'), true],
  ['not by an annotation against the mesh', everywhere, [], own('0'), false],
  ['by a ProxyConfig of its labels', {}, [proxyConfig('own', 'default', '1', { selector: { matchLabels: { app: 'reviews' } } })], {}, true],
  ['not by a ProxyConfig of other labels', {}, [proxyConfig('own', 'default', '1', { selector: { matchLabels: { app: 'ratings' } } })], {}, false],
  ['by the ProxyConfig of its namespace, over that of the mesh', {}, [proxyConfig('near', 'default', '1'), proxyConfig('far', 'istio-system', '0')], {}, true],
  ['by its annotation, over its ProxyConfig', {}, [proxyConfig('own', 'default', '0', { selector: { matchLabels: { app: 'reviews' } } })], own('1'), true],
  ['as the mesh says where an annotation is no YAML', everywhere, [], { 'proxy.istio.io/config': '{' }, true],
] as const)('HTTP/1.0 is taken by one proxy %s', (_, mesh, files, annotations, takes) => {
  expect(compiled(mesh, files, annotations)).toEqual({ accepts: [takes], outbound: takes ? ['http/1.0', 'http/1.1', 'h2c'] : ['http/1.1', 'h2c'] });
});

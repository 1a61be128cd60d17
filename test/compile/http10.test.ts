import { expect, test } from 'vitest';
import { compile, defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import type { HttpConnectionManager } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot } from './lab.ts';

function compiled(defaultConfig: unknown) {
  const { listeners } = compile({ ...snapshot([bookinfo]), mesh: meshConfigFrom({ defaultConfig }, defaultMeshConfig) }, nodeOf(podOf('reviews')));
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

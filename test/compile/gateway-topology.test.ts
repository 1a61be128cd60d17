import { expect, test } from 'vitest';
import { compile, defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import type { HttpConnectionManager } from '../../src/xds/index.ts';
import { bookinfo, nodeOf, podOf, snapshot } from './lab.ts';

const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }`;

/** Trusted hops of the managers of a proxy, in a mesh with this defaultConfig. */
function hops(defaultConfig: unknown, app = 'istio-ingressgateway', annotation?: string): readonly (number | undefined)[] {
  const pod = podOf(app);
  const mesh = meshConfigFrom({ defaultConfig }, defaultMeshConfig);
  const node = nodeOf({ ...pod, annotations: annotation === undefined ? {} : { 'proxy.istio.io/config': annotation } }, app === 'istio-ingressgateway' ? 'router' : 'sidecar');
  const filters = compile({ ...snapshot([bookinfo, gateway]), mesh }, node).listeners.flatMap(({ filterChains = [] }) => filterChains).flatMap(({ filters: chain = [] }) => chain);
  return [...new Set(filters.filter(({ name }) => name?.endsWith('http_connection_manager')).map(({ typedConfig }) => (typedConfig as HttpConnectionManager | undefined)?.xffNumTrustedHops))];
}

test.each([
  ['nothing is said', {}, undefined, undefined],
  ['the mesh trusts two', { gatewayTopology: { numTrustedProxies: 2 } }, undefined, 2],
  ['the gateway’s own annotation counts before', { gatewayTopology: { numTrustedProxies: 2 } }, 'gatewayTopology: { numTrustedProxies: 1 }', 1],
  ['an annotation about something else changes nothing', { gatewayTopology: { numTrustedProxies: 2 } }, 'concurrency: 2', 2],
  ['what is no count is not taken', { gatewayTopology: { numTrustedProxies: 'all' } }, undefined, undefined],
] as const)('a gateway believes the proxies in front of it: %s', (_, defaultConfig, annotation, expected) => {
  expect(hops(defaultConfig, 'istio-ingressgateway', annotation)).toEqual([expected]);
});

test('sidecars are not at the edge', () => {
  expect(hops({ gatewayTopology: { numTrustedProxies: 2 } }, 'reviews')).toEqual([undefined]);
});

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

const listeners = (defaultConfig: unknown, app = 'istio-ingressgateway'): ReturnType<typeof compile>['listeners'] => {
  const mesh = meshConfigFrom({ defaultConfig }, defaultMeshConfig);
  return compile({ ...snapshot([bookinfo, gateway]), mesh }, nodeOf(podOf(app), app === 'istio-ingressgateway' ? 'router' : 'sidecar')).listeners;
};
const modes = (given: ReturnType<typeof listeners>): readonly string[] => [...new Set(given.flatMap(({ filterChains = [] }) => filterChains).flatMap(({ filters = [] }) => filters).flatMap(({ typedConfig }) => (typedConfig as HttpConnectionManager | undefined)?.forwardClientCertDetails ?? []))];

test.each([[undefined, 'SANITIZE_SET'], ['UNDEFINED', 'SANITIZE_SET'], ['FORWARD_ONLY', 'FORWARD_ONLY'], ['ALWAYS_FORWARD_ONLY', 'ALWAYS_FORWARD_ONLY']])('a gateway told %s of client certificates does %s; sidecars do as ever', (forwardClientCertDetails, expected) => {
  const topology = { gatewayTopology: { forwardClientCertDetails } };
  expect(modes(listeners(topology))).toEqual([expected]);
  expect(modes(listeners(topology, 'reviews'))).toEqual(modes(listeners({}, 'reviews')));
});

test('a gateway behind a proxy that speaks the PROXY protocol expects its header on each listener, sidecars never do', () => {
  const expecting = (given: ReturnType<typeof listeners>): readonly boolean[] => given.map(({ listenerFilters = [] }) => listenerFilters.some(({ name }) => name === 'envoy.filters.listener.proxy_protocol'));
  const topology = { gatewayTopology: { proxyProtocol: {} } };
  expect(expecting(listeners(topology))).toEqual([true]);
  expect(expecting(listeners({}))).toEqual([false]);
  expect(expecting(listeners(topology, 'reviews'))).not.toContain(true);
});

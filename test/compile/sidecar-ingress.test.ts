import { expect, test } from 'vitest';
import { compile } from '../../src/compile/index.ts';
import { nodeOf, pod, snapshot } from './lab.ts';

const httpbin = pod('httpbin', 'v1', '10.0.0.9', { ports: [{ port: 80, protocol: 'TCP' }] });
const service = `apiVersion: v1
kind: Service
metadata: { name: httpbin }
spec: { selector: { app: httpbin }, ports: [{ name: https, port: 8443, targetPort: 9080 }, { name: http, port: 8080, targetPort: 9090 }] }`;
const peers = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: httpbin }
spec: { selector: { matchLabels: { app: httpbin } }, mtls: { mode: STRICT }, portLevelMtls: { 9080: { mode: DISABLE } } }`;
const sidecar = (endpoint: string): string => `apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: ingress }
spec:
  workloadSelector: { labels: { app: httpbin } }
  ingress:
  - { port: { number: 9080, protocol: HTTPS, name: external }, bind: 0.0.0.0, defaultEndpoint: '${endpoint}', tls: { mode: SIMPLE, privateKey: /certs/tls.key, serverCertificate: /certs/tls.crt } }
  - { port: { number: 9090, protocol: HTTP, name: internal }, bind: 0.0.0.0, defaultEndpoint: '${endpoint}' }`;

const config = (endpoint: string, withoutKubeProxy = false): ReturnType<typeof compile> => compile({ ...snapshot([service, peers, sidecar(endpoint)], [httpbin]), withoutKubeProxy }, nodeOf(httpbin));
const address = (config: ReturnType<typeof compile>, name: string): unknown => config.clusters.find((cluster) => cluster.name === name)?.loadAssignment?.endpoints?.[0]?.lbEndpoints?.[0]?.endpoint?.address?.socketAddress;
const chains = (config: ReturnType<typeof compile>, port: number): readonly { readonly tls: boolean; readonly filter: string | undefined }[] =>
  (config.listeners.find(({ name }) => name === 'virtualInbound')?.filterChains ?? []).filter(({ filterChainMatch }) => filterChainMatch?.destinationPort === port).map(({ transportSocket, filters = [] }) => ({ tls: transportSocket !== undefined, filter: filters.at(-1)?.name }));

test.each([['0.0.0.0:80', '10.0.0.9', '127.0.0.6'], ['127.0.0.1:80', '127.0.0.1', undefined]])('what a listener of a Sidecar takes goes to %s, past the capture of the pod', (endpoint, host, from) => {
  for (const port of [9080, 9090]) {
    expect(address(config(endpoint), `inbound|${port}||`)).toEqual({ address: host, portValue: 80 });
    expect(config(endpoint).clusters.find(({ name }) => name === `inbound|${port}||`)?.upstreamBindConfig?.sourceAddress?.address).toBe(from);
  }
});

test('a server at the port of the listener itself is found as the connection was meant', () => {
  expect(config('0.0.0.0:9090').clusters.find(({ name }) => name === 'inbound|9090||')?.type).toBe('ORIGINAL_DST');
});

test('HTTPS that the sidecar terminates is HTTP from there on', () => {
  expect(chains(config('0.0.0.0:80'), 9080)).toEqual([{ tls: true, filter: 'envoy.filters.network.http_connection_manager' }]);
});

test('callers without a sidecar, whom no kube-proxy translates ports for, reach the same by the Service’s port', () => {
  const lab = config('0.0.0.0:80', true);
  expect(chains(lab, 8443)).toEqual([{ tls: true, filter: 'envoy.filters.network.http_connection_manager' }]);
  expect(chains(lab, 8080).every(({ tls }) => tls)).toBe(true);
  for (const port of [8443, 8080]) expect(address(lab, `inbound|${port}||`)).toEqual({ address: '10.0.0.9', portValue: 80 });
  expect(chains(config('0.0.0.0:80'), 8443)).toEqual([]);
});

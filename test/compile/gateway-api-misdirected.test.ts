import { describe, expect, it } from 'vitest';
import { compileFor, prepareSnapshot, type PodInfo } from '../../src/compile/index.ts';
import { makeCa } from '../fakes/ca.ts';
import { exchange } from '../peer/gateway-api-exchange.ts';
import { nodeOf, pod, snapshot } from './lab.ts';

const { certificate, key } = await (await makeCa()).issue({ dns: ['example.com'] });
const secret = JSON.stringify({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: 'cert' }, stringData: { 'tls.crt': certificate, 'tls.key': key } });
const service = 'apiVersion: v1\nkind: Service\nmetadata: { name: echo }\nspec: { selector: { app: echo }, ports: [{ name: http, port: 80 }] }';
const route = 'apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: all }\nspec: { parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: echo, port: 80 }] }] }';
const named = (host: string): string => `apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: named }\nspec: { parentRefs: [{ name: web }], hostnames: ['${host}'], rules: [{ backendRefs: [{ name: echo, port: 80 }] }] }`;
const gateway = (hosts: readonly string[]): string => JSON.stringify({
  apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'web' },
  spec: { gatewayClassName: 'istio', listeners: hosts.map((hostname, at) => ({ name: `l${at}`, port: 443, protocol: 'HTTPS', ...(hostname === '' ? {} : { hostname }), tls: { certificateRefs: [{ name: 'cert' }] } })) },
});
const proxy: PodInfo = pod('web', 'v1', '10.0.0.20', { labels: { 'gateway.networking.k8s.io/gateway-name': 'web' } });

/** The status of a request for `authority` on a connection whose handshake named `serverName`. */
function status(documents: readonly string[], serverName: string, authority: string): number {
  const mesh = snapshot([secret, service, ...documents], [pod('echo', 'v1', '10.0.0.9', { sidecar: false }), proxy]);
  return exchange(compileFor(prepareSnapshot(mesh), nodeOf(proxy, 'router')), mesh, { localPort: 443, ip: proxy.ip, port: 443, secure: true, serverName, certified: true, method: 'GET', path: '/', authority, headers: {}, random: 0.5 }).status;
}

describe('a request on a connection of another HTTPS listener', () => {
  const hosts = ['a.example.com', 'b.example.com', '*.example.com', '*.example.org'];
  it.each([
    ['a.example.com', 'a.example.com', 200], ['a.example.com', 'b.example.com', 421], ['a.example.com', 'c.example.com', 421], ['a.example.com', 'x.example.org', 421],
    ['a.example.com', 'nobody.test', 404], ['c.example.com', 'd.example.com', 200], ['c.example.com', 'a.example.com', 421], ['c.example.com', 'a.example.com:443', 421], ['x.example.org', 'y.example.org', 200], ['x.example.org', 'a.example.com', 421],
  ])('from %s for %s gets %d', (serverName, authority, expected) => {
    expect(status([route, gateway(hosts)], serverName, authority)).toBe(expected);
  });

  it('belongs to the most specific listener, even where a route names its host', () => {
    expect(status([named('x.deep.example.com'), gateway(['*.example.com', '*.deep.example.com'])], 'c.example.com', 'x.deep.example.com')).toBe(421);
    expect(status([named('x.deep.example.com'), gateway(['*.example.com', '*.deep.example.com'])], 'x.deep.example.com', 'x.deep.example.com')).toBe(200);
  });

  it('for a host that only a listener for all has', () => {
    expect(status([route, gateway(['a.example.com', ''])], 'a.example.com', 'other.test')).toBe(421);
    expect(status([route, gateway(['a.example.com', ''])], 'other.test', 'other.test')).toBe(200);
    expect(status([route, gateway(['a.example.com', ''])], 'other.test', 'a.example.com')).toBe(421);
    expect(status([gateway(['a.example.com', ''])], 'a.example.com', 'other.test')).toBe(421);
  });

  it('is nothing special where there is one listener', () => {
    expect(status([route, gateway(['a.example.com'])], 'a.example.com', 'b.example.com')).toBe(404);
  });
});

import { describe, expect, it } from 'vitest';
import { compileFor, gatewayStatus, prepareSnapshot, simulate, type MeshSnapshot, type PodInfo } from '../../src/compile/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import type { DownstreamTlsContext, ProxyConfig } from '../../src/xds/index.ts';
import { exchange, type Arrival, type Exchanged } from '../peer/gateway-api-exchange.ts';
import { nodeOf, pod, snapshot } from './lab.ts';

const api = 'gateway.networking.k8s.io/v1';
const yaml = (kind: string, name: string, spec: string, metadata = '', namespace = 'infra'): string => `apiVersion: ${kind === 'Service' ? 'v1' : kind === 'ServiceEntry' ? 'networking.istio.io/v1' : api}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: ${namespace}${metadata} }\nspec: ${spec}`;
const gateway = (listeners: string): string => yaml('Gateway', 'web', `{ gatewayClassName: istio, listeners: [${listeners}] }`);
const route = (name: string, spec: string, metadata = '', kind = 'HTTPRoute'): string => yaml(kind, name, `{ parentRefs: [{ name: web }], ${spec} }`, metadata);
const service = (name: string, namespace = 'infra', port = '{ name: http, port: 80 }'): string => yaml('Service', name, `{ selector: { app: ${name} }, ports: [${port}] }`, '', namespace);
const to = (name: string, more = ''): string => `{ backendRefs: [{ name: ${name}, port: 80 }]${more} }`;
const http = '{ name: http, port: 80, protocol: HTTP }';

const backends = ['a', 'b', 'c'].map((name, at) => pod(name, 'v1', `10.0.0.${at + 1}`, { namespace: 'infra', sidecar: false }));
const proxy: PodInfo = pod('web', 'v1', '10.0.0.20', { namespace: 'infra', labels: { 'gateway.networking.k8s.io/gateway-name': 'web' } });
const caller: PodInfo = pod('caller', 'v1', '10.0.0.30', { namespace: 'infra' });
const base = ['a', 'b', 'c'].map((name) => service(name));

const meshOf = (documents: readonly string[]): MeshSnapshot => snapshot([...base, ...documents], [...backends, proxy, caller]);
const configOf = (documents: readonly string[], of = proxy): ProxyConfig => compileFor(prepareSnapshot(meshOf(documents)), nodeOf(of, of === proxy ? 'router' : 'sidecar'));
function send(documents: readonly string[], path: string, more: Partial<Arrival> = {}): Exchanged {
  return exchange(configOf(documents), meshOf(documents), { localPort: 80, ip: proxy.ip, port: 80, secure: false, serverName: '', certified: true, method: 'GET', path, authority: 'example.org', headers: {}, random: 0, ...more });
}
const taker = (documents: readonly string[], path: string, more: Partial<Arrival> = {}): string => { const { status, backend } = send(documents, path, more); return backend?.name.slice(0, 1) ?? String(status); };
interface Conditions { readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[] }
const statusOf = (documents: readonly string[], kind: string): Readonly<Record<string, unknown>> => gatewayStatus(meshOf(documents)).find(({ resource }) => resource.kind === kind)?.status ?? {};

describe('of several routes that match', () => {
  const at = (time: string): string => `, creationTimestamp: "${time}"`;
  it.each<[string, readonly string[], string, Partial<Arrival>, string]>([
    ['an exact path goes before the longest prefix', [route('x', `rules: [${to('a', ', matches: [{ path: { value: /one/two } }]')}]`), route('w', `rules: [${to('b', ', matches: [{ path: { type: Exact, value: /one/two } }]')}]`)], '/one/two', {}, 'b'],
    ['the longer prefix goes before a method', [route('x', `rules: [${to('a', ', matches: [{ path: { value: /one }, method: GET }]')}]`), route('w', `rules: [${to('b', ', matches: [{ path: { value: /one/two } }]')}]`)], '/one/two', {}, 'b'],
    ['a method goes before headers', [route('x', `rules: [${to('a', ', matches: [{ headers: [{ name: v, value: "1" }, { name: w, value: "1" }] }]')}]`), route('w', `rules: [${to('b', ', matches: [{ method: GET }]')}]`)], '/', { headers: { v: '1', w: '1' } }, 'b'],
    ['more headers go before more parameters', [route('x', `rules: [${to('a', ', matches: [{ queryParams: [{ name: q, value: "1" }, { name: r, value: "1" }] }]')}]`), route('w', `rules: [${to('b', ', matches: [{ headers: [{ name: v, value: "1" }] }]')}]`)], '/?q=1&r=1', { headers: { v: '1' } }, 'b'],
    ['more parameters go before fewer', [route('x', `rules: [${to('a', ', matches: [{ queryParams: [{ name: q, value: "1" }] }]')}]`), route('w', `rules: [${to('b', ', matches: [{ queryParams: [{ name: q, value: "1" }, { name: r, value: "1" }] }]')}]`)], '/?q=1&r=1', {}, 'b'],
    ['the older goes first', [route('x', `rules: [${to('a')}]`, at('2025-01-02T00:00:00Z')), route('w', `rules: [${to('b')}]`, at('2025-01-01T00:00:00Z'))], '/', {}, 'b'],
    ['of the same age, the one whose name comes first', [route('x', `rules: [${to('a')}]`, at('2025-01-01T00:00:00Z')), route('w', `rules: [${to('b')}]`, at('2025-01-01T00:00:00Z'))], '/', {}, 'b'],
    ['in one route, the rule that stands first', [route('x', `rules: [${to('a')}, ${to('b')}]`)], '/', {}, 'a'],
    ['an empty list of matches is every request', [route('x', `rules: [${to('c', ', matches: []')}]`)], '/any', {}, 'c'],
  ])('%s', (_what, documents, path, more, wanted) => {
    expect(taker([gateway(http), ...documents], path, more)).toBe(wanted);
  });

  it('an empty list of a GRPCRoute is every call', () => {
    expect(taker([gateway(http), route('x', `rules: [${to('c', ', matches: []')}]`, '', 'GRPCRoute')], '/any.Service/Call', { method: 'POST' })).toBe('c');
  });
});

describe('statuses', () => {
  it('count only routes that are accepted', () => {
    const count = (spec: string): unknown => (statusOf([gateway(http), route('x', spec)], 'Gateway')['listeners'] as readonly { readonly attachedRoutes: number }[])[0]?.attachedRoutes;
    expect(count(`rules: [${to('a')}]`)).toBe(1);
    expect(count('rules: [{ backendRefs: [{ name: gone, port: 80 }] }]')).toBe(1);
    expect(count(`rules: [${to('a', ', filters: [{ type: ExtensionRef, extensionRef: { group: a.io, kind: B, name: c } }]')}]`)).toBe(0);
    expect(count(`parentRefs: [{ name: web, sectionName: gone }], rules: [${to('a')}]`)).toBe(0);
  });

  it('of a class name what is run, in alphabetical order', () => {
    const { supportedFeatures } = statusOf([yaml('GatewayClass', 'mine', '{ controllerName: istio.io/gateway-controller }')], 'GatewayClass') as { readonly supportedFeatures: readonly { readonly name: string }[] };
    const names = supportedFeatures.map(({ name }) => name);
    expect(names).toEqual([...names].sort());
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(['BackendTLSPolicy', 'GRPCRoute', 'Gateway', 'HTTPRoute', 'Mesh', 'ReferenceGrant', 'TLSRoute']));
  });

  it('repeat the generation that they are about', () => {
    const documents = [gateway(http), route('x', `rules: [${to('a')}]`, ', generation: 7')];
    expect((statusOf(documents, 'HTTPRoute')['parents'] as readonly Conditions[]).flatMap(({ conditions }) => conditions)).toEqual([expect.objectContaining({ observedGeneration: 7 }), expect.objectContaining({ observedGeneration: 7 })]);
  });
});

describe('TLSRoutes', () => {
  const pem = (what: string): string => `-----BEGIN ${what}-----`;
  const secret = `apiVersion: v1\nkind: Secret\nmetadata: { name: own, namespace: infra }\nstringData: { tls.crt: "${pem('CERTIFICATE')}", tls.key: "${pem('PRIVATE KEY')}" }`;
  const tls = (name: string, host: string, backend: string): string => route(name, `hostnames: [${host}], rules: [${to(backend)}]`, '', 'TLSRoute');
  const clusterFor = (documents: readonly string[], serverName: string): string | undefined => simulate(configOf(documents), {
    localPort: 443, destinationIp: proxy.ip, destinationPort: 443, sourceIp: '9.9.9.9', protocol: 'tcp', tls: 'tls', alpn: [], serverName, request: { method: 'GET', path: '/', authority: serverName, scheme: 'https', header: () => undefined },
  }).cluster;

  it.each(['Passthrough', 'Terminate'])('of one listener each take their own hosts: %s', (mode) => {
    const documents = [secret, gateway(`{ name: tls, port: 443, protocol: TLS, tls: { mode: ${mode}${mode === 'Terminate' ? ', certificateRefs: [{ name: own }]' : ''} } }`), tls('x', 'a.example.com', 'a'), tls('w', 'b.example.com', 'b'), tls('z', 'b.example.com', 'c')];
    expect(clusterFor(documents, 'a.example.com')).toBe('outbound|80||a.infra.svc.cluster.local');
    expect(clusterFor(documents, 'b.example.com')).toBe('outbound|80||b.infra.svc.cluster.local');
    expect(clusterFor(documents, 'c.example.com')).toBeUndefined();
  });

  it('for a Service hold in the mesh, by server name', () => {
    const documents = [service('secure', 'infra', '{ name: tls, port: 443 }'), yaml('TLSRoute', 'mesh', `{ parentRefs: [{ group: "", kind: Service, name: secure, port: 443 }], hostnames: [a.example.com], rules: [${to('a')}] }`)];
    const chains = configOf(documents, caller).listeners.find(({ name }) => name?.endsWith('_443'))?.filterChains ?? [];
    expect(chains.map(({ filterChainMatch, filters }) => [filterChainMatch?.serverNames, (filters?.at(-1)?.typedConfig as { readonly cluster?: string } | undefined)?.cluster])).toContainEqual([['a.example.com'], 'outbound|80||a.infra.svc.cluster.local']);
  });
});

describe('routes for a ServiceEntry', () => {
  const entry = yaml('ServiceEntry', 'api', '{ hosts: [api.example.com, api2.example.com], ports: [{ number: 80, name: http, protocol: HTTP }], resolution: DNS }');
  const mesh = (more = ''): string => yaml('HTTPRoute', 'mesh', `{ parentRefs: [{ group: networking.istio.io, kind: ServiceEntry, name: api${more} }], rules: [${to('a')}] }`);
  const clusters = (documents: readonly string[], host: string): readonly (string | undefined)[] => configOf(documents, caller).routes.filter(({ name }) => name === '80').flatMap(({ virtualHosts = [] }) => virtualHosts.filter(({ domains }) => domains?.includes(host)).flatMap(({ routes = [] }) => routes.map((one) => one.route?.cluster)));
  it('hold for all of its hosts', () => {
    for (const host of ['api.example.com', 'api2.example.com']) expect(clusters([entry, mesh(', port: 80')], host)).toEqual(['outbound|80||a.infra.svc.cluster.local']);
    expect((statusOf([entry, mesh()], 'HTTPRoute')['parents'] as readonly Conditions[])[0]?.conditions[0]).toMatchObject({ type: 'Accepted', status: 'True' });
  });
  it('need the entry and its port', () => {
    const accepted = (documents: readonly string[]): unknown => (statusOf(documents, 'HTTPRoute')['parents'] as readonly Conditions[])[0]?.conditions[0]?.reason;
    expect(accepted([mesh()])).toBe('NoMatchingParent');
    expect(accepted([entry, mesh(', port: 81')])).toBe('NoMatchingParent');
  });
});

describe('the terminate mode of a listener', () => {
  const own = `apiVersion: v1\nkind: Secret\nmetadata: { name: own, namespace: infra }\nstringData: { tls.crt: "-----BEGIN CERTIFICATE-----", tls.key: "-----BEGIN PRIVATE KEY-----", ca.crt: "-----BEGIN CERTIFICATE-----" }`;
  const https = (tls: string): string => gateway(`{ name: https, port: 443, protocol: HTTPS, tls: { mode: Terminate, ${tls} } }`);
  const contextOf = (tls: string): DownstreamTlsContext | undefined => configOf([own, https(tls), route('x', `rules: [${to('a')}]`)]).listeners.find(({ name }) => name === '0.0.0.0_443')?.filterChains?.[0]?.transportSocket?.typedConfig as DownstreamTlsContext | undefined;
  const option = (value: string): string => `options: { gateway.istio.io/tls-terminate-mode: ${value} }`;
  it('MUTUAL asks clients for a certificate of the credential’s authority', () => {
    const context = contextOf(`certificateRefs: [{ name: own }], ${option('MUTUAL')}`);
    expect(context?.requireClientCertificate).toBe(true);
    expect(context?.commonTlsContext?.combinedValidationContext?.validationContextSdsSecretConfig?.name).toBe('kubernetes-gateway://infra/own-cacert');
    expect(contextOf('certificateRefs: [{ name: own }]')?.requireClientCertificate).not.toBe(true);
  });
  it('ISTIO_MUTUAL shows the gateway’s own identity, without a Secret', () => {
    const context = contextOf(option('ISTIO_MUTUAL'));
    expect(context?.requireClientCertificate).toBe(true);
    expect([context?.commonTlsContext?.tlsCertificateSdsSecretConfigs?.[0]?.name, context?.commonTlsContext?.combinedValidationContext?.validationContextSdsSecretConfig?.name]).toEqual(['default', 'ROOTCA']);
  });
  it('is named where it, or another option, is not known', () => {
    const said = (tls: string): readonly string[] => parseManifests([{ path: 'a.yaml', text: https(`certificateRefs: [{ name: own }], ${tls}`) }]).diagnostics.map(({ code }) => code);
    expect(said(option('MUTUAL'))).toEqual([]);
    expect(said(option('ODD'))).toEqual(['WEFT0007']);
    expect(said('options: { example.com/other: "1" }')).toEqual(['WEFT0007']);
  });
});

import { describe, expect, it } from 'vitest';
import { compileFor, gatewayStatus, prepareSnapshot, type PodInfo, type ProxyNode } from '../../src/compile/index.ts';
import { createSecretNames, secretFor } from '../../src/controlplane/secrets.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import type { Cluster, ProxyConfig, UpstreamTlsContext } from '../../src/xds/index.ts';
import { nodeOf, pod, snapshot } from './lab.ts';

const gatewayApi = 'gateway.networking.k8s.io/v1';
const yaml = (kind: string, name: string, spec: string, more = ''): string => `apiVersion: ${kind === 'Service' ? 'v1' : kind === 'DestinationRule' ? 'networking.istio.io/v1' : gatewayApi}\nkind: ${kind}\nmetadata: { name: ${name}, namespace: infra${more} }\nspec: ${spec}`;
const bundle = (name: string, text = '-----BEGIN CERTIFICATE-----'): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name}, namespace: infra }\ndata: { ca.crt: "${text}" }`;
const pair = (name: string): string => `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name}, namespace: infra }\nstringData: { tls.crt: "-----BEGIN CERTIFICATE-----", tls.key: "-----BEGIN PRIVATE KEY-----" }`;
const gateway = (more = ''): string => yaml('Gateway', 'web', `{ gatewayClassName: istio, listeners: [{ name: http, port: 80, protocol: HTTP }]${more} }`);
const route = yaml('HTTPRoute', 'route', '{ parentRefs: [{ name: web }], rules: [{ backendRefs: [{ name: echo, port: 443 }] }] }');
const service = yaml('Service', 'echo', '{ selector: { app: echo }, ports: [{ name: https, port: 443 }, { name: http, port: 80 }, { name: grpc, port: 90 }] }');
const policy = (validation: string, more = '', name = 'tls', metadata = ''): string => yaml('BackendTLSPolicy', name, `{ targetRefs: [{ group: "", kind: Service, name: echo${more} }], validation: { ${validation} } }`, metadata);
const trusted = 'hostname: echo.example.com, caCertificateRefs: [{ group: "", kind: ConfigMap, name: ca }]';

const echo = pod('echo', 'v1', '10.0.0.9', { namespace: 'infra', sidecar: false });
const proxy: PodInfo = pod('web', 'v1', '10.0.0.20', { namespace: 'infra', labels: { 'gateway.networking.k8s.io/gateway-name': 'web' } });
const base = [gateway(), route, service, bundle('ca')];

function configOf(documents: readonly string[], type: ProxyNode['type'] = 'router'): ProxyConfig {
  return compileFor(prepareSnapshot(snapshot(documents, [echo, proxy])), nodeOf(proxy, type));
}
function clusterOf(documents: readonly string[], port = 443, type: ProxyNode['type'] = 'router'): Cluster | undefined {
  return configOf(documents, type).clusters.find(({ name }) => name === `outbound|${port}||echo.infra.svc.cluster.local`);
}
const tlsOf = (documents: readonly string[], port = 443): UpstreamTlsContext | undefined => clusterOf(documents, port)?.transportSocket?.typedConfig as UpstreamTlsContext | undefined;
const validationOf = (documents: readonly string[]): NonNullable<UpstreamTlsContext['commonTlsContext']>['combinedValidationContext'] => tlsOf(documents)?.commonTlsContext?.combinedValidationContext;
const authority = (documents: readonly string[]): string | undefined => validationOf(documents)?.validationContextSdsSecretConfig?.name;
const endpoints = (documents: readonly string[], port = 443): number => configOf(documents).endpoints.find(({ clusterName }) => clusterName === `outbound|${port}||echo.infra.svc.cluster.local`)?.endpoints?.length ?? 0;

describe('a BackendTLSPolicy', () => {
  it('has gateways ask for its hostname and verify it by its authorities', () => {
    const tls = tlsOf([...base, policy(trusted)]);
    expect(tls?.sni).toBe('echo.example.com');
    expect(tls?.commonTlsContext?.alpnProtocols).toEqual(['http/1.1']);
    expect(tls?.commonTlsContext?.tlsCertificateSdsSecretConfigs).toBeUndefined();
    expect(validationOf([...base, policy(trusted)])?.defaultValidationContext).toEqual({ matchTypedSubjectAltNames: [{ sanType: 'DNS', matcher: { exact: 'echo.example.com' } }] });
    expect(authority([...base, policy(trusted)])).toBe('configmap://infra/ca-cacert');
  });

  it('is for all ports, or for the one that it names, which goes first', () => {
    const all = [...base, policy(trusted)];
    expect([443, 80, 90].map((port) => tlsOf(all, port)?.commonTlsContext?.alpnProtocols)).toEqual([['http/1.1'], ['http/1.1'], ['h2']]);
    const one = [...base, policy(trusted, ', sectionName: https')];
    expect([443, 80].map((port) => tlsOf(one, port)?.sni)).toEqual(['echo.example.com', undefined]);
    const both = [...base, policy(trusted.replace('echo.', 'all.')), policy(trusted, ', sectionName: https', 'narrow')];
    expect([443, 80].map((port) => tlsOf(both, port)?.sni)).toEqual(['echo.example.com', 'all.example.com']);
  });

  it('verifies other names where it has some, and the hostname then no more', () => {
    const names = 'subjectAltNames: [{ type: Hostname, hostname: a.example.com }, { type: Hostname, hostname: "*.example.com" }, { type: URI, uri: "spiffe://a/b" }]';
    expect(validationOf([...base, policy(`${trusted}, ${names}`)])?.defaultValidationContext?.matchTypedSubjectAltNames).toEqual([{ sanType: 'DNS', matcher: { exact: 'a.example.com' } }, { sanType: 'DNS', matcher: { suffix: '.example.com' } }, { sanType: 'URI', matcher: { exact: 'spiffe://a/b' } }]);
    expect(tlsOf([...base, policy(`${trusted}, ${names}`)])?.sni).toBe('echo.example.com');
  });

  it('trusts the system’s authorities, or several bundles together', () => {
    expect(authority([...base, policy('hostname: a.b, wellKnownCACertificates: System')])).toBe('file-root:system');
    const two = [...base, bundle('other'), policy(trusted.replace('name: ca }', 'name: ca }, { group: "", kind: ConfigMap, name: other }, { group: "", kind: ConfigMap, name: gone }'))];
    const name = 'configmap://infra/ca-cacert+configmap://infra/other-cacert';
    expect(authority(two)).toBe(name);
    expect(createSecretNames()(configOf(two))).toEqual([name]);
    const { resources } = parseManifests([{ path: 'a.yaml', text: [bundle('ca', 'one'), bundle('other', 'two')].join('\n---\n') }]);
    expect(secretFor(name, { namespace: 'infra', labels: {}, annotations: {} } as never, resources)).toEqual({ name, validationContext: { trustedCa: { inlineString: 'one\ntwo' } } });
  });

  it('without anybody to trust leaves nobody to send to', () => {
    expect(endpoints([...base, policy(trusted)])).toBe(1);
    expect(endpoints([...base, policy(trusted.replace('name: ca', 'name: gone'))])).toBe(0);
    expect(endpoints([...base, policy('hostname: a.b, wellKnownCACertificates: example.com/mine')])).toBe(0);
    expect(endpoints([...base, policy(trusted.replace('name: ca', 'name: gone'), ', sectionName: http')])).toBe(1);
  });

  it('is not for sidecars, and goes before a DestinationRule at gateways', () => {
    expect(clusterOf([...base, policy(trusted)], 443, 'sidecar')?.transportSocket).toBeUndefined();
    const rule = yaml('DestinationRule', 'echo', '{ host: echo, trafficPolicy: { tls: { mode: SIMPLE, sni: by-rule } } }');
    expect(tlsOf([...base, rule])?.sni).toBe('by-rule');
    expect(tlsOf([...base, rule, policy(trusted)])?.sni).toBe('echo.example.com');
  });

  it('follows changes of the mesh', () => {
    const before = prepareSnapshot(snapshot([...base, policy(trusted)], [echo, proxy]));
    compileFor(before, nodeOf(proxy, 'router'));
    for (const documents of [base, [...base, policy(trusted.replace('echo.', 'new.'))], [...base, policy(trusted)]]) {
      const after = snapshot(documents, [echo, proxy]);
      expect(compileFor(prepareSnapshot(after, before), nodeOf(proxy, 'router'))).toEqual(compileFor(prepareSnapshot(after), nodeOf(proxy, 'router')));
    }
  });
});

describe('a gateway’s own certificate', () => {
  const own = gateway(', tls: { backend: { clientCertificateRef: { name: own } } }');
  const mesh = [own, route, service, bundle('ca'), policy(trusted)];
  it('is shown to backends that a policy is for', () => {
    expect(tlsOf([...mesh, pair('own')])?.commonTlsContext?.tlsCertificateSdsSecretConfigs?.map(({ name }) => name)).toEqual(['kubernetes-gateway://infra/own']);
    expect(tlsOf([...base, policy(trusted), pair('own')])?.commonTlsContext?.tlsCertificateSdsSecretConfigs).toBeUndefined();
  });
  it('has a condition of its own', () => {
    const resolved = (documents: readonly string[]): unknown => conditionsOf(statusOf(documents, 'Gateway')['conditions'])['ResolvedRefs'];
    expect(resolved([...mesh, pair('own')])).toBe('True ResolvedRefs');
    expect(resolved(mesh)).toBe('False InvalidClientCertificateRef');
    expect(resolved([...mesh.slice(1), own.replace('name: own', 'name: own, namespace: other'), pair('own').replace('namespace: infra', 'namespace: other')])).toBe('False RefNotPermitted');
    expect(resolved(base)).toBeUndefined();
  });
});

const conditionsOf = (conditions: unknown): Readonly<Record<string, string>> => Object.fromEntries((conditions as readonly { readonly type: string; readonly status: string; readonly reason: string }[]).map(({ type, status, reason }) => [type, `${status} ${reason}`]));
function statusOf(documents: readonly string[], kind: string, name?: string): Readonly<Record<string, unknown>> {
  return gatewayStatus(snapshot(documents)).find(({ resource }) => resource.kind === kind && (name === undefined || resource.metadata.name === name))?.status ?? {};
}

describe('the status of a BackendTLSPolicy', () => {
  const ancestors = (documents: readonly string[], name = 'tls'): readonly { readonly ancestorRef: unknown; readonly controllerName: string; readonly conditions: unknown }[] => statusOf(documents, 'BackendTLSPolicy', name)['ancestors'] as never;
  const conditions = (documents: readonly string[], name = 'tls'): Readonly<Record<string, string>> => conditionsOf(ancestors(documents, name)[0]?.conditions ?? []);

  it('has an entry for each Gateway that sends to the Service', () => {
    expect(ancestors([...base, policy(trusted)]).map(({ ancestorRef, controllerName }) => [ancestorRef, controllerName])).toEqual([[{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'infra', name: 'web' }, 'istio.io/gateway-controller']]);
    expect(ancestors([gateway(), service, bundle('ca'), policy(trusted)])).toEqual([]);
    const mirroring = yaml('HTTPRoute', 'route', '{ parentRefs: [{ name: web }], rules: [{ filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: echo, port: 443 } } }], backendRefs: [{ name: other, port: 80 }] }] }');
    expect(ancestors([gateway(), mirroring, service, bundle('ca'), policy(trusted)])).toHaveLength(1);
  });

  it.each<[string, string, string, string]>([
    ['all is well', policy(trusted), 'True Accepted', 'True ResolvedRefs'],
    ['a bundle that is not there', policy(trusted.replace('name: ca', 'name: gone')), 'False NoValidCACertificate', 'False InvalidCACertificateRef'],
    ['a bundle of another kind', policy(trusted.replace('kind: ConfigMap', 'kind: Service')), 'False NoValidCACertificate', 'False InvalidKind'],
    ['one bundle of two', policy(trusted.replace('name: ca }', 'name: ca }, { group: "", kind: ConfigMap, name: gone }')), 'True Accepted', 'False InvalidCACertificateRef'],
    ['authorities that nobody knows', policy('hostname: a.b, wellKnownCACertificates: example.com/mine'), 'False Invalid', 'True ResolvedRefs'],
    ['a port that is not there', policy(trusted, ', sectionName: gone'), 'False TargetNotFound', 'True ResolvedRefs'],
  ])('says it: %s', (_what, written, accepted, resolved) => {
    expect(conditions([...base, written])).toEqual({ Accepted: accepted, ResolvedRefs: resolved });
  });

  it('refuses a younger policy for the same target, and of the same age the one whose name comes later', () => {
    const at = (name: string, time: string, host: string): string => policy(trusted.replace('echo.', `${host}.`), '', name, `, creationTimestamp: "${time}"`);
    const aged = [...base, at('young', '2025-01-02T00:00:00Z', 'young'), at('old', '2025-01-01T00:00:00Z', 'old')];
    expect([conditions(aged, 'old')['Accepted'], conditions(aged, 'young')['Accepted'], tlsOf(aged)?.sni]).toEqual(['True Accepted', 'False Conflicted', 'old.example.com']);
    const twins = [...base, at('b', '2025-01-01T00:00:00Z', 'b'), at('a', '2025-01-01T00:00:00Z', 'a')];
    expect([conditions(twins, 'a')['Accepted'], conditions(twins, 'b')['Accepted'], tlsOf(twins)?.sni]).toEqual(['True Accepted', 'False Conflicted', 'a.example.com']);
    const apart = [...base, policy(trusted, ', sectionName: https', 'a'), policy(trusted, ', sectionName: http', 'b'), policy(trusted, '', 'c')];
    expect(['a', 'b', 'c'].map((name) => conditions(apart, name)['Accepted'])).toEqual(Array(3).fill('True Accepted'));
  });
});

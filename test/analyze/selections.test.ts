import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';

const pods = `
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews }
spec: { template: { metadata: { labels: { app: reviews, version: v1 } }, spec: { containers: [{ name: app, image: reviews }] } } }
`;

const resource = (kind: string, spec: object, metadata: object = {}): string => {
  const group = { DestinationRule: 'networking', Sidecar: 'networking', ServiceEntry: 'networking', Telemetry: 'telemetry' }[kind] ?? 'security';
  return JSON.stringify({ apiVersion: `${group}.istio.io/v1`, kind, metadata: { name: 'it', ...metadata }, spec });
};

function find(only: string, ...texts: readonly string[]): readonly string[] {
  const { resources } = parseManifests([pods, ...texts].map((text, index) => ({ path: `${index}.yaml`, text })));
  return analyze({ resources, cluster: true, only: [only] }).map(({ code, path }) => `${code} ${path ?? ''}`);
}

describe('DestinationRules', () => {
  const rule = (spec: object): readonly string[] => find('destinationrule.PodNotSelectedAnalyzer', resource('DestinationRule', spec));
  it.each<[string, object, readonly string[]]>([
    ['a subset with pods', { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] }, []],
    ['a subset without labels', { host: 'reviews', subsets: [{ name: 'all' }] }, []],
    ['a subset of a zone', { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1', 'topology.kubernetes.io/zone': 'a' } }] }, []],
    ['subsets without pods', { host: 'reviews', subsets: [{ name: 'v2', labels: { version: 'v2' } }, { name: 'v3', labels: { version: 'v3' } }] }, ['IST0173 spec.subsets[0].labels', 'IST0173 spec.subsets[1].labels']],
    ['a host that nobody has', { host: 'reviws', subsets: [{ name: 'v2', labels: { version: 'v2' } }] }, ['IST0174 spec.host']],
    ['a wildcard over a service', { host: '*.default.svc.cluster.local' }, []],
    ['a wildcard over nothing', { host: '*.example.com' }, ['IST0174 spec.host']],
  ])('%s', (_name, spec, expected) => { expect(rule(spec)).toEqual(expected); });

  it('for the host of a ServiceEntry, wildcard or not', () => {
    const entry = (host: string): string => resource('ServiceEntry', { hosts: [host], ports: [{ number: 443, name: 'tls', protocol: 'TLS' }], resolution: 'NONE' });
    expect(find('destinationrule.PodNotSelectedAnalyzer', entry('*.example.com'), resource('DestinationRule', { host: 'api.example.com' }))).toEqual([]);
  });
});

describe('Sidecars and Telemetries', () => {
  it.each(['Sidecar', 'Telemetry'])('%s that selects nothing', (kind) => {
    const selector = (app: string): object => (kind === 'Sidecar' ? { workloadSelector: { labels: { app } } } : { selector: { matchLabels: { app } } });
    const name = `${kind.toLowerCase()}.SelectorAnalyzer`;
    expect(find(name, resource(kind, selector('reviews')))).toEqual([]);
    expect(find(name, resource(kind, selector('nobody')))).toEqual(['IST0101 spec']);
    expect(find(name, resource(kind, selector('reviews'), { namespace: 'other' }))).toEqual(['IST0101 spec']);
  });

  it('with targets are not without a selector', () => {
    const target = { targetRefs: [{ kind: 'Service', name: 'reviews' }] };
    expect(find('telemetry.DefaultSelectorAnalyzer', resource('Telemetry', target), resource('Telemetry', target, { name: 'other' }))).toEqual([]);
  });
});

describe('policies', () => {
  const policy = (spec: object, metadata: object = {}): readonly string[] => find('auth.AuthorizationPoliciesAnalyzer', resource('AuthorizationPolicy', spec, metadata));
  it('of a namespace without pods', () => {
    expect(policy({})).toEqual([]);
    expect(policy({}, { namespace: 'empty' })).toEqual(['IST0127 metadata.namespace']);
    expect(policy({}, { namespace: 'istio-system' })).toEqual([]);
    expect(policy({ targetRefs: [{ kind: 'Service', name: 'a' }] }, { namespace: 'empty' })).toEqual([]);
  });

  it('for pods outside of the mesh', () => {
    const outside = 'apiVersion: v1\nkind: Pod\nmetadata: { name: a, labels: { app: outside }, annotations: { sidecar.istio.io/inject: "false" } }\nspec: { containers: [{ name: app, image: a }] }';
    const spec = { selector: { matchLabels: { app: 'outside' } } };
    expect(find('auth.AuthorizationPoliciesAnalyzer', outside, resource('AuthorizationPolicy', spec))).toEqual(['IST0127 spec.selector']);
  });

  it('about callers of no namespace, or of all but one that is not there', () => {
    expect(policy({ rules: [{ from: [{ source: { namespaces: ['default', 'gone'], notNamespaces: ['lost', 'def*'] } }] }] })).toEqual(['IST0101 spec.rules[0].from[0].source.namespaces[1]', 'IST0101 spec.rules[0].from[0].source.notNamespaces[0]']);
  });
});

describe('keys from anywhere', () => {
  const istiod = (env: readonly object[]): string => JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'istiod', namespace: 'istio-system' }, spec: { template: { metadata: { labels: { app: 'istiod' } }, spec: { containers: [{ name: 'discovery', image: 'pilot', env }] } } } });
  const token = resource('RequestAuthentication', { jwtRules: [{ issuer: 'a', jwksUri: 'https://a.b' }] });
  it('are said of the control plane', () => {
    expect(find('authn.BlockedCIDRsAnalyzer', istiod([]), token)).toEqual(['IST0175 spec.template.spec.containers[0]']);
    expect(find('authn.BlockedCIDRsAnalyzer', istiod([{ name: 'BLOCKED_CIDRS_IN_JWKS_URIS', value: '10.0.0.0/8' }]), token)).toEqual([]);
    expect(find('authn.BlockedCIDRsAnalyzer', istiod([]))).toEqual([]);
  });
});

describe('addresses of ServiceEntries', () => {
  const entry = resource('ServiceEntry', { hosts: ['db.example.com'], ports: [{ number: 5432, name: 'tcp', protocol: 'TCP' }], resolution: 'DNS' });
  const mesh = (value: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio', namespace: 'istio-system' }, data: { mesh: `defaultConfig:\n  proxyMetadata:\n    ISTIO_META_DNS_CAPTURE: "true"\n    ISTIO_META_DNS_AUTO_ALLOCATE: "${value}"\n` } });
  it('are given by proxies that answer DNS', () => {
    expect(find('serviceentry.ProtocolAddressesAnalyzer', entry, mesh('false'))).toEqual(['IST0134 spec.ports[0]']);
    expect(find('serviceentry.ProtocolAddressesAnalyzer', entry, mesh('true'))).toEqual([]);
  });
});

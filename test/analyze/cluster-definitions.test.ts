import { describe, expect, it } from 'vitest';
import { analyze } from '../../src/analyze/index.ts';
import { analyzers, unanalyzed } from '../../src/analyze/analyzers/index.ts';
import { parseManifests } from '../../src/manifest/index.ts';

function find(only: string, ...resources: readonly object[]): readonly string[] {
  const parsed = parseManifests(resources.map((resource, index) => ({ path: `${index}.yaml`, text: JSON.stringify(resource) })));
  return analyze({ resources: parsed.resources, cluster: true, only: [only] }).map(({ code, path }) => `${code} ${path ?? ''}`);
}

describe('definitions of Gateway API', () => {
  const definition = (plural: string, versions: readonly string[], bundle?: string): object => ({
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: plural, annotations: bundle === undefined ? {} : { 'gateway.networking.k8s.io/bundle-version': bundle } },
    spec: { group: plural.split('.').slice(1).join('.'), versions: versions.map((name) => ({ name, served: !name.startsWith('-'), storage: false })) },
  });
  const gateway = (plural: string): string => `${plural}.gateway.networking.k8s.io`;
  it.each<[string, object, readonly string[]]>([
    ['that are of today', definition(gateway('httproutes'), ['v1', 'v1beta1'], 'v1.5.1'), []],
    ['without a version that Istio reads', definition(gateway('gateways'), ['v1alpha2'], 'v0.4.0'), ['IST0156 spec.versions']],
    ['with such a version that is not served', definition(gateway('referencegrants'), ['-v1beta1', 'v1'], 'v1.5.0'), ['IST0156 spec.versions']],
    ['without the version of a later Istio', definition(gateway('grpcroutes'), ['v1alpha2', 'v1beta1'], 'v1.0.0'), ['IST0172 spec.versions']],
    ['of an older bundle', definition(gateway('tlsroutes'), ['v1alpha2'], 'v1.2.0'), ['IST0176 metadata.annotations["gateway.networking.k8s.io/bundle-version"]']],
    ['of exactly the oldest bundle', definition(gateway('tlsroutes'), ['v1'], 'v1.5'), []],
    ['of a bundle with two digits', definition(gateway('tlsroutes'), ['v1'], 'v1.10.0'), []],
    ['of no known bundle', definition(gateway('tlsroutes'), ['v1'], 'main'), []],
    ['of another group', definition('gateways.networking.istio.io', ['v1alpha3']), []],
  ])('%s', (_name, resource, expected) => { expect(find('gatewayapi.VersionAnalyzer', resource)).toEqual(expected); });
});

describe('networks of the mesh', () => {
  const map = (meshNetworks: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'istio', namespace: 'istio-system' }, data: { mesh: '{}', meshNetworks } });
  const remote = (label: string): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'remote', namespace: 'istio-system', labels: { 'istio/multiCluster': label } }, stringData: { east: '{}' } });
  const from = (...names: readonly string[]): string => `networks:\n  n1:\n    endpoints: [${names.map((name) => `{ fromRegistry: ${name} }`).join(', ')}]\n`;
  const name = 'meshnetworks.MeshNetworksAnalyzer';
  it('take endpoints from registries that there are', () => {
    expect(find(name, map(from('Kubernetes', 'External', 'east')), remote('true'))).toEqual([]);
    expect(find(name, map(from('east', 'west')), remote('true'))).toEqual(['IST0126 data.meshNetworks']);
    expect(find(name, map(from('east')), remote('false'))).toEqual(['IST0126 data.meshNetworks']);
  });
  it.each(['', 'networks: 3', 'networks: { n1: }', 'networks: { n1: { endpoints: [{ fromCidr: 10.0.0.0/8 }, 4] } }', '{'])('say nothing when they are %j', (text) => { expect(find(name, map(text))).toEqual([]); });
});

it('no code is both analyzed and said to be left out', () => {
  const given = new Set(analyzers.flatMap(({ codes }) => codes));
  expect(Object.keys(unanalyzed).filter((code) => given.has(code))).toEqual([]);
});

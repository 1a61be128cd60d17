import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseManifests, validate } from '../../src/manifest/index.ts';
import { hasPeer, peerDir, readPeer } from './cases.ts';
import { mutated } from './crd-mutations.ts';
import { CrdOracle, readCrds, specOf, type Crd, type Schema } from './crd-oracle.ts';
import { manifestText } from './gateway-api-cases.ts';

const kinds = ['BackendTLSPolicy', 'Gateway', 'GRPCRoute', 'HTTPRoute', 'ReferenceGrant', 'TCPRoute', 'TLSRoute'];
type Written = Readonly<Record<string, unknown>>;

/** The CRDs, their version v1 first. */
function gatewayCrds(): readonly Crd[] {
  return readPeer('crds/gateway-api-standard.yaml').split(/^(?=apiVersion: apiextensions)/m).flatMap((text) => readCrds(text)).filter((crd) => kinds.includes((crd as Partial<Crd>).spec?.names?.kind ?? ''))
    .map(({ spec }) => ({ spec: { ...spec, versions: [...spec.versions].sort((a, b) => Number(b.name === 'v1') - Number(a.name === 'v1')) } }));
}

/** A value with the defaults that the API server fills in before it judges; null is unset. */
function filled(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) return schema.items === undefined ? value : value.map((item) => filled(item, schema.items ?? {}));
  if (typeof value !== 'object' || value === null) return value;
  const map = new Map(Object.entries(value).filter(([, item]) => item !== null));
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const item: unknown = map.get(name) ?? child.default;
    if (item !== undefined) map.set(name, filled(item, child));
  }
  return Object.fromEntries(map);
}

/** What is said against a resource before it is taken in. */
function refusals(resource: object): readonly string[] {
  const { resources, diagnostics } = parseManifests([{ path: 'case.yaml', text: JSON.stringify(resource) }]);
  return [...diagnostics, ...resources.flatMap((one) => validate(one))].filter(({ level }) => level === 'error').map(({ message }) => message);
}

describe.skipIf(!hasPeer('crds') || !hasPeer('gateway-api'))('the Gateway API’s CRDs', { timeout: 120_000 }, () => {
  const crds = hasPeer('crds') ? gatewayCrds() : [];
  const crdOf = (resource: Written): Crd | undefined => crds.find(({ spec }) => spec.names.kind === resource['kind']);
  const oracle = new CrdOracle(crds);
  const judge = (resource: Written): readonly string[] => oracle.judge({ ...resource, spec: filled(resource['spec'], specOf(crdOf(resource) ?? { spec: { group: '', names: { kind: '', plural: '' }, versions: [] } })) });
  const files = (): readonly string[] => ['base/manifests.yaml', 'mesh/manifests.yaml', ...readdirSync(resolve(peerDir, 'gateway-api/tests')).filter((name) => name.endsWith('.yaml')).map((name) => `tests/${name}`)];
  /** Addresses that the suite fills in while it runs. */
  const text = (path: string): string => manifestText(path).replaceAll(/PLACEHOLDER_\w+/g, '10.0.0.1').replaceAll('fake address teehee!', '10.0.0.2');
  const written = (): readonly Written[] => files().flatMap((path) => parseAllDocuments(text(path)).map((document) => document.toJS() as Written | null)).filter((one): one is Written => one !== null && crdOf(one) !== undefined && String(one['apiVersion']).endsWith('/v1'));

  it('judge the conformance suite’s resources as our admission does', () => {
    const different = written().filter((resource) => judge(resource).length > 0 !== refusals(resource).length > 0);
    expect(different.map((resource) => ({ resource, theirs: judge(resource), ours: refusals(resource) }))).toEqual([]);
  });

  it('judge changed resources as our admission does', () => {
    const known = written().filter((resource) => judge(resource).length === 0);
    expect(known.length).toBeGreaterThan(100);
    const change = fc.constantFrom(...known).chain((resource) => mutated(resource['spec'] as never, specOf(crdOf(resource) as Crd)).map((spec): Written => ({ ...resource, spec })));
    fc.assert(
      fc.property(change, (resource) => {
        const theirs = judge(resource);
        const ours = refusals(resource);
        expect({ resource, refused: ours.length > 0, theirs, ours }).toMatchObject({ refused: theirs.length > 0 });
      }),
      { numRuns: Number(process.env['CRD_RUNS'] ?? 1_500), seed: Number(process.env['CRD_SEED'] ?? 5) },
    );
  });
});

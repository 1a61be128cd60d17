import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { kinds, parseManifests, type KindDefinition } from '../../src/manifest/index.ts';
import { definitionOf, innerOf, type SchemaDefinition } from '../../src/manifest/schema.ts';
import { hasPeer, peerDir, readPeer } from './cases.ts';
import { mutated } from './crd-mutations.ts';
import { CrdOracle, readCrds, specOf, type Crd, type Schema } from './crd-oracle.ts';

const there = hasPeer('crds') && hasPeer('validation');
const crds = there ? readCrds(readPeer('crds/istio.yaml')) : [];
const kindOf = ({ spec }: Crd): KindDefinition | undefined => kinds.find(({ kind, group }) => kind === spec.names.kind && group === spec.group);

function unwrap(schema: z.ZodType): SchemaDefinition {
  const inner = innerOf(schema);
  return inner === undefined ? definitionOf(schema) : unwrap(inner);
}

/** Paths where the CRD knows a field or an enum value that our schema does not, or the other way round. */
function differences(theirs: Schema, ours: z.ZodType, path: string): readonly string[] {
  const { type, element, valueType, shape, entries } = unwrap(ours);
  if (type === 'unknown') return [];
  if (theirs.items !== undefined && element !== undefined) return differences(theirs.items, element, `${path}[]`);
  if (theirs.enum !== undefined && entries !== undefined) return theirs.enum.filter((name) => !Object.hasOwn(entries, name)).map((name) => `${path}=${name}`);
  if (typeof theirs.additionalProperties === 'object' && valueType !== undefined) return differences(theirs.additionalProperties, valueType, `${path}{}`);
  if (theirs.properties === undefined || shape === undefined) return [];
  return [
    ...Object.keys(shape).filter((name) => !Object.hasOwn(theirs.properties ?? {}, name)).map((name) => `${path}.${name} (ours)`),
    ...Object.entries(theirs.properties).flatMap(([name, field]) => (shape[name] === undefined ? [`${path}.${name}`] : differences(field, shape[name], `${path}.${name}`))),
  ];
}

describe.skipIf(!there)('Istio’s CRDs', { timeout: 60_000 }, () => {
  it('are all known, in all their versions and short names', () => {
    for (const crd of crds) {
      const definition = kindOf(crd);
      expect(definition?.kind).toBe(crd.spec.names.kind);
      expect([crd.spec.names.plural, ...(crd.spec.names.shortNames ?? [])].filter((name) => ![definition?.plural ?? `${crd.spec.names.kind.toLowerCase()}s`, ...(definition?.aliases ?? [])].includes(name))).toEqual([]);
      expect(crd.spec.versions.map(({ name }) => name).filter((name) => definition?.versions.includes(name) !== true)).toEqual([]);
    }
  });

  it('have the fields and enums that our schemas have', () => {
    const found = crds.flatMap((crd) => {
      const schema = kindOf(crd)?.schema;
      return schema === undefined ? [] : differences(specOf(crd), schema, crd.spec.names.kind);
    });
    expect(found).toEqual([]);
  });

  it('judge the peer’s resources as our schemas do', () => {
    const oracle = new CrdOracle(crds);
    const known = peerResources().filter((resource) => oracle.knows(resource));
    const different = known.filter((resource) => oracle.judge(resource).length > 0 !== shapeErrors(resource).length > 0);
    console.log(`schemas ${known.length - different.length}/${known.length} resources`);
    expect(different.map((resource) => JSON.stringify([resource, oracle.judge(resource), shapeErrors(resource)]))).toEqual([]);
  });

  it('judge changed resources as our schemas do', () => {
    const oracle = new CrdOracle(crds);
    const known = peerResources().filter((resource) => oracle.knows(resource) && oracle.judge(resource).length === 0 && typeof resource['spec'] === 'object');
    const change = fc.constantFrom(...known).chain((resource) => {
      const crd = crds.find(({ spec }) => spec.names.kind === resource['kind'] && spec.group === String(resource['apiVersion']).split('/')[0])!;
      return mutated(resource['spec'] as never, specOf(crd)).map((spec) => ({ ...resource, spec }));
    });
    fc.assert(
      fc.property(change, (resource) => {
        const theirs = oracle.judge(resource);
        const ours = shapeErrors(resource);
        if (theirs.length > 0) expect({ resource, theirs, ours }).not.toEqual({ resource, theirs, ours: [] });
        else expect({ resource, ours: ours.filter((message) => !protoOnly.test(message)) }).toEqual({ resource, ours: [] });
      }),
      { numRuns: Number(process.env['CRD_RUNS'] ?? 1_000), ...(process.env['CRD_SEED'] !== undefined && { seed: Number(process.env['CRD_SEED']) }) },
    );
  });
});

/** What the proto's JSON form refuses after the CRD: durations that are none, and bytes that are not base64. */
const protoOnly = /is not a duration|must be base64/;

/** The errors about a resource's shape, before admission. */
function shapeErrors(resource: object): readonly string[] {
  return parseManifests([{ path: 'case.yaml', text: JSON.stringify(resource) }]).diagnostics.filter(({ level }) => level === 'error').map(({ message }) => message);
}

type Written = Readonly<Record<string, unknown>>;

const listed = (document: Written | null): readonly Written[] => (document === null ? [] : [document]);

/** Every resource of the validation suite. */
function peerResources(): readonly Written[] {
  const cases = JSON.parse(readPeer('validation/cases.json')) as readonly { readonly resource?: Record<string, unknown> }[];
  const folder = 'validation/crd-testdata';
  const documents = readdirSync(resolve(peerDir, folder)).flatMap((file): readonly Written[] => [...parseAllDocuments(readPeer(`${folder}/${file}`), { version: '1.1' })].flatMap((document) => listed(document.toJS() as Written | null)));
  return [...cases.flatMap(({ resource }) => (resource === undefined ? [] : [resource])), ...documents.map(({ _err: _expected, ...resource }) => resource)];
}

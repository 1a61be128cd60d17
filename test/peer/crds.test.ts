import { Ajv, type ValidateFunction } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { kinds, parseManifests, type KindDefinition } from '../../src/manifest/index.ts';
import { hasPeer, readPeer } from './cases.ts';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly enum?: readonly string[];
}
interface Crd {
  readonly spec: { readonly group: string; readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] }; readonly versions: readonly { readonly name: string; readonly schema: { readonly openAPIV3Schema: Schema } }[] };
}

const there = hasPeer('crds') && hasPeer('validation');
const crds = there ? parseAllDocuments(readPeer('crds/istio.yaml')).map((document) => document.toJS() as Crd) : [];
const definitionOf = ({ spec }: Crd): KindDefinition | undefined => kinds.find(({ kind, group }) => kind === spec.names.kind && group === spec.group);
const specOf = (crd: Crd): Schema => crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.['spec'] ?? {};

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly entries?: Readonly<Record<string, string>>;
}

function unwrap(schema: z.ZodType): Definition {
  const definition = schema._zod.def as unknown as Definition;
  return definition.innerType !== undefined ? unwrap(definition.innerType) : definition.type === 'pipe' && definition.in !== undefined ? unwrap(definition.in) : definition;
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
      const definition = definitionOf(crd);
      expect(definition?.kind).toBe(crd.spec.names.kind);
      expect([crd.spec.names.plural, ...(crd.spec.names.shortNames ?? [])].filter((name) => ![definition?.plural ?? `${crd.spec.names.kind.toLowerCase()}s`, ...(definition?.aliases ?? [])].includes(name))).toEqual([]);
      expect(crd.spec.versions.map(({ name }) => name).filter((name) => definition?.versions.includes(name) !== true)).toEqual([]);
    }
  });

  it('have the fields and enums that our schemas have', () => {
    const found = crds.flatMap((crd) => {
      const schema = definitionOf(crd)?.schema;
      return schema === undefined ? [] : differences(specOf(crd), schema, crd.spec.names.kind);
    });
    expect(found).toEqual([]);
  });

  it('refuse no shape that we take', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, logger: false });
    const validators = new Map<string, ValidateFunction>(crds.filter((crd) => definitionOf(crd)?.schema !== undefined).map((crd) => [crd.spec.names.kind, ajv.compile(typesOnly(specOf(crd)) as object)]));
    const cases = JSON.parse(readPeer('validation/cases.json')) as readonly { readonly name: string; readonly resource?: { readonly kind: string; readonly spec?: unknown } }[];
    const looser = cases.filter(({ resource }) => {
      const validator = validators.get(resource?.kind ?? '');
      if (validator === undefined || validator(withoutNulls(resource?.spec ?? {})) === true) return false;
      return !parseManifests([{ path: 'case.yaml', text: JSON.stringify(resource) }]).diagnostics.some(({ level }) => level === 'error');
    });
    expect(looser.map(({ name }) => name)).toEqual([]);
  });
});

/** The types and enums of a schema; required fields, bounds and patterns are admission's. */
function typesOnly(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(typesOnly);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key, value]) => !['required', 'pattern', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum', 'minProperties', 'maxProperties', 'format', 'oneOf', 'not', 'anyOf'].includes(key) || (typeof value === 'object' && value !== null && 'type' in value));
  return Object.fromEntries(kept.map(([key, value]) => [key, typesOnly(value)]));
}

/** The API server drops nulls where a field cannot be null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item) ?? {});
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== null).map(([key, item]) => [key, withoutNulls(item)]));
}

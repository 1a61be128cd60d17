import fc from 'fast-check';
import type { Schema } from './crd-oracle.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
type Path = readonly (string | number)[];

/** Values that are wrong somewhere: of every type, at every bound. */
const values: readonly Json[] = [
  null, true, 0, 1, -1, 65_535, 65_536, 100, 101, 599, 600, 1.5, 4_294_967_295, 4_294_967_296, '', 'a', '*', 'app*', 'unix:///a', 'unix://a', 'unix:///a/', 'http://a.b', 'ftp://a.b', '10.0.0.0/8',
  '0s', '1ms', '0.5ms', '10s', 'x'.repeat(64), 'x'.repeat(257), 'x'.repeat(2100), [], {}, [''], ['a', 'a'], [1], [{}], { a: 'b' }, { '': 'b' }, { 'a*': 'b' }, { a: '*' }, { a: 1 }, { '80': {} }, { a: {} }, { http: 80 }, { http: 0 },
];

const isMap = (value: Json | undefined): value is { readonly [name: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);
const isList = (value: Json | undefined): value is readonly Json[] => Array.isArray(value);

/** Every place of a document that its schema knows, and of the fields that could stand there too. */
function places(value: Json | undefined, schema: Schema, path: Path = [], depth = 0): readonly { readonly path: Path; readonly schema: Schema }[] {
  const here = { path, schema };
  if (depth > 12) return [here];
  const below = (key: string | number, child: Schema | undefined, item: Json | undefined): ReturnType<typeof places> => (child === undefined ? [] : places(item, child, [...path, key], depth + 1));
  if (isList(value)) return [here, ...value.flatMap((item, index) => below(index, schema.items, item))];
  const map = isMap(value) ? value : {};
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, child]) => (map[name] === undefined ? [{ path: [...path, name], schema: child }] : below(name, child, map[name])));
  const items = typeof schema.additionalProperties === 'object' ? Object.entries(map).flatMap(([name, item]) => below(name, schema.additionalProperties as Schema, item)) : [];
  return [here, ...fields, ...items];
}

/** The document with a value put at a path, or with what stands there taken out. */
function changed(value: Json | undefined, path: Path, put: Json | undefined): Json {
  const [step, ...rest] = path;
  if (step === undefined) return put ?? {};
  if (isList(value) && typeof step === 'number') return put === undefined && rest.length === 0 ? value.filter((_, index) => index !== step) : value.map((item, index) => (index === step ? changed(item, rest, put) : item));
  const map = isMap(value) ? value : {};
  if (put === undefined && rest.length === 0) return Object.fromEntries(Object.entries(map).filter(([name]) => name !== step));
  return { ...map, [step]: changed(map[step], rest, put) };
}

/** A sample of what fits a schema, so that rules between fields are met too. */
function sample(schema: Schema, depth = 0): Json {
  if (schema.enum !== undefined) return schema.enum[0] ?? '';
  if (schema.type === 'string') return 'a';
  if (schema.type === 'integer' || schema.type === 'number') return 1;
  if (schema.type === 'boolean') return true;
  if (schema.type === 'array') return depth > 4 ? [] : [sample(schema.items ?? {}, depth + 1)];
  return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(schema.properties?.[name] ?? {}, depth + 1)]));
}

/** A document with one to three fields changed, taken out or added along its schema. */
export function mutated(document: Json, schema: Schema): fc.Arbitrary<Json> {
  const change = fc.record({ place: fc.nat(), way: fc.constantFrom('put', 'put', 'remove', 'sample', 'twice'), value: fc.constantFrom(...values) });
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) =>
    changes.reduce<Json>((current, { place, way, value }) => {
      const open = places(current, schema);
      const chosen = open[place % open.length]!;
      if (way === 'remove') return changed(current, chosen.path, undefined);
      if (way === 'sample') return changed(current, chosen.path, sample(chosen.schema));
      if (way === 'twice') return changed(current, chosen.path, chosen.schema.items === undefined ? value : [sample(chosen.schema.items), sample(chosen.schema.items)]);
      return changed(current, chosen.path, value);
    }, document),
  );
}

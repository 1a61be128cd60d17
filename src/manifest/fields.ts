import type { z } from 'zod';
import { rulesOf } from '../util/manifest-rules.ts';
import { nearest } from './nearest.ts';
import { definitionOf, innerOf } from './schema.ts';
import type { Path } from './yaml.ts';

/** A field that the schema does not know, that breaks one of its rules, or that the lab does not run. */
export type FieldFinding =
  | { readonly kind: 'unknown'; readonly path: Path; readonly name: string; readonly suggestion?: string }
  | { readonly kind: 'broken'; readonly path: Path; readonly message: string }
  | { readonly kind: 'not-run'; readonly path: Path; readonly why: string };

/** Walks a value along its schema and returns each field that is unknown, against a rule of its schema, or not run. */
export function checkFields(schema: z.ZodType, value: unknown, path: Path, found: FieldFinding[] = []): readonly FieldFinding[] {
  const said = schema.meta()?.['notRun'];
  const why = typeof said === 'function' ? (said as (value: unknown) => string | undefined)(value) : said;
  if (typeof why === 'string') found.push({ kind: 'not-run', path, why });
  for (const rule of rulesOf(schema)) {
    const message = rule(value);
    if (message !== undefined) found.push({ kind: 'broken', path, message });
  }
  const inner = innerOf(schema);
  if (inner !== undefined) return checkFields(inner, value, path, found);
  const { type, element, valueType, shape, catchall } = definitionOf(schema);
  if (Array.isArray(value)) {
    if (element !== undefined) value.forEach((item, index) => checkFields(element, item, [...path, index], found));
    return found;
  }
  if (typeof value !== 'object' || value === null) return found;
  if (shape !== undefined) checkShape(shape, catchall?.meta()?.['notRun'] === undefined ? undefined : catchall, value, path, found);
  else if (type === 'record' && valueType !== undefined) {
    for (const [key, item] of Object.entries(value)) if (item !== null) checkFields(valueType, item, [...path, key], found);
  }
  return found;
}

/** `others` is the schema of names that are not listed, where they are known to mean something. */
function checkShape(shape: Readonly<Record<string, z.ZodType>>, others: z.ZodType | undefined, value: object, path: Path, found: FieldFinding[]): void {
  for (const [name, field] of Object.entries(value)) {
    const schema = Object.hasOwn(shape, name) ? shape[name] : others;
    if (schema !== undefined) {
      if (field !== null && field !== undefined) checkFields(schema, field, [...path, name], found);
      continue;
    }
    const suggestion = nearest(name, Object.keys(shape).filter((known) => !Object.hasOwn(value, known)));
    found.push({ kind: 'unknown', path: [...path, name], name, ...(suggestion !== undefined && { suggestion }) });
  }
}

import type { z } from 'zod';
import type { Path } from './yaml.ts';

/** A value that does not fit its field. */
export interface ShapeError {
  readonly path: Path;
  readonly message: string;
}

/** Rounds of taking out what does not fit; each round takes out at least one field. */
const rounds = 8;

/**
 * Parses a value by its schema. What does not fit is taken out and reported, so that the rest of the resource still counts:
 * the result is always a whole, defaulted value.
 */
export function parseTyped(schema: z.ZodType, value: unknown): { readonly value: unknown; readonly errors: readonly ShapeError[] } {
  const errors: ShapeError[] = [];
  nullItems(value, [], errors);
  let input: unknown = withoutNulls(value);
  for (let round = 0; round < rounds; round++) {
    const result = schema.safeParse(input);
    if (result.success) return { value: result.data, errors };
    const paths: Path[] = [];
    for (const issue of result.error.issues) {
      const path = issue.path.filter((step): step is string | number => typeof step !== 'symbol');
      paths.push(path);
      errors.push({ path, message: say(issue) });
    }
    if (paths.some((path) => path.length === 0)) break;
    input = withoutPaths(input, paths);
  }
  return { value: schema.parse({}), errors };
}

function say(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `must be ${article(issue.expected)}`;
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  return issue.message;
}

const names: Readonly<Record<string, string>> = { object: 'a map', record: 'a map', array: 'a list', string: 'a string (quote numbers and booleans)', boolean: 'true or false', number: 'a number', int: 'a whole number' };
const article = (expected: string): string => names[expected] ?? expected;

/** Null means unset, in Kubernetes and in proto3 JSON. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item) ?? {});
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) if (item !== null) result[key] = withoutNulls(item);
  return result;
}

/** A list item that is null is a mistake: nobody can say what it stands for. */
function nullItems(value: unknown, path: Path, errors: ShapeError[]): void {
  if (typeof value !== 'object' || value === null) return;
  const list = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    const at = [...path, list ? Number(key) : key];
    if (item === null && list) errors.push({ path: at, message: 'is null' });
    else nullItems(item, at, errors);
  }
}

function withoutPaths(value: unknown, paths: readonly Path[]): unknown {
  if (paths.length === 0) return value;
  const below = (key: string | number): Path[] => paths.filter((path) => String(path[0]) === String(key)).map((path) => path.slice(1));
  const ends = (inner: readonly Path[]): boolean => inner.some((path) => path.length === 0);
  if (Array.isArray(value)) return value.flatMap((item, index) => (ends(below(index)) ? [] : [withoutPaths(item, below(index))]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([key, item]) => (ends(below(key)) ? [] : [[key, withoutPaths(item, below(key))]])));
}

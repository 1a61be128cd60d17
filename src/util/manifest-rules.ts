import type { z } from 'zod';

/**
 * Rules about a value as it is written, before it is parsed: what must be there, what may not stand together, how long a text may be.
 * They say what Istio's and Kubernetes' API servers check with OpenAPI bounds and CEL; rules that need more than the value itself
 * belong to the manifest layer's validation.
 */

/** What is wrong with a written value, as the rest of a sentence that begins with the field (`must have host`); `undefined` when it is sound. */
export type Rule = (value: unknown) => string | undefined;

/** A schema with rules on what is written where it stands; earlier rules of the same schema are kept. */
export function ruled<Schema extends z.ZodType>(schema: Schema, ...rules: readonly Rule[]): Schema {
  return schema.meta({ ...schema.meta(), rules: [...rulesOf(schema), ...rules] });
}

/** The rules that stand on a schema itself. */
export function rulesOf(schema: z.ZodType): readonly Rule[] {
  return (schema.meta()?.['rules'] as readonly Rule[] | undefined) ?? [];
}

type Fields = Readonly<Record<string, unknown>>;
const isMap = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether a map has a field; null means that it has not. */
export function has(value: Fields, name: string): boolean {
  return value[name] !== undefined && value[name] !== null;
}

/** A rule about maps. */
export function forMap(rule: (value: Fields) => string | undefined): Rule {
  return (value) => (isMap(value) ? rule(value) : undefined);
}

/** A rule about texts. */
export function forText(rule: (value: string) => string | undefined): Rule {
  return (value) => (typeof value === 'string' ? rule(value) : undefined);
}

/** A rule about lists. */
export function forList(rule: (value: readonly unknown[]) => string | undefined): Rule {
  return (value) => (Array.isArray(value) ? rule(value) : undefined);
}

/** These fields must be written. */
export function required(...names: readonly string[]): Rule {
  return forMap((value) => {
    const missing = names.filter((name) => !has(value, name));
    return missing.length === 0 ? undefined : `must have ${missing.join(' and ')}`;
  });
}

/** At most one of these fields may be written. */
export function atMostOne(...names: readonly string[]): Rule {
  return forMap((value) => {
    const set = names.filter((name) => has(value, name));
    return set.length <= 1 ? undefined : `may set only one of ${names.join(', ')}, not ${set.join(' and ')}`;
  });
}

/** Bounds on the length of a text, the items of a list or the keys of a map. */
export function length({ min = 0, max = Infinity }: { readonly min?: number; readonly max?: number }): Rule {
  return (value) => {
    const [count, unit] = typeof value === 'string' ? [[...value].length, 'characters'] : Array.isArray(value) ? [value.length, 'items'] : isMap(value) ? [Object.keys(value).length, 'entries'] : [min, ''];
    if (count < min) return count === 0 ? 'must not be empty' : `must have at least ${min} ${unit}`;
    return count > max ? `has ${count} ${unit}; ${max} is the most` : undefined;
  };
}

/** Bounds on a number. */
export function within(min: number, max: number): Rule {
  return (value) => (typeof value === 'number' && (value < min || value > max) ? (max === Infinity ? `must be at least ${min}` : `must be from ${min} to ${max}`) : undefined);
}

/** A text of a form. `what` completes “must be”. */
export function matching(form: RegExp, what: string): Rule {
  return forText((text) => (form.test(text) ? undefined : `must be ${what}`));
}

/** No two items of a list may have the same values in these fields. */
export function uniqueBy(...names: readonly string[]): Rule {
  return forList((items) => {
    const seen = new Set<string>();
    for (const item of items) {
      if (!isMap(item)) continue;
      const id = JSON.stringify(names.map((name) => item[name]));
      if (seen.has(id)) return `has two items with the same ${names.join(' and ')} (${names.map((name) => String(item[name])).join(', ')})`;
      seen.add(id);
    }
    return undefined;
  });
}

/** A rule about each key of a map. */
export function keys(rule: (key: string) => string | undefined): Rule {
  return forMap((value) => {
    for (const key of Object.keys(value)) {
      const fault = rule(key);
      if (fault !== undefined) return fault;
    }
    return undefined;
  });
}

/** Selectors compare exactly, so a `*` in them is a mistake. */
export const noWildcard: Rule = forText((text) => (text.includes('*') ? 'compares exactly; wildcards have no meaning in a selector' : undefined));

/** A port number. */
export const isPort: Rule = within(1, 65535);

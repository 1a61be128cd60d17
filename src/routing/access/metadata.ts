import type { MetadataMatcher, ValueMatcher } from '../../xds/index.ts';
import { compileString } from '../string-matcher.ts';

/** A test on a JSON value, and how to say it. */
export interface ValueTest {
  test(value: unknown): boolean;
  readonly words: string;
}

/** A metadata matcher made ready. Source: Envoy, type.matcher.v3.MetadataMatcher. */
export interface MetadataTest extends ValueTest {
  readonly filter: string;
  /** Picks the value out of the filter's metadata; `undefined` when it is not there. */
  pick(metadata: unknown): unknown;
  /** `request.auth.claims[group]`. */
  readonly subject: string;
}

/** Compiles a metadata matcher. Throws on a value that cannot be matched. */
export function compileMetadata(matcher: MetadataMatcher): MetadataTest {
  const keys = (matcher.path ?? []).map(({ key = '' }) => key);
  const value = compileValue(matcher.value ?? {});
  const [first = '', ...rest] = keys;
  return {
    filter: matcher.filter ?? '',
    pick: (metadata) => keys.reduce<unknown>(field, metadata),
    test: (found) => value.test(found) !== (matcher.invert === true),
    words: matcher.invert === true ? `not: ${value.words}` : value.words,
    subject: `${first}${rest.map((key) => `[${key}]`).join('')}`,
  };
}

/** Own fields only: `__proto__` and the like are not there. */
function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function compileValue(matcher: ValueMatcher): ValueTest {
  if (matcher.stringMatch !== undefined) {
    const { test, words } = compileString(matcher.stringMatch);
    return { test: (value) => typeof value === 'string' && test(value), words };
  }
  if (matcher.listMatch?.oneOf !== undefined) {
    const { test, words } = compileValue(matcher.listMatch.oneOf);
    return { test: (value) => Array.isArray(value) && value.some(test), words: `has one that ${words}` };
  }
  if (matcher.orMatch !== undefined) {
    const tests = (matcher.orMatch.valueMatchers ?? []).map(compileValue);
    return { test: (value) => tests.some(({ test }) => test(value)), words: tests.map(({ words }) => words).join(' or ') };
  }
  if (matcher.boolMatch !== undefined) return { test: (value) => value === matcher.boolMatch, words: `is ${String(matcher.boolMatch)}` };
  if (matcher.presentMatch !== undefined) return { test: (value) => (value !== undefined) === matcher.presentMatch, words: matcher.presentMatch ? 'is present' : 'is missing' };
  if (matcher.nullMatch !== undefined) return { test: (value) => value === null, words: 'is null' };
  throw new Error('a value matcher needs one of stringMatch, listMatch, orMatch, boolMatch, presentMatch, nullMatch');
}

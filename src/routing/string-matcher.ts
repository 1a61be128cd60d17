import { RE2JS } from 're2js';
import type { StringMatcher } from '../xds/index.ts';

/** A string test and how to say it: `is "jason"`, `starts with "/api"`. */
export interface StringTest {
  readonly test: (value: string) => boolean;
  readonly words: string;
}

/** Compiles an RE2 expression that must match the whole value, as Envoy's do. Throws on a bad expression: the config is then rejected. */
export function fullMatch(regex: string): (value: string) => boolean {
  const compiled = RE2JS.compile(regex);
  return (value) => compiled.testExact(value);
}

/** Compiles envoy.type.matcher.v3.StringMatcher once. */
export function compileString(matcher: StringMatcher): StringTest {
  const fold = matcher.ignoreCase === true ? lower : same;
  const words = (text: string): string => (matcher.ignoreCase === true ? `${text} (any case)` : text);
  if (matcher.exact !== undefined) {
    const wanted = fold(matcher.exact);
    return { test: (value) => fold(value) === wanted, words: words(`is "${matcher.exact}"`) };
  }
  if (matcher.prefix !== undefined) {
    const wanted = fold(matcher.prefix);
    return { test: (value) => fold(value).startsWith(wanted), words: words(`starts with "${matcher.prefix}"`) };
  }
  if (matcher.suffix !== undefined) {
    const wanted = fold(matcher.suffix);
    return { test: (value) => fold(value).endsWith(wanted), words: words(`ends with "${matcher.suffix}"`) };
  }
  if (matcher.contains !== undefined) {
    const wanted = fold(matcher.contains);
    return { test: (value) => fold(value).includes(wanted), words: words(`contains "${matcher.contains}"`) };
  }
  if (matcher.safeRegex?.regex !== undefined) return { test: fullMatch(matcher.safeRegex.regex), words: `matches /${matcher.safeRegex.regex}/` };
  throw new Error('a string matcher needs one of exact, prefix, suffix, contains, safeRegex');
}

function lower(value: string): string {
  return value.toLowerCase();
}

function same(value: string): string {
  return value;
}

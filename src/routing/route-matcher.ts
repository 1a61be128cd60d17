import type { HeaderMatcher, MetadataMatcher, QueryParameterMatcher, RouteMatchConfig } from '../xds/index.ts';
import { compileMetadata } from './access/metadata.ts';
import { compileString, fullMatch, type StringTest } from './string-matcher.ts';
import type { RequestFacts } from './types.ts';

/** One condition of a route. `path` is the request's path without query and fragment. */
export interface Condition {
  test(request: RequestFacts, path: string): boolean;
  /** The condition in plain words: `header end-user is "jason"`. */
  readonly words: string;
  /** What the request has instead: `header end-user is "bob"`. */
  actual(request: RequestFacts, path: string): string;
}

/** Compiles the conditions of a route, in Envoy's order of checking. Throws on what cannot be matched, so that the config is rejected. */
export function compileMatch(match: RouteMatchConfig): readonly Condition[] {
  if (match.tlsContext !== undefined) throw new Error('tlsContext matches are not supported');
  const conditions = [pathCondition(match)];
  for (const header of match.headers ?? []) conditions.push(headerCondition(header));
  for (const parameter of match.queryParameters ?? []) conditions.push(queryCondition(parameter));
  for (const metadata of match.dynamicMetadata ?? []) conditions.push(metadataCondition(metadata));
  if (match.grpc !== undefined) conditions.push(headerCondition({ name: 'content-type', stringMatch: { prefix: 'application/grpc' } }));
  return conditions;
}

/** The path up to the query or fragment. */
export function pathOnly(pathWithQuery: string): string {
  for (let at = 0; at < pathWithQuery.length; at++) {
    const code = pathWithQuery.charCodeAt(at);
    if (code === 63 || code === 35) return pathWithQuery.slice(0, at);
  }
  return pathWithQuery;
}

function pathCondition(match: RouteMatchConfig): Condition {
  const actual = (_request: RequestFacts, path: string): string => `path is "${path}"`;
  const { test, words } = pathTest(match);
  return { test: match.connectMatcher === undefined ? (_request, path) => test(path) : (request) => request.method === 'CONNECT', words, actual };
}

/** The condition of a match on the path alone. */
export function pathTest(match: RouteMatchConfig): StringTest {
  const ignoreCase = match.caseSensitive === false;
  const named = ({ test, words }: StringTest): StringTest => ({ test, words: `path ${words}` });
  if (match.prefix !== undefined) return match.prefix === '/' ? { test: (path) => path.startsWith('/'), words: 'any path' } : named(compileString({ prefix: match.prefix, ignoreCase }));
  if (match.path !== undefined) return named(compileString({ exact: match.path, ignoreCase }));
  if (match.safeRegex?.regex !== undefined) return { test: fullMatch(match.safeRegex.regex), words: `path matches /${match.safeRegex.regex}/` };
  if (match.pathSeparatedPrefix !== undefined) return separatedPrefix(match.pathSeparatedPrefix, ignoreCase);
  if (match.connectMatcher !== undefined) return { test: () => true, words: 'method is CONNECT' };
  throw new Error('a route match needs one of prefix, path, safeRegex, pathSeparatedPrefix, connectMatcher');
}

function separatedPrefix(prefix: string, ignoreCase: boolean): StringTest {
  const wanted = ignoreCase ? prefix.toLowerCase() : prefix;
  const test = (path: string): boolean =>
    (ignoreCase ? path.toLowerCase() : path).startsWith(wanted) && (path.length === wanted.length || path.charCodeAt(wanted.length) === 47);
  return { test, words: `path is below "${prefix}"` };
}

/** A header of the request, pseudo-headers included. */
export function headerOf(request: RequestFacts, name: string): string | undefined {
  if (name.charCodeAt(0) !== 58) return name === 'host' ? request.authority : request.header(name);
  switch (name) {
    case ':method': return request.method;
    case ':authority': return request.authority;
    case ':path': return request.path;
    case ':scheme': return request.scheme;
    default: return undefined;
  }
}

function headerCondition(matcher: HeaderMatcher): Condition {
  const name = (matcher.name ?? '').toLowerCase();
  const label = name.startsWith(':') ? name.slice(1) : `header ${name}`;
  const invert = matcher.invertMatch === true;
  const missingAsEmpty = matcher.treatMissingHeaderAsEmpty === true;
  const actual = (request: RequestFacts): string => {
    const value = headerOf(request, name);
    return value === undefined ? `${label} is missing` : `${label} is "${value}"`;
  };
  const value = headerValueTest(matcher);
  if (value === undefined) {
    const wanted = (matcher.presentMatch ?? true) !== invert;
    return { test: (request) => (missingAsEmpty || headerOf(request, name) !== undefined) === wanted, words: `${label} is ${wanted ? 'present' : 'missing'}`, actual };
  }
  const test = (request: RequestFacts): boolean => {
    const found = headerOf(request, name) ?? (missingAsEmpty ? '' : undefined);
    return found !== undefined && value.test(found) !== invert;
  };
  return { test, words: `${label} ${invert ? `not: ${value.words}` : value.words}`, actual };
}

/** The test on the value, `undefined` when presence alone counts. */
export function headerValueTest(matcher: HeaderMatcher): StringTest | undefined {
  if (matcher.stringMatch !== undefined) return compileString(matcher.stringMatch);
  if (matcher.exactMatch !== undefined) return compileString({ exact: matcher.exactMatch });
  if (matcher.prefixMatch !== undefined) return compileString({ prefix: matcher.prefixMatch });
  if (matcher.suffixMatch !== undefined) return compileString({ suffix: matcher.suffixMatch });
  if (matcher.containsMatch !== undefined) return compileString({ contains: matcher.containsMatch });
  if (matcher.safeRegexMatch !== undefined) return compileString({ safeRegex: matcher.safeRegexMatch });
  if (matcher.rangeMatch !== undefined) {
    const start = Number(matcher.rangeMatch.start ?? 0);
    const end = Number(matcher.rangeMatch.end ?? 0);
    return { test: (value) => /^-?\d+$/.test(value) && Number(value) >= start && Number(value) < end, words: `is in [${start}, ${end})` };
  }
  return undefined;
}

function queryCondition(matcher: QueryParameterMatcher): Condition {
  const name = matcher.name ?? '';
  const value = matcher.stringMatch === undefined ? undefined : compileString(matcher.stringMatch);
  const present = matcher.presentMatch ?? true;
  const test = (request: RequestFacts): boolean => {
    const found = queryParameter(request.path, name);
    return value === undefined ? (found !== undefined) === present : found !== undefined && value.test(found);
  };
  const actual = (request: RequestFacts): string => {
    const found = queryParameter(request.path, name);
    return found === undefined ? `query parameter ${name} is missing` : `query parameter ${name} is "${found}"`;
  };
  return { test, words: `query parameter ${name} ${value?.words ?? (present ? 'is present' : 'is missing')}`, actual };
}

/** A condition on what a filter found out before, such as a claim of a verified token. */
function metadataCondition(matcher: MetadataMatcher): Condition {
  const { filter, pick, test, words, subject } = compileMetadata(matcher);
  const found = (request: RequestFacts): unknown => pick(request.metadata?.(filter));
  const actual = (request: RequestFacts): string => {
    const value = found(request);
    return `${subject} is ${value === undefined ? 'missing' : JSON.stringify(value)}`;
  };
  return { test: (request) => test(found(request)), words: `${subject} ${words}`, actual };
}

/** The first value of a query parameter as it stands in the path: Envoy matches it undecoded. */
export function queryParameter(pathWithQuery: string, name: string): string | undefined {
  const start = pathWithQuery.indexOf('?');
  if (start < 0) return undefined;
  const fragment = pathWithQuery.indexOf('#', start);
  const end = fragment < 0 ? pathWithQuery.length : fragment;
  for (let at = start + 1; at <= end; ) {
    const next = pathWithQuery.indexOf('&', at);
    const stop = next < 0 || next > end ? end : next;
    const after = at + name.length;
    if (pathWithQuery.startsWith(name, at) && after <= stop) {
      if (after === stop) return '';
      if (pathWithQuery.charCodeAt(after) === 61) return pathWithQuery.slice(after + 1, stop);
    }
    at = stop + 1;
  }
  return undefined;
}

/** A match made ready: true when all its conditions hold. Throws as {@link compileMatch} does. */
export function prepareMatch(match: RouteMatchConfig): (request: RequestFacts) => boolean {
  const conditions = compileMatch(match);
  return (request) => {
    const path = pathOnly(request.path);
    return conditions.every((condition) => condition.test(request, path));
  };
}

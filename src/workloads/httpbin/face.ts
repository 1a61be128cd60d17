import { canonicalHeaders, canonicalName } from '../echo-basic.ts';
import type { Reply, Request } from '../server.ts';

/** Where the two httpbins differ: kennethreitz/httpbin says values as strings, mccutchen/go-httpbin as lists. */
export interface Face {
  readonly name: 'httpbin' | 'go-httpbin';
  /** A response as the original prints it. */
  json(value: object, status?: number): Reply;
  /** What the original says of a request without a body. */
  describe(request: Request): Record<string, unknown>;
  headers(request: Request): Readonly<Record<string, unknown>>;
  origin(request: Request): string;
}

/** kennethreitz/httpbin: sorted keys, single values. */
export const pythonFace: Face = {
  name: 'httpbin',
  json: (value, status = 200) => ({ status, headers: { 'content-type': 'application/json' }, body: `${JSON.stringify(sorted(value), null, 2)}\n` }),
  describe: (request) => ({ args: single(request.query), headers: pythonFace.headers(request), origin: pythonFace.origin(request), url: urlOf(request) }),
  headers: (request) => Object.fromEntries([...allHeaders(request)].map(([name, values]) => [name, values.join(',')])),
  origin: ({ headers, remote }) => first(headers['x-forwarded-for']) ?? remote,
};

/** mccutchen/go-httpbin: lists of values, and the method. */
export const goFace: Face = {
  name: 'go-httpbin',
  json: (value, status = 200) => ({ status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: `${JSON.stringify(value, null, 2)}\n` }),
  describe: (request) => ({ args: lists(request.query), headers: goFace.headers(request), method: request.method, origin: goFace.origin(request), url: urlOf(request) }),
  headers: (request) => Object.fromEntries([...allHeaders(request)].sort(([a], [b]) => a.localeCompare(b))),
  origin: ({ headers, remote }) => first(headers['x-forwarded-for'])?.split(',')[0]?.trim() ?? remote,
};

/** What a request's body says: `data`, `form`, `files`, `json`. */
export function describeBody(request: Request, face: Face): Record<string, unknown> {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const text = request.body.toString('utf8');
  if (type === 'application/x-www-form-urlencoded') {
    const form = new URLSearchParams(text);
    return { data: '', files: {}, form: face.name === 'httpbin' ? single(form) : lists(form), json: null };
  }
  const printable = /^(text\/|application\/(json|xml|graphql)|$)/.test(type);
  return { data: printable ? text : `data:${type};base64,${request.body.toString('base64')}`, files: {}, form: {}, json: type.endsWith('json') || type === '' ? parsed(text) : null };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function urlOf({ headers, target, secure }: Request): string {
  return `${first(headers['x-forwarded-proto']) ?? (secure ? 'https' : 'http')}://${headers.host ?? ''}${target}`;
}

function allHeaders(request: Request): ReadonlyMap<string, readonly string[]> {
  const host = request.rawHeaders.filter(([name]) => canonicalName(name) === 'Host').map(([, value]) => value);
  return new Map([...Object.entries(canonicalHeaders(request)), ['Host', host]]);
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}

function lists(parameters: URLSearchParams): Record<string, readonly string[]> {
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]));
}

function single(parameters: URLSearchParams): Record<string, string | readonly string[]> {
  return Object.fromEntries(Object.entries(lists(parameters)).map(([name, values]) => [name, values.length === 1 ? values[0] ?? '' : values]));
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

import { Headers, isAuthority, ProtocolError } from '../http1/index.ts';
import type { Variation } from './block-memory.ts';
import type { FieldBlock } from './hpack-decoder.ts';

/** A request's header section, judged. It is remembered with its block: nobody may change it. */
export interface RequestFields {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly contentLength: number | undefined;
  readonly expectContinue: boolean;
  /** Where the block's fields went: places in `values`, or {@link special}, or {@link pathPlace}. */
  readonly places: readonly number[];
  /** The protocol that an extended CONNECT asks for, lower-case; else empty. */
  readonly upgrade: string;
}

/** A response's header section, judged. */
export interface ResponseFields {
  readonly status: number;
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly contentLength: number | undefined;
  readonly places: readonly number[];
}

/** A malformed message: its stream is reset, nothing is answered. */
const reset = 0;
/** The place of a field that means more than itself. */
const special = -1;
const pathPlace = -2;

interface Regular {
  readonly names: string[];
  readonly values: string[];
  readonly places: number[];
  host: string | undefined;
  contentLength: number | undefined;
  expect: string;
}

/** Judges a request's section. Throws {@link ProtocolError}; its status is 0 where the stream is to be reset. Source: RFC 9113 section 8.3.1. */
export function requestFields(block: FieldBlock): RequestFields {
  const known = block.parsed;
  if (known !== undefined) return known as RequestFields;
  const again = requestAgain(block);
  if (again !== undefined) return again;
  const pseudo = { ':method': '', ':scheme': '', ':authority': '', ':path': '', ':protocol': '' };
  const regular = split(block, pseudo);
  const upgrade = pseudo[':protocol'].toLowerCase();
  // As over HTTP/1.1, where a switch of protocols is asked for with GET.
  const method = upgrade !== '' && pseudo[':method'] === 'CONNECT' ? 'GET' : pseudo[':method'];
  if (!/^[A-Z][A-Z_-]{0,31}$/.test(method)) throw new ProtocolError('http2.invalid_method', method === '' ? reset : 400);
  if (upgrade !== '' && pseudo[':method'] !== 'CONNECT') throw new ProtocolError('http2.invalid_pseudo_header', reset);
  if (method === 'CONNECT') throw new ProtocolError('http2.connect_not_supported', 405);
  if (pseudo[':scheme'] === '' || pseudo[':path'] === '') throw new ProtocolError('http2.missing_pseudo_header', reset);
  if (pseudo[':scheme'] !== 'http' && pseudo[':scheme'] !== 'https') throw new ProtocolError('http2.invalid_scheme');
  const { names, values, places, contentLength } = regular;
  if (regular.expect !== '' && regular.expect !== '100-continue') throw new ProtocolError('http2.expectation_failed', 417);
  const fields: RequestFields = {
    method, path: checkedPath(method, pseudo[':path']), authority: authorityOf(pseudo[':authority'], regular.host), names, values, places, contentLength,
    expectContinue: regular.expect !== '', upgrade,
  };
  block.parsed = fields;
  return fields;
}

/** Judges a response's section. Throws {@link ProtocolError}. Source: RFC 9113 section 8.3.2. */
export function responseFields(block: FieldBlock): ResponseFields {
  const known = block.parsed;
  if (known !== undefined) return known as ResponseFields;
  const again = responseAgain(block);
  if (again !== undefined) return again;
  const pseudo = { ':status': '' };
  const { names, values, places, contentLength } = split(block, pseudo);
  if (!/^[1-5]\d\d$/.test(pseudo[':status'])) throw new ProtocolError('http2.invalid_status', 502);
  const status = Number(pseudo[':status']);
  // A switch of protocols does not exist in HTTP/2.
  if (status === 101) throw new ProtocolError('http2.unexpected_upgrade', 502);
  const fields: ResponseFields = { status, names, values, places, contentLength };
  block.parsed = fields;
  return fields;
}

/** A section that is like one that was judged, but for its path and fields that mean nothing to us. */
function requestAgain({ variation }: FieldBlock): RequestFields | undefined {
  const judged = variation?.of.parsed as RequestFields | undefined;
  if (variation === undefined || judged === undefined) return undefined;
  const at = variation.fields.findIndex((field) => judged.places[field] === pathPlace);
  const values = valuesAgain(variation, judged);
  if (values === undefined || variation.values[at] === '') return undefined;
  return { ...judged, values, path: at < 0 ? judged.path : checkedPath(judged.method, variation.values[at] as string) };
}

function responseAgain({ variation }: FieldBlock): ResponseFields | undefined {
  const judged = variation?.of.parsed as ResponseFields | undefined;
  const values = variation === undefined || judged === undefined ? undefined : valuesAgain(variation, judged);
  return judged === undefined || values === undefined ? undefined : { ...judged, values };
}

function valuesAgain({ fields, values }: Variation, judged: RequestFields | ResponseFields): string[] | undefined {
  const all = judged.values.slice();
  for (let index = 0; index < fields.length; index++) {
    const place = judged.places[fields[index] as number] as number;
    if (place === special) return undefined;
    if (place !== pathPlace) all[place] = values[index] as string;
  }
  return all;
}

/** Judges a trailer section: no pseudo-header fields, and nothing that would frame or route a message. Throws {@link ProtocolError}. */
export function trailerFields(block: FieldBlock): Headers {
  const { names, values, contentLength, host } = split(block, {});
  if (contentLength !== undefined || host !== undefined) throw new ProtocolError('http2.invalid_trailer', reset);
  return Headers.from(names, values);
}

/** Sorts a section: pseudo-header fields first, each known and once; what belongs to one connection is malformed. */
function split(block: FieldBlock, pseudo: Record<string, string>): Regular {
  if (block.problem !== undefined) throw new ProtocolError(block.problem, reset);
  const regular: Regular = { names: [], values: [], places: [], host: undefined, contentLength: undefined, expect: '' };
  let cookie = -1;
  let begun = false;
  for (let index = 0; index < block.names.length; index++) {
    const name = block.names[index] as string;
    const value = block.values[index] as string;
    if (name.charCodeAt(0) === 58) {
      if (begun || pseudo[name] !== '' || (value === '' && name !== ':authority')) throw new ProtocolError('http2.invalid_pseudo_header', reset);
      pseudo[name] = value;
      regular.places.push(name === ':path' ? pathPlace : special);
      continue;
    }
    begun = true;
    let place = special;
    if (name === 'cookie' && cookie >= 0) {
      // Crumbs are one field again, RFC 9113 section 8.2.3.
      regular.values[cookie] += `; ${value}`;
      const first = regular.places.indexOf(cookie);
      if (first >= 0) regular.places[first] = special;
    } else if (keep(regular, name, value)) {
      if (name !== 'content-length') place = regular.names.length;
      if (name === 'cookie') cookie = regular.names.length;
      regular.names.push(name);
      regular.values.push(value);
    }
    regular.places.push(place);
  }
  return regular;
}

/** False for fields that stop here. */
function keep(regular: Regular, name: string, value: string): boolean {
  switch (name) {
    case 'connection': case 'proxy-connection': case 'keep-alive': case 'transfer-encoding': case 'upgrade':
      throw new ProtocolError('http2.connection_header', reset);
    case 'te':
      if (value.toLowerCase() !== 'trailers') throw new ProtocolError('http2.invalid_te', reset);
      return false;
    case 'host':
      if (regular.host !== undefined) throw new ProtocolError('http2.multiple_hosts', reset);
      regular.host = value;
      return false;
    case 'content-length':
      if (regular.contentLength !== undefined || !/^\d{1,15}$/.test(value)) throw new ProtocolError('http2.invalid_content_length', reset);
      regular.contentLength = Number(value);
      return true;
    case 'expect':
      regular.expect = value.toLowerCase();
      return false;
    default:
      return true;
  }
}

/** One meaning for policy and routing: `:authority` and Host must agree where both are given. */
function authorityOf(authority: string, host: string | undefined): string {
  if (authority !== '' && host !== undefined && host.toLowerCase() !== authority.toLowerCase()) throw new ProtocolError('http2.conflicting_hosts');
  const chosen = authority === '' ? host ?? '' : authority;
  if (!isAuthority(chosen)) throw new ProtocolError(chosen === '' ? 'http2.missing_authority' : 'http2.invalid_authority');
  return chosen;
}

function checkedPath(method: string, path: string): string {
  if (path === '*' && method === 'OPTIONS') return path;
  if (!path.startsWith('/') || !/^[\x21-\x7e]+$/.test(path)) throw new ProtocolError('http2.invalid_path');
  if (path.length > maxPath) throw new ProtocolError('http2.uri_too_long', 414);
  if (path.includes('%') && /%00|%0d%0a/i.test(path.split('?', 1)[0] as string)) throw new ProtocolError('http2.invalid_path');
  return path;
}

const maxPath = 16 * 1024;

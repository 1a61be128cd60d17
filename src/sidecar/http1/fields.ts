import { Headers } from './headers.ts';
import { ProtocolError } from './protocol-error.ts';

/** How a message body is delimited: a length, chunks, or the end of the connection. */
export type Framing = number | 'chunked' | 'close';

/** Most fields of one head or trailer section. */
export const maxFields = 100;

/** Header fields as read, with what they say about the connection taken out of the map. */
export interface Fields {
  readonly headers: Headers;
  /** `undefined` when there was none; more than one is refused. */
  readonly host: string | undefined;
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly connectionUpgrade: boolean;
  readonly upgrade: string;
  readonly expect: string;
  /** From `Keep-Alive: timeout=N`, in seconds. */
  readonly keepAliveTimeout: number | undefined;
  /** `HTTP2-Settings`, when there is exactly one and Connection names it. */
  readonly http2Settings: string | undefined;
}

interface MutableFields {
  headers: Headers;
  host: string | undefined;
  contentLength: number | undefined;
  chunked: boolean;
  close: boolean;
  keepAlive: boolean;
  connectionUpgrade: boolean;
  upgrade: string;
  expect: string;
  keepAliveTimeout: number | undefined;
  http2Settings: string | undefined;
  connection: string;
}

const token = 1;
const upper = 2;
const fieldValue = 4;

/** Classes of characters, RFC 9110 section 5.6.2 (token) and 5.5 (field value). */
const classes = characterClasses();

function characterClasses(): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") table[character.charCodeAt(0)] = token;
  for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') table[character.charCodeAt(0)] = token | upper;
  for (let code = 0x20; code < 256; code++) if (code !== 0x7f) table[code] = (table[code] as number) | fieldValue;
  table[9] = fieldValue;
  return table;
}

/**
 * Reads the field lines of `text` from `start` to `end`, which is just behind the last line's CRLF; `bytes` are the same in latin1, which is
 * what is looked at: a byte of a buffer costs a third of a character of a string. Strict: a line is `name:value CRLF`,
 * the name a token, no folding, no bare CR or LF, no control characters. Source: RFC 9112 section 5.
 */
export function parseFields(text: string, bytes: Uint8Array, start: number, end: number): Fields {
  const fields: MutableFields = {
    headers: new Headers(text), host: undefined, contentLength: undefined, chunked: false, close: false, keepAlive: false, connectionUpgrade: false,
    upgrade: '', expect: '', keepAliveTimeout: undefined, http2Settings: undefined, connection: '',
  };
  let index = start;
  let count = 0;
  while (index < end) {
    if (++count > maxFields) throw new ProtocolError('http1.too_many_headers', 431);
    const nameStart = index;
    let seen = 0;
    let kind = classes[bytes[index] as number] as number;
    while ((kind & token) !== 0) {
      seen |= kind;
      kind = classes[bytes[++index] as number] as number;
    }
    if (index === nameStart || bytes[index] !== 58) throw new ProtocolError('http1.invalid_header_name');
    const name = (seen & upper) === 0 ? text.slice(nameStart, index) : text.slice(nameStart, index).toLowerCase();
    index++;
    let code = bytes[index];
    while (code === 32 || code === 9) code = bytes[++index];
    const valueStart = index;
    while (((classes[code as number] as number) & fieldValue) !== 0) code = bytes[++index];
    if (code !== 13 || bytes[index + 1] !== 10) throw new ProtocolError('http1.invalid_header_value');
    let valueEnd = index;
    for (code = bytes[valueEnd - 1]; valueEnd > valueStart && (code === 32 || code === 9); code = bytes[valueEnd - 1]) valueEnd--;
    index += 2;
    take(fields, name, text.slice(valueStart, valueEnd), nameStart, index);
  }
  if (fields.connection !== '') readConnection(fields);
  if (fields.chunked && fields.contentLength !== undefined) throw new ProtocolError('http1.content_length_and_chunked_not_allowed');
  return fields;
}

/** Sorts one field: framing and hop-by-hop fields are judged here and go no further. */
function take(fields: MutableFields, name: string, value: string, start: number, end: number): void {
  switch (name.length) {
    case 2:
      if (name === 'te') return;
      break;
    case 4:
      if (name !== 'host') break;
      if (fields.host !== undefined) throw new ProtocolError('http1.multiple_hosts');
      fields.host = value;
      return;
    case 6:
      if (name !== 'expect') break;
      fields.expect = value.toLowerCase();
      return;
    case 7:
      if (name !== 'upgrade') break;
      fields.upgrade = value;
      return;
    case 10:
      if (name === 'connection') {
        fields.connection = fields.connection === '' ? value : `${fields.connection},${value}`;
        return;
      }
      if (name !== 'keep-alive') break;
      fields.keepAliveTimeout = keepAliveTimeout(value);
      return;
    case 14:
      if (name !== 'content-length') break;
      if (fields.contentLength !== undefined) throw new ProtocolError('http1.multiple_content_lengths');
      fields.contentLength = contentLength(value);
      break;
    case 16:
      if (name === 'proxy-connection') return;
      break;
    case 17:
      if (name !== 'transfer-encoding') break;
      if (fields.chunked || value.toLowerCase() !== 'chunked') throw new ProtocolError('http1.invalid_transfer_encoding');
      fields.chunked = true;
      return;
  }
  fields.headers.push(name, value, start, end);
}

function contentLength(value: string): number {
  if (value === '' || value.length > 15) throw new ProtocolError('http1.invalid_content_length');
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) throw new ProtocolError('http1.invalid_content_length');
    length = length * 10 + digit;
  }
  return length;
}

function keepAliveTimeout(value: string): number | undefined {
  const match = /(?:^|[,\s])timeout=(\d{1,9})/i.exec(value);
  return match === null ? undefined : Number(match[1]);
}

/** Fields that `Connection` names are for this hop only; what we rebuild ourselves is not the peer's to remove. */
function readConnection(fields: MutableFields): void {
  if (fields.connection === 'keep-alive') {
    fields.keepAlive = true;
    return;
  }
  for (const option of fields.connection.toLowerCase().split(',')) {
    const name = option.trim();
    if (name === 'close') fields.close = true;
    else if (name === 'keep-alive') fields.keepAlive = true;
    else if (name === 'upgrade') fields.connectionUpgrade = true;
    else if (name === 'http2-settings') fields.http2Settings = soleValue(fields.headers, name);
    else if (name !== '' && name !== 'content-length') fields.headers.delete(name);
  }
}

/** Takes a field out; its value when it stood there once. */
function soleValue(headers: Headers, name: string): string | undefined {
  const value = headers.joined(name);
  headers.delete(name);
  return value?.includes(',') === true ? undefined : value;
}

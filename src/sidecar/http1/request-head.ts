import { parseFields, type Fields, type Framing } from './fields.ts';
import type { Headers } from './headers.ts';
import { ProtocolError } from './protocol-error.ts';

/** What a request's head says, whatever version it came in; checked. */
export interface RequestLine {
  readonly method: string;
  /** Origin form: path and query; `*` only for OPTIONS. */
  readonly path: string;
  /** Empty only on HTTP/1.0 without Host. */
  readonly authority: string;
  readonly headers: Headers;
  /** Lower-case, e.g. `websocket`; empty when the caller asks for no other protocol. */
  readonly upgrade: string;
  /** It came over HTTP/2. */
  readonly http2: boolean;
  /** `Expect: 100-continue`. */
  readonly expectContinue: boolean;
  readonly http10?: boolean;
}

/** The head of an HTTP/1.x request; nothing in it is the raw text of the peer's framing. */
export interface RequestHead extends RequestLine {
  readonly framing: Framing;
  /** The connection may carry another request. */
  readonly keepAlive: boolean;
  readonly http10: boolean;
  /** With `Upgrade: h2c`: what HTTP/2's SETTINGS would say, in base64url. */
  readonly http2Settings: string | undefined;
}

/** Longest request target. */
export const maxTarget = 16 * 1024;

/** Parses a request head: `text` up to and with the empty line, and the same as bytes. Throws {@link ProtocolError} with the status to answer. Source: RFC 9112. */
export function parseRequestHead(text: string, bytes: Uint8Array): RequestHead {
  // One empty line in front is forgiven: RFC 9112 section 2.2.
  const start = text.startsWith('\r\n') ? 2 : 0;
  const lineEnd = text.indexOf('\r\n', start);
  const methodEnd = text.indexOf(' ', start);
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  if (methodEnd <= start || targetEnd < 0 || targetEnd > lineEnd) throw new ProtocolError('http1.invalid_request_line');
  const method = text.slice(start, methodEnd);
  if (!isMethod(method)) throw new ProtocolError('http1.invalid_method');
  const http10 = minorVersion(text, targetEnd + 1, lineEnd) === 0;
  const fields = parseFields(text, bytes, lineEnd + 2, text.length - 2);
  const target = text.slice(methodEnd + 1, targetEnd);
  if (target.length > maxTarget) throw new ProtocolError('http1.uri_too_long', 414);
  const origin = originForm(method, target);
  const authority = authorityOf(origin.authority, fields.host, http10);
  if (http10 && fields.chunked) throw new ProtocolError('http1.transfer_encoding_in_http10');
  if (fields.expect !== '' && fields.expect !== '100-continue') throw new ProtocolError('http1.expectation_failed', 417);
  return {
    method, path: origin.path, authority, headers: fields.headers, framing: fields.chunked ? 'chunked' : fields.contentLength ?? 0,
    keepAlive: http10 ? fields.keepAlive && !fields.close : !fields.close, http10, expectContinue: fields.expect !== '' && !http10, upgrade: upgradeOf(fields, http10),
    http2: false, http2Settings: fields.http2Settings,
  };
}

function isMethod(method: string): boolean {
  if (method === 'GET' || method === 'POST') return true;
  return /^[A-Z][A-Z_-]{0,31}$/.test(method);
}

function minorVersion(text: string, start: number, end: number): 0 | 1 {
  const version = text.slice(start, end);
  if (version === 'HTTP/1.1') return 1;
  if (version === 'HTTP/1.0') return 0;
  throw /^HTTP\/\d\.\d$/.test(version) ? new ProtocolError('http1.unsupported_version', 505) : new ProtocolError('http1.invalid_version');
}

function originForm(method: string, target: string): { readonly path: string; readonly authority: string | undefined } {
  if (!isVisible(target)) throw new ProtocolError('http1.invalid_target');
  if (method === 'CONNECT') throw new ProtocolError('http1.connect_not_supported', 405);
  if (target.startsWith('/') || target.startsWith('\\')) return { path: checkedPath(target), authority: undefined };
  if (target === '*' && method === 'OPTIONS') return { path: target, authority: undefined };
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(target);
  if (absolute === null || !isAuthority(absolute[1] as string)) throw new ProtocolError('http1.invalid_target');
  const rest = absolute[2] as string;
  return { path: checkedPath(rest.startsWith('/') ? rest : `/${rest}`), authority: absolute[1] as string };
}

/** Escaped NUL and line ends in a path have no honest use, and the next hop may decode them. */
function checkedPath(path: string): string {
  if (path.includes('%')) {
    const query = path.indexOf('?');
    if (/%00|%0d%0a/i.test(query < 0 ? path : path.slice(0, query))) throw new ProtocolError('http1.invalid_path');
  }
  return path;
}

/** The target's authority replaces Host (RFC 9112 section 3.2.2), but both must be usable. */
function authorityOf(target: string | undefined, host: string | undefined, http10: boolean): string {
  if (host === undefined) {
    if (!http10) throw new ProtocolError('http1.missing_host');
    return target ?? '';
  }
  if (!isAuthority(host)) throw new ProtocolError('http1.invalid_host');
  return target ?? host;
}

/** `host[:port]`: a registered name, an IPv4 address or an IPv6 literal; no user, no list, no path. */
export function isAuthority(authority: string): boolean {
  if (isPlainHost(authority)) return true;
  const match = /^(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/.exec(authority);
  return match !== null && (match[1] === undefined || Number(match[1]) <= 65_535);
}

/** Visible ASCII, and some of it. */
function isVisible(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return text !== '';
}

/** The usual case of an authority: a name or IPv4 address, and perhaps a port. */
function isPlainHost(authority: string): boolean {
  const { length } = authority;
  let at = 0;
  while (at < length && isHostCharacter(authority.charCodeAt(at))) at++;
  if (at === 0 || at > 255) return false;
  if (at === length) return true;
  if (authority.charCodeAt(at) !== 58 || at + 1 === length || length - at > 6) return false;
  let port = 0;
  while (++at < length) {
    const digit = authority.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}

function isHostCharacter(code: number): boolean {
  return (code >= 97 && code <= 122) || isDigit(code) || code === 45 || code === 46 || (code >= 65 && code <= 90) || code === 95 || code === 126;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function upgradeOf(fields: Fields, http10: boolean): string {
  if (!fields.connectionUpgrade || fields.upgrade === '' || http10) return '';
  const upgrade = fields.upgrade.toLowerCase();
  if (upgrade === 'websocket' && (fields.chunked || (fields.contentLength ?? 0) > 0)) throw new ProtocolError('http1.upgrade_with_body');
  return upgrade;
}

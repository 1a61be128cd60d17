import { parseFields, type Framing } from './fields.ts';
import type { Headers } from './headers.ts';
import { ProtocolError } from './protocol-error.ts';

/** A response's head, checked. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: Headers;
  readonly framing: Framing;
  readonly keepAlive: boolean;
  /** The protocol that a 101 switches to. */
  readonly upgrade: string;
  readonly keepAliveTimeout: number | undefined;
}

/** Parses a response head: `text` up to and with the empty line, and the same as bytes. Throws {@link ProtocolError}. Source: RFC 9112. */
export function parseResponseHead(text: string, bytes: Uint8Array, requestMethod: string): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const http10 = text.startsWith('HTTP/1.0 ');
  if (!http10 && !text.startsWith('HTTP/1.1 ')) throw new ProtocolError('http1.invalid_status_line', 502);
  const status = statusCode(text, lineEnd);
  const fields = parseFields(text, bytes, lineEnd + 2, text.length - 2);
  if (http10 && fields.chunked) throw new ProtocolError('http1.transfer_encoding_in_http10', 502);
  const bodiless = requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304;
  if (status < 200 && (fields.chunked || fields.contentLength !== undefined)) throw new ProtocolError('http1.framing_in_informational', 502);
  // A 204 that announces a body: what follows cannot be trusted to be the next response.
  const liar = status === 204 && (fields.chunked || (fields.contentLength ?? 0) > 0);
  if (status === 204) fields.headers.delete('content-length');
  const framing: Framing = bodiless ? 0 : fields.chunked ? 'chunked' : fields.contentLength ?? 'close';
  const keepAlive = framing !== 'close' && !liar && (http10 ? fields.keepAlive && !fields.close : !fields.close);
  return { status, headers: fields.headers, framing, keepAlive, upgrade: fields.connectionUpgrade ? fields.upgrade.toLowerCase() : '', keepAliveTimeout: fields.keepAliveTimeout };
}

function isReason(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if ((code < 0x20 && code !== 9) || code === 0x7f) return false;
  }
  return true;
}

function statusCode(text: string, lineEnd: number): number {
  const a = text.charCodeAt(9) - 48;
  const b = text.charCodeAt(10) - 48;
  const c = text.charCodeAt(11) - 48;
  const digits = a >= 1 && a <= 5 && b >= 0 && b <= 9 && c >= 0 && c <= 9;
  // The reason phrase is dropped, but a line end or control in it would still split the head.
  if (!digits || (lineEnd !== 12 && text.charCodeAt(12) !== 32) || !isReason(text, 12, lineEnd)) throw new ProtocolError('http1.invalid_status_line', 502);
  return a * 100 + b * 10 + c;
}

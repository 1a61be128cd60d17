import type { HeaderMap, UpstreamRequest, HttpResponse } from '../hooks.ts';
import { printable, type Headers } from './headers.ts';

/**
 * The head of a request for HTTP/1.1, from scratch: Host and framing are ours, hop-by-hop fields were left behind by the parser.
 * Bodies of unknown length are sent in chunks.
 */
export function encodeRequestHead(request: UpstreamRequest): string {
  let head = `${request.method} ${wireSafe(request.path)} HTTP/1.1\r\nhost: ${wireSafe(request.authority)}\r\n${(request.headers as Headers).lines()}`;
  const { length } = request.body;
  if (request.expectContinue === true) head += 'expect: 100-continue\r\n';
  if (request.upgrade !== '') head += `connection: Upgrade\r\nupgrade: ${request.upgrade}\r\n`;
  else if (length === undefined) head += 'transfer-encoding: chunked\r\n';
  else if (length > 0 || takesBody(request.method)) head += `content-length: ${length}\r\n`;
  return `${head}\r\n`;
}

/** A response before the real one. Source: RFC 9110 section 15.2. */
export function encodeInformational(status: number, headers: HeaderMap): string {
  return `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n${(headers as Headers).lines()}\r\n`;
}

/** How a response is framed for the caller that is there. */
export interface ResponseFraming {
  readonly http10: boolean;
  /** The response to HEAD, or a status without body. */
  readonly bodiless: boolean;
  readonly keepAlive: boolean;
}

/** The head of a response. */
export function encodeResponseHead(response: HttpResponse, framing: ResponseFraming): string {
  const { status } = response;
  const headers = response.headers as Headers;
  let head = `HTTP/1.1 ${status} ${reasons[status] ?? ''}\r\n${headers.lines()}`;
  if (status === 101) return head;
  const { length } = response.body;
  if (framing.bodiless) {
    // A response to HEAD, and a 304, say how long the body would be.
    const would = status === 204 ? undefined : (length === 0 ? headers.get('content-length') : length?.toString());
    if (would !== undefined) head += `content-length: ${would}\r\n`;
  } else if (length !== undefined) head += `content-length: ${length}\r\n`;
  else if (!framing.http10) head += 'transfer-encoding: chunked\r\n';
  if (!framing.keepAlive) head += 'connection: close\r\n';
  else if (framing.http10) head += 'connection: keep-alive\r\n';
  return `${head}\r\n`;
}

/** A path or authority that config may have rewritten: what cannot stand in a request line is escaped. */
function wireSafe(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x21 || code > 0x7e) return escaped(text);
  }
  return text;
}

function escaped(text: string): string {
  return printable(text).replace(/[^\x21-\x7e]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function takesBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}

const reasons: Readonly<Record<number, string>> = {
  100: 'Continue', 101: 'Switching Protocols', 102: 'Processing', 103: 'Early Hints', 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'No Content', 206: 'Partial Content', 301: 'Moved Permanently', 302: 'Found', 303: 'See Other',
  304: 'Not Modified', 307: 'Temporary Redirect', 308: 'Permanent Redirect', 400: 'Bad Request', 401: 'Unauthorized', 403: 'Forbidden', 404: 'Not Found', 405: 'Method Not Allowed',
  408: 'Request Timeout', 409: 'Conflict', 410: 'Gone', 411: 'Length Required', 412: 'Precondition Failed', 413: 'Payload Too Large', 414: 'URI Too Long',
  415: 'Unsupported Media Type', 417: 'Expectation Failed', 418: 'I\'m a teapot', 421: 'Misdirected Request', 422: 'Unprocessable Content', 425: 'Too Early', 426: 'Upgrade Required', 428: 'Precondition Required',
  429: 'Too Many Requests', 431: 'Request Header Fields Too Large', 500: 'Internal Server Error', 501: 'Not Implemented', 502: 'Bad Gateway', 503: 'Service Unavailable',
  504: 'Gateway Timeout', 505: 'HTTP Version Not Supported',
};

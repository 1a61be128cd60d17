import type { HttpResponse } from '../hooks.ts';
import { Headers, ReadyBody } from '../http1/index.ts';

/** A response of this proxy's own; text is sent as `text/plain`, as Envoy's local replies are. */
export function localReply(status: number, text: string, headers: readonly (readonly [string, string])[] = []): HttpResponse {
  const map = new Headers();
  for (const [name, value] of headers) map.add(name, value);
  if (text !== '' && !map.has('content-type')) map.push('content-type', 'text/plain');
  const body = new ReadyBody(Buffer.from(text, 'utf8'));
  if (status !== 204 && status !== 304) map.put('content-length', String(body.length));
  return { status, headers: map, body };
}

/**
 * Turns a reply of this proxy's own into what a gRPC client understands: 200 with the status in the head, which is a trailers-only response.
 * Redirects, and replies that have a gRPC status already, stay what they are. Source: Envoy, local replies; gRPC, "HTTP to gRPC status code mapping".
 */
export function grpcReply(response: HttpResponse): HttpResponse {
  const { status, headers, body } = response;
  if ((status >= 300 && status < 400) || status < 200 || headers.has('grpc-status')) return response;
  const text = body.ready?.toString('utf8') ?? '';
  headers.set('content-type', 'application/grpc');
  headers.set('grpc-status', String(grpcStatuses[status] ?? unknown));
  if (text !== '') headers.set('grpc-message', percentEncoded(text));
  headers.delete('content-length');
  return { status: 200, headers, body: ReadyBody.empty };
}

/** What is not printable ASCII, and the percent sign, byte by byte. */
function percentEncoded(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1').replace(/[^\x20-\x24\x26-\x7e]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** The HTTP status that a gRPC status is worth, as outlier detection counts it; a status that is missing or unknown is worth 500. Source: Envoy, "Outlier detection", gRPC. */
export function httpStatusOf(grpcStatus: string): number {
  return (/^\d{1,2}$/.test(grpcStatus) ? httpStatuses[Number(grpcStatus)] : undefined) ?? 500;
}

/** From OK to UNAUTHENTICATED, by number. */
const httpStatuses: readonly number[] = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];
const unknown = 2;
const grpcStatuses: Readonly<Record<number, number>> = { 400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14 };

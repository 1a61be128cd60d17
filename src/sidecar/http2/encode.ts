import type { HeaderMap, UpstreamRequest, HttpResponse } from '../hooks.ts';
import type { Headers } from '../http1/index.ts';
import type { HpackEncoder } from './hpack-encoder.ts';

/** The head of a request. Host is `:authority`; a length that was announced is announced again. */
export function encodeRequest(encoder: HpackEncoder, request: UpstreamRequest): string {
  const grpc = isGrpc(request.headers as Headers) ? encoder.field('te', 'trailers') : '';
  return encoder.common(':method', request.method) + encoder.common(':scheme', request.scheme) + encoder.field(':authority', wireSafe(request.authority))
    + encoder.common(':path', wireSafe(request.path)) + fields(encoder, request.headers as Headers, request.body.length) + grpc + (request.expectContinue === true ? encoder.field('expect', '100-continue') : '');
}

/** A response before the real one. */
export function encodeInformational(encoder: HpackEncoder, status: number, headers: HeaderMap): string {
  return encoder.common(':status', String(status)) + fields(encoder, headers as Headers, 'as said');
}

/** The head of a response; a response to HEAD keeps the length that its body would have. */
export function encodeResponse(encoder: HpackEncoder, response: HttpResponse, bodiless: boolean): string {
  return encoder.common(':status', String(response.status)) + fields(encoder, response.headers as Headers, bodiless ? 'as said' : response.body.length);
}

function fields(encoder: HpackEncoder, { names, values }: Headers, length: number | 'as said' | undefined): string {
  let block = '';
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    let value = values[index] as string;
    if (name === 'content-length' && length !== 'as said') {
      if (length === undefined) continue;
      value = String(length);
    }
    block += encoder.regular(name, value);
  }
  return block;
}

/** Whether a message is gRPC by its content type. */
export function isGrpc(headers: Headers): boolean {
  return headers.get('content-type')?.startsWith('application/grpc') === true;
}

/** A path or authority that config may have rewritten: what cannot stand there is escaped. */
function wireSafe(text: string): string {
  return /[^\x21-\x7e]/.test(text) ? Buffer.from(text, 'latin1').toString('latin1').replace(/[^\x21-\x7e]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`) : text;
}

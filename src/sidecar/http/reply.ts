import type { HttpResponse } from '../hooks.ts';
import { Headers, ReadyBody } from '../http1/index.ts';

/** A response of this proxy's own; text is sent as `text/plain`, as Envoy's local replies are. */
export function localReply(status: number, text: string, headers: readonly (readonly [string, string])[] = []): HttpResponse {
  const map = new Headers();
  for (const [name, value] of headers) map.add(name, value);
  if (text !== '' && !map.has('content-type')) map.push('content-type', 'text/plain');
  return { status, headers: map, body: new ReadyBody(Buffer.from(text, 'utf8')) };
}

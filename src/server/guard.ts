import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Why a request is refused. Data, so that tests and logs can name it. */
export type Refusal = 'host' | 'origin' | 'fetch-site' | 'content-type' | 'token';

/** Who may speak to this server: exact hosts, exact origins, one token. */
export interface Guard {
  /** Refuses a request whose Host or Origin is not ours. A page of another site, or a name that was rebound to 127.0.0.1, ends here. */
  request(headers: IncomingHttpHeaders): Refusal | undefined;
  /** Refuses a call: the above, and anything that a browser can send without asking first (forms, `no-cors`, navigation), and a wrong token. */
  call(headers: IncomingHttpHeaders): Refusal | undefined;
  /** Compares in constant time. */
  token(candidate: unknown): boolean;
}

/** Makes the guard of a server that listens on this port of the loopback address. */
export function createGuard(port: number, token: string): Guard {
  const hosts = new Set([`127.0.0.1:${port}`, `localhost:${port}`]);
  const isToken = tokenCheck(token);
  const request = (headers: IncomingHttpHeaders): Refusal | undefined => {
    if (!hosts.has(headers.host ?? '')) return 'host';
    // The page's own origin, and nobody else: `null`, file:// and other ports are somebody else.
    return headers.origin === undefined || headers.origin === `http://${headers.host}` ? undefined : 'origin';
  };
  const call = (headers: IncomingHttpHeaders): Refusal | undefined =>
    request(headers) ??
    (sameSite(headers) ? undefined : 'fetch-site') ??
    (isJson(headers['content-type']) ? undefined : 'content-type') ??
    (isToken(bearer(headers.authorization)) ? undefined : 'token');
  return { request, call, token: isToken };
}

/** Browsers say where a request comes from; scripts say nothing. */
function sameSite(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site'];
  return site === undefined || site === 'same-origin';
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json(\s*;\s*charset=utf-8)?$/i.test(contentType ?? '');
}

function bearer(authorization: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]+)$/.exec(authorization ?? '')?.[1];
}

function tokenCheck(token: string): (candidate: unknown) => boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(token);
  return (candidate) => typeof candidate === 'string' && timingSafeEqual(digest(candidate), expected);
}

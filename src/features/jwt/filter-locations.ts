import { withoutParameter, type TokenCarrier, type TokenPlace } from '../../routing/index.ts';
import type { HttpRequest } from '../../sidecar/hooks.ts';

/** A request as something that carries tokens. */
export function carrier({ path, headers }: HttpRequest): TokenCarrier {
  return { path, header: (name) => headers.joined(name), cookies: () => cookiesOf(headers) };
}

/** Takes a token out of a request. */
export function removeToken(request: HttpRequest, { kind, name }: TokenPlace): void {
  if (kind === 'header') request.headers.delete(name);
  else if (kind === 'parameter') request.path = withoutParameter(request.path, name);
  else removeCookie(request.headers, name);
}

function cookiesOf(headers: HttpRequest['headers']): readonly string[] {
  return [...headers.entries()].filter(([header]) => header === 'cookie').flatMap(([, value]) => value.split(';')).map((cookie) => cookie.trim());
}

function removeCookie(headers: HttpRequest['headers'], name: string): void {
  const kept = cookiesOf(headers).filter((cookie) => !cookie.startsWith(`${name}=`));
  if (kept.length === 0) headers.delete('cookie');
  else headers.set('cookie', kept.join('; '));
}

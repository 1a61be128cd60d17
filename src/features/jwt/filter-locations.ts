import { queryParameter } from '../../routing/index.ts';
import type { HttpRequest } from '../../sidecar/hooks.ts';
import type { JwtProvider } from '../../xds/index.ts';

/** A token that a request carries. */
export interface FoundToken {
  readonly token: string;
  /** Where, in plain words: `header authorization`. */
  readonly where: string;
  /** Takes it out of the request. */
  remove(): void;
}

/** The tokens that a request carries where a provider looks; without a place of its own, the authorization header and the parameter access_token. Source: Envoy, JwtProvider. */
export function findTokens(provider: JwtProvider, request: HttpRequest): readonly FoundToken[] {
  const { fromHeaders = [], fromParams = [], fromCookies = [] } = provider;
  const own = fromHeaders.length > 0 || fromParams.length > 0 || fromCookies.length > 0;
  const headers = own ? fromHeaders : [{ name: 'authorization', valuePrefix: 'Bearer ' }];
  const parameters = own ? fromParams : ['access_token'];
  return [
    ...headers.flatMap(({ name = '', valuePrefix = '' }) => inHeader(request, name.toLowerCase(), valuePrefix)),
    ...parameters.flatMap((name) => inParameter(request, name)),
    ...fromCookies.flatMap((name) => inCookie(request, name)),
  ];
}

function inHeader({ headers }: HttpRequest, name: string, prefix: string): readonly FoundToken[] {
  const value = headers.joined(name);
  if (value === undefined || !value.startsWith(prefix)) return [];
  const token = value.slice(prefix.length).trim();
  return [{ token, where: `header ${name}`, remove: () => headers.delete(name) }];
}

function inParameter(request: HttpRequest, name: string): readonly FoundToken[] {
  const token = queryParameter(request.path, name);
  if (token === undefined) return [];
  return [{ token, where: `parameter ${name}`, remove: () => { request.path = withoutParameter(request.path, name); } }];
}

function withoutParameter(path: string, name: string): string {
  const start = path.indexOf('?');
  if (start < 0) return path;
  const kept = path.slice(start + 1).split('&').filter((part) => part !== name && !part.startsWith(`${name}=`));
  return kept.length === 0 ? path.slice(0, start) : `${path.slice(0, start)}?${kept.join('&')}`;
}

function inCookie({ headers }: HttpRequest, name: string): readonly FoundToken[] {
  const cookies = [...headers.entries()].filter(([header]) => header === 'cookie').flatMap(([, value]) => value.split(';')).map((cookie) => cookie.trim());
  const found = cookies.find((cookie) => cookie.startsWith(`${name}=`));
  if (found === undefined) return [];
  const remove = (): void => {
    const kept = cookies.filter((cookie) => !cookie.startsWith(`${name}=`));
    if (kept.length === 0) headers.delete('cookie');
    else headers.set('cookie', kept.join('; '));
  };
  return [{ token: found.slice(name.length + 1).replace(/^"(.*)"$/, '$1'), where: `cookie ${name}`, remove }];
}

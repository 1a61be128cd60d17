import type { JwtProvider } from '../../xds/index.ts';
import { queryParameter } from '../route-matcher.ts';
import type { RequestFacts } from '../types.ts';

/** Where a token was found. */
export interface TokenPlace {
  readonly kind: 'header' | 'parameter' | 'cookie';
  readonly name: string;
}

/** A token that a request carries. */
export interface FoundToken {
  readonly token: string;
  readonly place: TokenPlace;
}

/** What of a request can hold tokens. */
export interface TokenCarrier {
  readonly path: string;
  /** A header's values, joined by commas; names are lower-case. */
  header(name: string): string | undefined;
  /** `name=value` of each cookie. */
  cookies(): readonly string[];
}

/** The tokens that a request carries where a provider looks; without a place of its own, the authorization header and the parameter access_token. Source: Envoy, JwtProvider. */
export function findTokens(provider: JwtProvider, request: TokenCarrier): readonly FoundToken[] {
  const { fromHeaders = [], fromParams = [], fromCookies = [] } = provider;
  const own = fromHeaders.length > 0 || fromParams.length > 0 || fromCookies.length > 0;
  const headers = own ? fromHeaders : [{ name: 'authorization', valuePrefix: 'Bearer ' }];
  const parameters = own ? fromParams : ['access_token'];
  const found = (kind: TokenPlace['kind'], name: string, token: string | undefined): readonly FoundToken[] => (token === undefined ? [] : [{ token, place: { kind, name } }]);
  return [
    ...headers.flatMap(({ name = '', valuePrefix = '' }) => found('header', name.toLowerCase(), afterPrefix(request.header(name.toLowerCase()), valuePrefix))),
    ...parameters.flatMap((name) => found('parameter', name, queryParameter(request.path, name))),
    ...fromCookies.flatMap((name) => found('cookie', name, cookieValue(request.cookies(), name))),
  ];
}

function afterPrefix(value: string | undefined, prefix: string): string | undefined {
  return value?.startsWith(prefix) === true ? value.slice(prefix.length).trim() : undefined;
}

function cookieValue(cookies: readonly string[], name: string): string | undefined {
  return cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1).replace(/^"(.*)"$/, '$1');
}

/** A request without the token of a place. */
export function withoutToken(request: RequestFacts, { kind, name }: TokenPlace): RequestFacts {
  const header = (wanted: string): string | undefined => request.header(wanted);
  if (kind === 'parameter') return { ...request, header, path: withoutParameter(request.path, name) };
  if (kind === 'header') return { ...request, header: (wanted) => (wanted === name ? undefined : header(wanted)) };
  return { ...request, header: (wanted) => (wanted === 'cookie' ? header(wanted)?.split(';').filter((cookie) => !cookie.trim().startsWith(`${name}=`)).join(';') : header(wanted)) };
}

/** A path without a parameter of its query. */
export function withoutParameter(path: string, name: string): string {
  const start = path.indexOf('?');
  if (start < 0) return path;
  const kept = path.slice(start + 1).split('&').filter((part) => part !== name && !part.startsWith(`${name}=`));
  return kept.length === 0 ? path.slice(0, start) : `${path.slice(0, start)}?${kept.join('&')}`;
}

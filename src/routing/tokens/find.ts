import type { JwtProvider } from '../../xds/index.ts';
import { queryParameter } from '../route-matcher.ts';

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

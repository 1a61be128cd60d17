import { RE2JS } from 're2js';
import type { ClusterWeight, HeaderValueOption, RedirectAction, Route, RouteConfiguration, VirtualHost } from '../xds/index.ts';
import { pathOnly } from './route-matcher.ts';
import type { RequestFacts } from './types.ts';
import { withoutPort } from './virtual-hosts.ts';

/** Headers that can be changed; names are lower-case. */
export interface MutableHeaders {
  has(name: string): boolean;
  set(name: string, value: string): void;
  add(name: string, value: string): void;
  delete(name: string): void;
}

/** Resolves `%COMMAND%` in header values; `undefined` means that there is nothing to say, and the header is not written. */
export type Substitute = (command: string) => string | undefined;

type HeaderSource = Pick<Route, 'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'>;

/** The levels at which headers are changed, in the order in which Envoy applies them: most specific first. */
export function headerLevels(config: RouteConfiguration | undefined, virtualHost: VirtualHost, route: Route, weight: ClusterWeight | undefined): readonly HeaderSource[] {
  const levels = [weight, route, virtualHost, config].filter((level): level is HeaderSource => level !== undefined && changesHeaders(level));
  return config?.mostSpecificHeaderMutationsWins === true ? levels.reverse() : levels;
}

function changesHeaders(level: HeaderSource): boolean {
  return level.requestHeadersToAdd !== undefined || level.requestHeadersToRemove !== undefined || level.responseHeadersToAdd !== undefined || level.responseHeadersToRemove !== undefined;
}

/** Changes request headers. At each level, removals come before additions. */
export function changeRequestHeaders(headers: MutableHeaders, levels: readonly HeaderSource[], substitute: Substitute): void {
  for (const { requestHeadersToRemove, requestHeadersToAdd } of levels) changeHeaders(headers, requestHeadersToRemove, requestHeadersToAdd, substitute);
}

/** Changes response headers. */
export function changeResponseHeaders(headers: MutableHeaders, levels: readonly HeaderSource[], substitute: Substitute): void {
  for (const { responseHeadersToRemove, responseHeadersToAdd } of levels) changeHeaders(headers, responseHeadersToRemove, responseHeadersToAdd, substitute);
}

function changeHeaders(headers: MutableHeaders, remove: readonly string[] = [], add: readonly HeaderValueOption[] = [], substitute: Substitute): void {
  for (const name of remove) headers.delete(name.toLowerCase());
  for (const option of add) addHeader(headers, option, substitute);
}

function addHeader(headers: MutableHeaders, option: HeaderValueOption, substitute: Substitute): void {
  const name = (option.header?.key ?? '').toLowerCase();
  const value = formatValue(option.header?.value ?? '', substitute);
  if (value === '' && option.keepEmptyValue !== true) return;
  const action = option.appendAction ?? (option.append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : 'APPEND_IF_EXISTS_OR_ADD');
  if (action === 'APPEND_IF_EXISTS_OR_ADD') headers.add(name, value);
  else if (action === 'OVERWRITE_IF_EXISTS_OR_ADD') headers.set(name, value);
  else if (headers.has(name) === (action === 'OVERWRITE_IF_EXISTS')) headers.set(name, value);
}

/** Fills in the commands of a header value; `%%` is a percent sign. Source: Envoy, "Custom request/response headers". */
export function formatValue(value: string, substitute: Substitute): string {
  return value.includes('%') ? value.replace(/%(%|[A-Z0-9_]+(?:\([^)]*\))?(?::\d+)?%)/g, (_whole, command: string) => (command === '%' ? '%' : (substitute(command.slice(0, -1)) ?? ''))) : value;
}

/**
 * Prepares the path rewrite of a route: path with query in, path with query out; `undefined` when the route rewrites nothing.
 * Made once per route, as regular expressions are compiled here.
 */
export function prepareRewrite(route: Route): ((path: string) => string) | undefined {
  const { prefixRewrite, regexRewrite } = route.route ?? {};
  return rewriter(route, prefixRewrite, regexRewrite?.pattern?.regex, regexRewrite?.substitution);
}

function rewriter(route: Route, prefixRewrite: string | undefined, regex: string | undefined, substitution: string | undefined): ((path: string) => string) | undefined {
  if (regex !== undefined) {
    const pattern = RE2JS.compile(regex);
    return onPath((path) => pattern.matcher(path).replaceAll((...groups: unknown[]) => filled(substitution ?? '', groups)));
  }
  if (prefixRewrite === undefined || prefixRewrite === '') return undefined;
  const matched = route.match?.prefix ?? route.match?.pathSeparatedPrefix;
  return matched === undefined ? onPath(() => prefixRewrite) : onPath((path) => prefixRewrite + path.slice(matched.length));
}

function onPath(change: (path: string) => string): (path: string) => string {
  return (whole) => {
    const path = pathOnly(whole);
    return change(path) + whole.slice(path.length);
  };
}

/** Fills RE2's references (`\1`; `\0` is the whole match) in; `\\` is a backslash. */
function filled(substitution: string, groups: readonly unknown[]): string {
  return substitution.replace(/\\(\d|\\)/g, (_whole, group: string) => (group === '\\' ? '\\' : String(groups[Number(group)] ?? '')));
}

/** The authority that the upstream sees; `undefined` when it stays. `upstreamHost` serves autoHostRewrite. */
export function rewrittenAuthority(route: Route, weight: ClusterWeight | undefined, request: RequestFacts, upstreamHost: string): string | undefined {
  const action = route.route;
  if (weight?.hostRewriteLiteral !== undefined) return weight.hostRewriteLiteral;
  if (action?.hostRewriteLiteral !== undefined) return action.hostRewriteLiteral;
  if (action?.autoHostRewrite === true) return upstreamHost === '' ? undefined : upstreamHost;
  if (action?.hostRewriteHeader !== undefined) return request.header(action.hostRewriteHeader.toLowerCase());
  return undefined;
}

const redirectStatus = { MOVED_PERMANENTLY: 301, FOUND: 302, SEE_OTHER: 303, TEMPORARY_REDIRECT: 307, PERMANENT_REDIRECT: 308 } as const;

/** The answer of a redirect route: status and `location`. Source: Envoy, config.route.v3.RedirectAction. */
export function redirectOf(route: Route, request: RequestFacts): { readonly status: number; readonly location: string } {
  const redirect = route.redirect ?? {};
  const scheme = redirect.httpsRedirect === true ? 'https' : (redirect.schemeRedirect ?? request.scheme);
  const port = redirect.portRedirect === undefined || redirect.portRedirect === 0 ? '' : `:${redirect.portRedirect}`;
  const host = redirect.hostRedirect ? redirect.hostRedirect : requestHost(request, scheme, port);
  return { status: redirectStatus[redirect.responseCode ?? 'MOVED_PERMANENTLY'], location: `${scheme}://${host}${port}${redirectPath(route, redirect, request)}` };
}

/** Where a request goes that came without TLS to a virtual host that requires it. */
export function tlsRedirectOf(request: RequestFacts): { readonly status: number; readonly location: string } {
  return { status: 301, location: `https://${requestHost(request, 'https', '')}${request.path}` };
}

/** The request's host; its port goes when another one is set, or when it was the default port of the scheme that is left. */
function requestHost(request: RequestFacts, scheme: string, port: string): string {
  const host = withoutPort(request.authority);
  const own = request.authority.slice(host.length);
  const leavesDefault = (request.scheme === 'http' && own === ':80' && scheme === 'https') || (request.scheme === 'https' && own === ':443' && scheme === 'http');
  return port !== '' || leavesDefault ? host : request.authority;
}

function redirectPath(route: Route, redirect: RedirectAction, request: RequestFacts): string {
  const path = pathOnly(request.path);
  const query = redirect.stripQuery === true ? '' : request.path.slice(path.length);
  if (redirect.pathRedirect) return redirect.pathRedirect.includes('?') ? redirect.pathRedirect : redirect.pathRedirect + query;
  const rewrite = rewriter(route, redirect.prefixRewrite, redirect.regexRewrite?.pattern?.regex, redirect.regexRewrite?.substitution);
  return (rewrite === undefined ? path : rewrite(path)) + query;
}

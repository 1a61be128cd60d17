import type { GRPCRoute, HTTPRouteFilter, HTTPRouteMatch, HTTPRouteRule, PathModifier } from '../kinds/gateway-api-http.ts';
import type { TypedResource } from '../guards.ts';
import { checkBackend, checkRoute, isHostname } from './gateway-api.ts';
import { each, type Report } from './report.ts';

/** The field that each type of filter has. */
const filterFields = {
  RequestHeaderModifier: 'requestHeaderModifier', ResponseHeaderModifier: 'responseHeaderModifier', RequestMirror: 'requestMirror', RequestRedirect: 'requestRedirect', URLRewrite: 'urlRewrite', ExtensionRef: 'extensionRef', CORS: 'cors', ExternalAuth: 'externalAuth',
} as const;
const once = ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestRedirect', 'URLRewrite', 'CORS'];
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
const redirectCodes = new Set([301, 302, 303, 307, 308]);

/** The rules of the Gateway API's CRDs for an HTTPRoute, beyond its shape. */
export function validateHTTPRoute({ spec }: TypedResource<'HTTPRoute'>, report: Report): void {
  checkRoute(spec, report);
  checkCounts(spec.rules, report.at('rules'));
  each(spec.rules, report.at('rules'), checkRule);
}

/** The rules for a GRPCRoute. */
export function validateGRPCRoute({ spec }: TypedResource<'GRPCRoute'>, report: Report): void {
  checkRoute(spec, report);
  checkCounts(spec.rules, report.at('rules'));
  each(spec.rules, report.at('rules'), (rule, place) => {
    each(rule.matches, place.at('matches'), ({ method, headers }, match) => {
      if (method !== undefined) checkMethod(method, match.at('method'));
      each(headers, match.at('headers'), checkComparison);
    });
    checkFilters(rule.filters, place.at('filters'), false);
    each(rule.backendRefs, place.at('backendRefs'), (backend, at) => { checkBackend(backend, at); checkFilters(backend.filters, at.at('filters'), false); });
  });
}

function checkCounts(rules: readonly { readonly matches: readonly unknown[] }[], report: Report): void {
  if (rules.length > 16) report.error('A route has at most 16 rules.');
  if (rules.reduce((sum, { matches }) => sum + matches.length, 0) > 128) report.error('The rules of a route have at most 128 matches in all.');
}

function checkRule(rule: HTTPRouteRule, report: Report): void {
  each(rule.matches, report.at('matches'), checkMatch);
  checkFilters(rule.filters, report.at('filters'), true);
  each(rule.backendRefs, report.at('backendRefs'), (backend, place) => {
    checkBackend(backend, place);
    checkFilters(backend.filters, place.at('filters'), true);
  });
  if (rule.backendRefs.length > 0 && rule.filters.some(({ requestRedirect }) => requestRedirect !== undefined)) report.at('backendRefs').error('A rule that redirects sends nothing to a backend.', 'Take out backendRefs or the redirect.');
  checkPrefixes(rule, report);
  const { request, backendRequest } = rule.timeouts ?? {};
  if (request !== undefined && request !== 0 && backendRequest !== undefined && backendRequest > request) report.at('timeouts', 'backendRequest').error('One attempt cannot take longer than the whole request.');
}

/** A prefix can be replaced only where the rule matches exactly one. */
function checkPrefixes({ matches, filters, backendRefs }: HTTPRouteRule, report: Report): void {
  const replaces = ({ requestRedirect, urlRewrite }: HTTPRouteFilter): boolean => (requestRedirect?.path ?? urlRewrite?.path)?.type === 'ReplacePrefixMatch';
  if (![...filters, ...backendRefs.flatMap((backend) => backend.filters)].some(replaces)) return;
  if (matches.length !== 1 || matches[0]?.path.type !== 'PathPrefix') report.at('filters').error('ReplacePrefixMatch needs exactly one match, of type PathPrefix.');
}

function checkMatch({ path, headers, queryParams, method }: HTTPRouteMatch, report: Report): void {
  if (path.type !== 'RegularExpression') checkPath(path.value, report.at('path', 'value'));
  if (method !== '' && !methods.has(method)) report.at('method').error(`“${method}” is not a method.`, `Use ${[...methods].join(', ')}.`);
  each(headers, report.at('headers'), checkComparison);
  each(queryParams, report.at('queryParams'), checkComparison);
}

function checkPath(value: string, report: Report): void {
  if (!value.startsWith('/')) report.error('The path has to start with “/”.');
  else if (/\/\/|\/\.\/|\/\.\.\/|%2f|%2F|#|\/\.\.$|\/\.$/.test(value)) report.error('The path must have no “//”, “/./”, “/../”, “%2f” or “#”, and not end with “/.” or “/..”.');
  else if (!/^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/.test(value)) report.error('The path has characters that a URL cannot have.', 'Escape them, as in %20.');
}

function checkComparison({ name, value }: HTTPRouteMatch['headers'][number], report: Report): void {
  if (!isToken(name)) report.at('name').error(`“${name}” is not a name.`);
  if (value === '') report.at('value').error('The value is missing.');
}

function isToken(name: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/.test(name);
}

function checkMethod({ type, service, method }: NonNullable<GRPCRoute['rules'][number]['matches'][number]['method']>, report: Report): void {
  if (service === '' && method === '') report.error('One of service and method has to be written.');
  if (type === 'Exact' && service !== '' && !/^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i.test(service)) report.at('service').error(`“${service}” is not the name of a service.`, 'Write it as package.Service.');
  if (type === 'Exact' && method !== '' && !/^[A-Za-z_][A-Za-z_0-9]*$/.test(method)) report.at('method').error(`“${method}” is not the name of a method.`);
}

function checkFilters(filters: readonly (Partial<HTTPRouteFilter> & { readonly type: string })[], report: Report, http: boolean): void {
  each(filters, report, (filter, place, at) => {
    const field = http || !['RequestRedirect', 'URLRewrite', 'CORS'].includes(filter.type) ? filterFields[filter.type as keyof typeof filterFields] : undefined;
    if (field === undefined) place.at('type').error(`“${filter.type}” is not a type of filter.`);
    else if (filter[field] === undefined) place.error(`A filter of type ${filter.type} needs ${field}.`);
    for (const other of Object.values(filterFields)) if (other !== field && filter[other] !== undefined) place.at(other).error(`${other} has no meaning in a filter of type ${filter.type}.`);
    if (once.includes(filter.type) && filters.slice(0, at).some(({ type }) => type === filter.type)) place.error(`A filter of type ${filter.type} cannot be written twice.`);
    checkFilter(filter, place);
  });
  if (filters.some(({ type }) => type === 'RequestRedirect') && filters.some(({ type }) => type === 'URLRewrite')) report.error('Either a redirect or a rewrite, not both.');
}

function checkFilter({ requestRedirect, urlRewrite, requestMirror, requestHeaderModifier, responseHeaderModifier, cors }: Partial<HTTPRouteFilter>, report: Report): void {
  if (requestRedirect !== undefined) {
    const place = report.at('requestRedirect');
    if (!redirectCodes.has(requestRedirect.statusCode)) place.at('statusCode').error(`${requestRedirect.statusCode} is not a redirect.`, `Use ${[...redirectCodes].join(', ')}.`);
    if (requestRedirect.hostname !== '' && (!isHostname(requestRedirect.hostname) || requestRedirect.hostname.startsWith('*'))) place.at('hostname').error(`“${requestRedirect.hostname}” is not a host name.`);
    if (requestRedirect.path !== undefined) checkModifier(requestRedirect.path, place.at('path'));
  }
  if (urlRewrite !== undefined) {
    if (urlRewrite.hostname !== '' && (!isHostname(urlRewrite.hostname) || urlRewrite.hostname.startsWith('*'))) report.at('urlRewrite', 'hostname').error(`“${urlRewrite.hostname}” is not a host name.`);
    if (urlRewrite.path !== undefined) checkModifier(urlRewrite.path, report.at('urlRewrite', 'path'));
  }
  if (requestMirror !== undefined) checkMirror(requestMirror, report.at('requestMirror'));
  for (const [field, modifier] of [['requestHeaderModifier', requestHeaderModifier], ['responseHeaderModifier', responseHeaderModifier]] as const) {
    each([...(modifier?.set ?? []), ...(modifier?.add ?? [])], report.at(field), ({ name }, place) => { if (!isToken(name)) place.error(`“${name}” is not the name of a header.`); });
  }
  for (const field of ['allowOrigins', 'allowMethods', 'allowHeaders'] as const) {
    const values = cors?.[field] ?? [];
    if (values.includes('*') && values.length > 1) report.at('cors', field).error('“*” already means all; nothing else can stand beside it.');
  }
}

function checkMirror({ backendRef, percent, fraction }: NonNullable<HTTPRouteFilter['requestMirror']>, report: Report): void {
  checkBackend(backendRef, report.at('backendRef'));
  if (percent !== undefined && fraction !== undefined) report.error('Either percent or fraction, not both.');
  if (percent !== undefined && (percent < 0 || percent > 100)) report.at('percent').error('A percentage is from 0 to 100.');
  if (fraction !== undefined && (fraction.numerator < 0 || fraction.denominator < 1 || fraction.numerator > fraction.denominator)) report.at('fraction').error('A fraction is from 0 to 1.');
}

function checkModifier({ type, replaceFullPath, replacePrefixMatch }: PathModifier, report: Report): void {
  if (type === undefined) report.error('The path modifier has no type.', 'Write ReplaceFullPath or ReplacePrefixMatch.');
  if ((type === 'ReplaceFullPath') !== (replaceFullPath !== undefined)) report.error('replaceFullPath goes with type ReplaceFullPath.');
  if ((type === 'ReplacePrefixMatch') !== (replacePrefixMatch !== undefined)) report.error('replacePrefixMatch goes with type ReplacePrefixMatch.');
}

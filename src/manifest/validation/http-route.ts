import type { StringMatch } from '../../util/manifest-fields.ts';
import type { HTTPRoute, HTTPRouteDestination } from '../kinds/virtual-service.ts';
import { checkAuthority, checkCors, checkHeaders, headerNameFault } from './http-fields.ts';
import { checkDuration, checkLabels, checkNamespace, checkPort, checkRegex } from './names.ts';
import { each, type Report } from './report.ts';
import { checkDestination, checkGatewayNames, checkWeights } from './shared.ts';

/** What the rules of one VirtualService have in common. */
export interface RouteContext {
  /** The VirtualService has no hosts: others hand over to it. */
  readonly delegate: boolean;
  /** It applies to a gateway, at least. */
  readonly onGateway: boolean;
  /** Header and query matches of this rule that are written as null. */
  readonly nulls: readonly (readonly (string | number)[])[];
}

/** Istio's admission rules for one HTTP rule. */
export function checkHttpRoute(route: HTTPRoute, report: Report, context: RouteContext): void {
  checkAction(route, report, context.delegate);
  for (const path of context.nulls) report.at(...path).error('The match is null.', 'Write {} to ask that it is there, or exact, prefix or regex.');
  each(route.match, report.at('match'), (match, place) => checkMatch(match, place, context));
  checkHeaders(route.headers, report.at('headers'));
  checkCors(route.corsPolicy, report.at('corsPolicy'));
  checkFault(route.fault, report.at('fault'));
  checkMirrors(route, report);
  checkRetries(route.retries, report.at('retries'));
  checkRewrite(route.rewrite, report.at('rewrite'));
  checkDuration(route.timeout, report.at('timeout'), { zero: true });
  checkAuthority(route.rewrite?.authority ?? '', route.headers, report.at('headers'));
  each(route.route, report.at('route'), (destination, place) => checkRouteDestination(destination, route, place));
  checkWeights(route.route, report.at('route'));
}

const actions = ['redirect', 'directResponse', 'delegate'] as const;

function checkAction(route: HTTPRoute, report: Report, delegate: boolean): void {
  const set = [...(route.route.length > 0 ? ['route'] : []), ...actions.filter((action) => route[action] !== undefined)];
  if (set.length === 0) report.error('The rule does not say what happens to a request.', 'Write route, redirect, directResponse or delegate.');
  if (set.length > 1) report.error(`A rule does one thing, not ${set.join(' and ')}.`, 'Keep one of them.');
  const answers = route.redirect === undefined ? (route.directResponse === undefined ? undefined : 'directResponse') : 'redirect';
  if (answers !== undefined && route.fault !== undefined) report.at('fault').error(`Faults cannot be injected into a rule with ${answers}: no service is asked.`);
  if (answers !== undefined && route.rewrite !== undefined) report.at('rewrite').error(`A rule with ${answers} forwards nothing, so there is nothing to rewrite.`);
  if (route.delegate !== undefined && delegate) report.at('delegate').error('A delegate cannot delegate further.');
  checkRedirect(route, report.at('redirect'));
  const status = route.directResponse?.status;
  if (status !== undefined && (status < 200 || status > 600)) report.at('directResponse', 'status').error(`Status ${status} is not from 200 to 600.`);
  if ((route.directResponse?.body?.kind ?? 'none') !== 'none' && directBody(route) > 1024 * 1024) report.at('directResponse', 'body').error('The body is larger than 1 MiB.');
  else if (directBody(route) > 100 * 1024) report.at('directResponse', 'body').warning('The body is larger than 100 KiB, and every proxy has to hold it.', 'Serve it from a workload.');
}

const directBody = (route: HTTPRoute): number => {
  const body = route.directResponse?.body;
  return body === undefined || body.kind === 'none' ? 0 : body.value.length;
};

function checkRedirect(route: HTTPRoute, report: Report): void {
  const { redirect } = route;
  if (redirect === undefined) return;
  const { uri, authority, port, derivePort, scheme, redirectCode, prefixRewrite } = redirect;
  if (uri === '' && authority === '' && prefixRewrite === '' && scheme === '' && port === undefined && derivePort === undefined) report.error('The redirect says nowhere to go.', 'Write uri, authority, port or scheme.');
  if (uri !== '' && prefixRewrite !== '') report.error('A redirect sets uri or prefixRewrite, not both.');
  if (prefixRewrite !== '' && route.match.some(({ uri: match }) => match !== undefined && match.kind !== 'prefix')) report.at('prefixRewrite').error('prefixRewrite replaces the prefix that matched, so the rule must match its uri by prefix.');
  if (port !== undefined) checkPort(port, report.at('port'));
  if (redirectCode !== 0 && (redirectCode < 300 || redirectCode > 399)) report.at('redirectCode').error(`Code ${redirectCode} is not a redirect.`, 'Use 301, 302, 303, 307 or 308.');
  if (scheme !== '' && scheme !== 'http' && scheme !== 'https') report.at('scheme').error('The scheme must be http or https.');
}

function checkMatch(match: HTTPRoute['match'][number], report: Report, { onGateway }: RouteContext): void {
  for (const field of ['uri', 'scheme', 'method', 'authority'] as const) checkStringMatch(match[field], report.at(field));
  for (const field of ['headers', 'withoutHeaders'] as const) {
    for (const [name, value] of Object.entries(match[field])) {
      const place = report.at(field, name);
      checkFieldMatch(value, place);
      if (name.startsWith('@request.auth.claims')) {
        if (!onGateway) place.error('Routing by JWT claims only works on gateways.', 'Bind the VirtualService to a gateway.');
      } else if (headerNameFault(name) !== undefined) place.error(`The header “${name}” ${headerNameFault(name)}.`);
    }
  }
  for (const [name, value] of Object.entries(match.queryParams)) checkFieldMatch(value, report.at('queryParams', name));
  if (match.port !== 0) checkPort(match.port, report.at('port'));
  checkLabels(match.sourceLabels, report.at('sourceLabels'));
  checkNamespace(match.sourceNamespace, report.at('sourceNamespace'));
  checkGatewayNames(match.gateways, report.at('gateways'));
}

function checkStringMatch(match: StringMatch | undefined, report: Report): void {
  if (match === undefined || match.kind === 'any' || match.kind === 'exact') return;
  if (match.value === '') report.error(`An empty ${match.kind} matches everything.`, 'Leave the match out instead.');
  else if (match.kind === 'regex') checkRegex(match.value, report.at('regex'));
}

/** As {@link checkStringMatch}; of headers and parameters, the regex `*` asks that they are there. */
function checkFieldMatch(match: StringMatch, report: Report): void {
  if (match.kind !== 'regex' || match.value !== '*') checkStringMatch(match, report);
}

function checkFault(fault: HTTPRoute['fault'], report: Report): void {
  if (fault === undefined) return;
  if (fault.delay === undefined && fault.abort === undefined) report.error('The fault has neither delay nor abort.');
  if (fault.delay !== undefined) {
    const { percentage, fixedDelay, exponentialDelay } = fault.delay;
    checkPercentage(percentage, report.at('delay', 'percentage'));
    if (fixedDelay === undefined && exponentialDelay === undefined) report.at('delay').error('The delay does not say how long.', 'Write fixedDelay, such as 5s.');
    checkDuration(fixedDelay, report.at('delay', 'fixedDelay'));
    checkDuration(exponentialDelay, report.at('delay', 'exponentialDelay'));
    if (exponentialDelay !== undefined) report.at('delay', 'exponentialDelay').error('Envoy has no exponentialDelay.', 'Use fixedDelay.');
  }
  if (fault.abort !== undefined) checkAbort(fault.abort, report.at('abort'));
}

const grpcStatuses = new Set('OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(' '));

function checkAbort({ percentage, status }: NonNullable<NonNullable<HTTPRoute['fault']>['abort']>, report: Report): void {
  checkPercentage(percentage, report.at('percentage'));
  if (status === undefined) report.error('The abort does not say with which status.', 'Write httpStatus or grpcStatus.');
  else if (status.kind === 'http' && (status.status < 200 || status.status > 600)) report.at('httpStatus').error(`Status ${status.status} is not from 200 to 600.`);
  else if (status.kind === 'grpc' && !grpcStatuses.has(status.status)) report.at('grpcStatus').error(`“${status.status}” is not a gRPC status.`, 'Write it like UNAVAILABLE.');
  else if (status.kind === 'http2') report.at('http2Error').error('Envoy has no http2Error.', 'Use httpStatus or grpcStatus.');
}

function checkPercentage(percentage: number | undefined, report: Report): void {
  if (percentage !== undefined && (percentage < 0 || percentage > 100)) report.error(`${percentage} is not a percentage from 0 to 100.`);
  else if (percentage !== undefined && percentage > 0 && percentage < 0.0001) report.error(`${percentage} is finer than Envoy’s 0.0001 %.`);
}

function checkMirrors(route: HTTPRoute, report: Report): void {
  if (route.mirror !== undefined && route.mirrors.length > 0) report.at('mirror').error('A rule has mirror or mirrors, not both.', 'Keep mirrors.');
  if (route.mirror !== undefined) checkDestination(route.mirror, report.at('mirror'));
  each(route.mirrors, report.at('mirrors'), (mirror, place) => {
    checkDestination(mirror.destination, place.at('destination'));
    checkPercentage(mirror.percentage, place.at('percentage'));
  });
  checkPercentage(route.mirrorPercent ?? route.mirror_percent, report.at('mirrorPercent'));
  if ((route.mirrorPercent ?? route.mirror_percent) !== undefined) report.at('mirrorPercent').warning('mirrorPercent is deprecated.', 'Use mirrorPercentage.');
  checkPercentage(route.mirrorPercentage, report.at('mirrorPercentage'));
}

const retryConditions = new Set('5xx gateway-error reset reset-before-request connect-failure refused-stream retriable-4xx retriable-status-codes retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal resource-exhausted unavailable'.split(' '));

/** Whether a status code is registered. Source: IANA, HTTP Status Code Registry; 418 is kept for a joke. */
function isStatus(code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last);
}
const ranges = [[100, 103], [200, 208], [226, 226], [300, 305], [307, 308], [400, 418], [421, 426], [428, 429], [431, 431], [451, 451], [500, 508], [510, 511]] as const;

function checkRetries(retries: HTTPRoute['retries'], report: Report): void {
  if (retries === undefined) return;
  if (retries.attempts < 0) report.at('attempts').error('attempts cannot be negative.');
  if (retries.attempts === 0 && (retries.perTryTimeout !== undefined || retries.retryOn !== '' || retries.retryRemoteLocalities !== undefined)) report.error('attempts is 0, which turns retries off, so the other fields have no meaning.', 'Write attempts.');
  checkDuration(retries.perTryTimeout, report.at('perTryTimeout'));
  checkDuration(retries.backoff, report.at('backoff'));
  if (retries.retryOn === '') return;
  for (const condition of retries.retryOn.split(',').map((word) => word.trim())) {
    const known = retryConditions.has(condition) || (/^\d{3}$/.test(condition) && isStatus(Number(condition)));
    if (!known) report.at('retryOn').error(`“${condition}” is not a retry condition.`, `Use ${[...retryConditions].slice(0, 6).join(', ')} … or a status code.`);
  }
}

function checkRewrite(rewrite: HTTPRoute['rewrite'], report: Report): void {
  if (rewrite === undefined) return;
  const { uri, authority, uriRegexRewrite } = rewrite;
  if (uri !== '' && uriRegexRewrite !== undefined) report.error('A rewrite sets uri or uriRegexRewrite, not both.');
  if (uri === '' && authority === '' && uriRegexRewrite === undefined) report.error('The rewrite changes nothing.', 'Write uri, uriRegexRewrite or authority.');
  if (uriRegexRewrite === undefined) return;
  if (uriRegexRewrite.match === '' || uriRegexRewrite.rewrite === '') report.at('uriRegexRewrite').error('uriRegexRewrite needs both match and rewrite.');
  else checkRegex(uriRegexRewrite.match, report.at('uriRegexRewrite', 'match'));
}

function checkRouteDestination(route: HTTPRouteDestination, { rewrite }: HTTPRoute, report: Report): void {
  checkAuthority(rewrite?.authority ?? '', route.headers, report.at('headers'));
  checkDestination(route.destination, report.at('destination'));
  checkHeaders(route.headers, report.at('headers'));
}


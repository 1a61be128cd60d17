import type { HttpHandler, HttpRequest, HttpResponse, ManagerEnvironment, ManagerFilterFactory, RateLimitAnswer, RouteScope } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import type { RateLimitFilter } from '../../xds/index.ts';
import { configFields } from './filter-config.ts';
import { descriptorsOf, type Descriptor } from './filter-descriptors.ts';

/**
 * Asks the rate limit service about each request that the route describes; one that is over a limit is refused. When the service does not answer
 * in time, requests go on unless `failureModeDeny` is set. Source: Envoy, extensions.filters.http.ratelimit.v3.RateLimit.
 */
export const rateLimitFilter: ManagerFilterFactory<unknown> = (typedConfig, environment) => {
  const config = configFields<RateLimitFilter>(typedConfig);
  if ((config.domain ?? '') === '') throw new Error('a rate limit filter needs a domain');
  const makers = new WeakMap<object, (request: HttpRequest) => readonly Descriptor[]>();
  const makerOf = (scope: RouteScope): ((request: HttpRequest) => readonly Descriptor[]) => {
    const key = scope.weight ?? scope.route;
    const known = makers.get(key);
    if (known !== undefined) return known;
    const made = descriptorsOf(scope, config.stage ?? 0);
    makers.set(key, made);
    return made;
  };
  return (next) => async (request) => {
    const scope = environment.route(request);
    const descriptors = scope === undefined ? [] : makerOf(scope)(request);
    if (descriptors.length === 0) return next(request);
    const answer = await environment.rateLimits(config.domain ?? '', descriptors, milliseconds(config.timeout) ?? 20);
    return answer === undefined ? unanswered(config, request, environment, next) : judged(config, answer, request, environment, next);
  };
};

function unanswered(config: RateLimitFilter, request: HttpRequest, { reply }: ManagerEnvironment, next: HttpHandler): Promise<HttpResponse> {
  if (config.failureModeDeny !== true) return next(request);
  request.stream.flags.add('RLSE');
  request.stream.details = 'rate_limiter_error';
  return Promise.resolve(reply(Number(config.statusOnError?.code ?? 500), ''));
}

async function judged(config: RateLimitFilter, { over, limits }: RateLimitAnswer, request: HttpRequest, { reply }: ManagerEnvironment, next: HttpHandler): Promise<HttpResponse> {
  const { stream } = request;
  const why = limits.map(({ requests, unit, remaining }) => `${remaining} of ${requests} per ${unit} left`).join(', ');
  if (limits.length > 0) stream.step({ stage: 'filter', what: over ? 'over the rate limit' : 'within the rate limit', why });
  const headers = config.enableXRatelimitHeaders === 'DRAFT_VERSION_03' ? shownLimits(limits) : [];
  if (!over) {
    const response = await next(request);
    for (const [header, value] of headers) response.headers.set(header, value);
    return response;
  }
  stream.flags.add('RL');
  stream.details = 'request_rate_limited';
  const status = Number(config.rateLimitedStatus?.code ?? 429);
  const response = reply(status >= 400 ? status : 429, '', [...(config.disableXEnvoyRatelimitedHeader === true ? [] : [['x-envoy-ratelimited', 'true'] as const]), ...headers]);
  for (const { header } of config.responseHeadersToAdd ?? []) response.headers.add((header?.key ?? '').toLowerCase(), header?.value ?? '');
  return response;
}

/** The limit that is nearest, then all of them with their windows. Source: draft-polli-ratelimit-headers-03. */
function shownLimits(limits: RateLimitAnswer['limits']): readonly (readonly [string, string])[] {
  const nearest = limits.toSorted((one, other) => one.remaining - other.remaining)[0];
  if (nearest === undefined) return [];
  const windows = limits.map(({ requests, seconds, name }) => `, ${requests};w=${seconds}${name === '' ? '' : `;name="${name}"`}`).join('');
  return [['x-ratelimit-limit', `${nearest.requests}${windows}`], ['x-ratelimit-remaining', String(nearest.remaining)], ['x-ratelimit-reset', String(nearest.reset)]];
}

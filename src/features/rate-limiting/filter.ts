import type { HttpHandler, HttpRequest, HttpResponse, ManagerEnvironment, ManagerFilterFactory, RouteScope } from '../../sidecar/hooks.ts';
import { share } from '../../util/envoy-json.ts';
import type { LocalRateLimit } from '../../xds/index.ts';
import { TokenBucket } from './filter-bucket.ts';
import { configFields } from './filter-config.ts';
import { descriptorsOf, type Descriptor } from './filter-descriptors.ts';

const name = 'envoy.filters.http.local_ratelimit';

/** Buckets of one config, and the descriptors that some of them are for. */
interface Limiter {
  readonly config: LocalRateLimit;
  readonly bucket: TokenBucket;
  readonly special: readonly { readonly entries: Descriptor; readonly bucket: TokenBucket }[];
}

/**
 * Limits requests by token buckets of this proxy's own: the manager's, or those that route or virtual host put in its place. As in Envoy, nothing is
 * limited unless `filterEnabled` and `filterEnforced` say so. Source: Envoy, extensions.filters.http.local_ratelimit.v3.LocalRateLimit.
 */
export const localRateLimitFilter: ManagerFilterFactory<unknown> = (typedConfig, environment) => {
  const whole = limiterOf(configFields<LocalRateLimit>(typedConfig), environment);
  const plans = new WeakMap<object, { readonly limiter: Limiter | undefined; descriptors(request: HttpRequest): readonly Descriptor[] }>();
  const planOf = (scope: RouteScope): NonNullable<ReturnType<typeof plans.get>> => {
    const key = scope.weight ?? scope.route;
    let plan = plans.get(key);
    if (plan === undefined) {
      const written = scope.weight?.typedPerFilterConfig?.[name] ?? scope.route.typedPerFilterConfig?.[name] ?? scope.virtualHost.typedPerFilterConfig?.[name];
      const limiter = written === undefined ? whole : limiterOf(configFields<LocalRateLimit>(written), environment);
      plans.set(key, plan = { limiter, descriptors: descriptorsOf(scope, limiter?.config.stage ?? 0, limiter?.config.rateLimits ?? []) });
    }
    return plan;
  };
  return (next) => (request) => {
    const scope = environment.route(request);
    const { limiter, descriptors } = scope === undefined ? { limiter: whole, descriptors: () => [] } : planOf(scope);
    return limiter === undefined || !sampled(limiter.config.filterEnabled, environment) ? next(request) : limit(limiter, descriptors(request), request, environment, next);
  };
};

/** `undefined` for a config without a bucket, which limits nothing. */
function limiterOf(config: LocalRateLimit, { clock }: ManagerEnvironment): Limiter | undefined {
  if (config.tokenBucket === undefined) return undefined;
  const special = (config.descriptors ?? []).map(({ entries = [], tokenBucket = {} }) => ({ entries: entries.map(({ key = '', value = '' }) => [key, value] as const), bucket: new TokenBucket(tokenBucket, clock) }));
  return { config, bucket: new TokenBucket(config.tokenBucket, clock), special };
}

async function limit({ config, bucket, special }: Limiter, descriptors: readonly Descriptor[], request: HttpRequest, environment: ManagerEnvironment, next: HttpHandler): Promise<HttpResponse> {
  const buckets = special.filter(({ entries }) => descriptors.some((descriptor) => equal(descriptor, entries))).map((one) => one.bucket);
  const used = buckets.length === 0 || config.alwaysConsumeDefaultTokenBucket !== false ? [...buckets, bucket] : buckets;
  const empty = used.find((one) => !one.take());
  const shown = empty ?? used.reduce((least, one) => (one.remaining < least.remaining ? one : least));
  const headers = config.enableXRatelimitHeaders === 'DRAFT_VERSION_03' ? [['x-ratelimit-limit', String(shown.max)], ['x-ratelimit-remaining', String(shown.remaining)], ['x-ratelimit-reset', String(shown.reset)]] as const : [];
  if (empty === undefined || !sampled(config.filterEnforced, environment)) {
    if (empty !== undefined) for (const { header } of config.requestHeadersToAddWhenNotEnforced ?? []) request.headers.add((header?.key ?? '').toLowerCase(), header?.value ?? '');
    const response = await next(request);
    for (const [header, value] of headers) response.headers.set(header, value);
    return response;
  }
  const { stream } = request;
  stream.flags.add('RL');
  stream.details = 'local_rate_limited';
  stream.step({ stage: 'filter', what: 'local rate limit', why: `none of ${shown.max} tokens left, filled again in ${shown.reset} s` });
  const status = Number(config.status?.code ?? 429);
  const response = environment.reply(status >= 400 ? status : 429, 'local_rate_limited', [['x-envoy-ratelimited', 'true'], ...headers]);
  for (const { header, appendAction } of config.responseHeadersToAdd ?? []) {
    if (appendAction === 'OVERWRITE_IF_EXISTS_OR_ADD') response.headers.set((header?.key ?? '').toLowerCase(), header?.value ?? '');
    else response.headers.add((header?.key ?? '').toLowerCase(), header?.value ?? '');
  }
  return response;
}

/** Of a share in percent that is 0 where nothing is written. */
function sampled(percent: LocalRateLimit['filterEnabled'], { random }: ManagerEnvironment): boolean {
  const wanted = share(percent?.defaultValue, 0);
  return wanted >= 1 || random() < wanted;
}

function equal(one: Descriptor, other: Descriptor): boolean {
  return one.length === other.length && one.every(([key, value], at) => key === other[at]?.[0] && value === other[at][1]);
}

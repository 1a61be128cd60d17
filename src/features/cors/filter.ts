import { compileString } from '../../routing/index.ts';
import type { HeaderMap, HttpFilterFactory, RouteScope } from '../../sidecar/hooks.ts';
import { share } from '../../util/envoy-json.ts';
import type { CorsPolicy } from '../../xds/index.ts';

const name = 'envoy.filters.http.cors';

/**
 * Answers preflights of origins that are allowed and tells browsers so on responses; requests of others go on and get no such headers.
 * Source: Envoy, "CORS"; extensions.filters.http.cors.v3.CorsPolicy.
 */
export const corsFilter: HttpFilterFactory<RouteScope> = ({ route, virtualHost, weight }, { random, origin: from, reply }) => {
  const policy = (weight?.typedPerFilterConfig?.[name] ?? route.typedPerFilterConfig?.[name] ?? virtualHost.typedPerFilterConfig?.[name]) as CorsPolicy | undefined;
  if (policy === undefined) return undefined;
  const matchers = (policy.allowOriginStringMatch ?? []).map((matcher) => (matcher.exact === '*' ? { test: () => true } : compileString(matcher)));
  const enabled = share(policy.filterEnabled?.defaultValue, 1);
  const why = from === undefined ? {} : { origin: from };
  return (next) => async (request) => {
    const { headers, stream, method } = request;
    const origin = headers.get('origin') ?? '';
    if (origin === '' || (enabled < 1 && random() >= enabled)) return next(request);
    const preflight = method === 'OPTIONS' && (headers.get('access-control-request-method') ?? '') !== '';
    const allowed = matchers.some(({ test }) => test(origin));
    if (preflight && (allowed || policy.forwardNotMatchingPreflights === false)) {
      stream.details = 'cors_response';
      stream.step({ stage: 'filter', what: allowed ? 'preflight answered' : 'preflight answered without permission', why: `origin ${origin} is ${allowed ? '' : 'not '}allowed`, ...why });
      const response = reply(200, '');
      if (allowed) permit(response.headers, origin, policy, headers.get('access-control-request-private-network') === 'true');
      return response;
    }
    const response = await next(request);
    if (allowed) expose(response.headers, origin, policy);
    return response;
  };
};

function permit(headers: HeaderMap, origin: string, policy: CorsPolicy, privateNetwork: boolean): void {
  headers.set('access-control-allow-origin', origin);
  if (policy.allowCredentials === true) headers.set('access-control-allow-credentials', 'true');
  for (const [header, value] of [['methods', policy.allowMethods], ['headers', policy.allowHeaders]] as const) if (value !== undefined && value !== '') headers.set(`access-control-allow-${header}`, value);
  if (policy.maxAge !== undefined && policy.maxAge !== '') headers.set('access-control-max-age', policy.maxAge);
  if (privateNetwork && policy.allowPrivateNetworkAccess === true) headers.set('access-control-allow-private-network', 'true');
}

function expose(headers: HeaderMap, origin: string, policy: CorsPolicy): void {
  headers.set('access-control-allow-origin', origin);
  if (policy.allowCredentials === true) headers.set('access-control-allow-credentials', 'true');
  if (policy.exposeHeaders !== undefined && policy.exposeHeaders !== '') headers.set('access-control-expose-headers', policy.exposeHeaders);
}

import { any, typeUrl, type Any, type CorsPolicy as EnvoyCors, type StringMatcher } from '../../xds/index.ts';
import type { CorsPolicy } from './manifest.ts';

/** The name under which the CORS filter finds its config on a route. */
export const corsFilter = 'envoy.filters.http.cors';

/** The per-route config of the CORS filter. `allowOrigin` is the older form of exact origins, and counts only where the newer one is not written. */
export function compileCors(policy: CorsPolicy): Any<EnvoyCors> {
  const { allowMethods, allowHeaders, exposeHeaders, maxAge, allowCredentials, unmatchedPreflights } = policy;
  const origins = policy.allowOrigins.length > 0 ? policy.allowOrigins.map(matcher) : policy.allowOrigin.map((exact) => ({ exact }));
  return any(typeUrl.cors, {
    allowOriginStringMatch: origins,
    ...(allowMethods.length === 0 ? {} : { allowMethods: allowMethods.join(',') }),
    ...(allowHeaders.length === 0 ? {} : { allowHeaders: allowHeaders.join(',') }),
    ...(exposeHeaders.length === 0 ? {} : { exposeHeaders: exposeHeaders.join(',') }),
    ...(maxAge === undefined ? {} : { maxAge: String(Math.floor(maxAge / 1000)) }),
    ...(allowCredentials === undefined ? {} : { allowCredentials }),
    ...(unmatchedPreflights === undefined || unmatchedPreflights === 'UNSPECIFIED' ? {} : { forwardNotMatchingPreflights: unmatchedPreflights === 'FORWARD' }),
    filterEnabled: { defaultValue: { numerator: 100 } },
  });
}

function matcher(origin: CorsPolicy['allowOrigins'][number]): StringMatcher {
  switch (origin.kind) {
    case 'exact': return { exact: origin.value };
    case 'prefix': return { prefix: origin.value };
    case 'regex': return { safeRegex: { regex: origin.value } };
    default: return { prefix: '' };
  }
}

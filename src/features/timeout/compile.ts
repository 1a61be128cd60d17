import { formatDuration } from '../../util/manifest-fields.ts';
import type { RouteAction } from '../../xds/index.ts';
import type { HTTPTimeout } from './manifest.ts';

/** The timeout of a route. Istio's default is none, also for gRPC's own header. */
export function compileTimeout(timeout: HTTPTimeout | undefined): Pick<RouteAction, 'timeout' | 'maxGrpcTimeout'> {
  const value = formatDuration(timeout ?? 0);
  return { timeout: value, maxGrpcTimeout: value };
}

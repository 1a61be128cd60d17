import { corsFilter } from '../../features/cors/filter.ts';
import { directResponseFilter } from '../../features/direct-response/filter.ts';
import { faultFilter } from '../../features/fault/filter.ts';
import { headersFilter } from '../../features/headers/filter.ts';
import { hashFilter } from '../../features/load-balancing/filter.ts';
import { mirrorFilter } from '../../features/mirror/filter.ts';
import { redirectFilter } from '../../features/redirect/filter.ts';
import { retryFilter } from '../../features/retry/filter.ts';
import { rewriteFilter } from '../../features/rewrite/filter.ts';
import { timeoutFilter } from '../../features/timeout/filter.ts';
import type { HttpFilterFactory, RouteScope } from '../hooks.ts';

/**
 * The order of filters, from the caller to the upstream. It is Envoy's: HTTP filters first (fault, CORS), then what Envoy's router does in turn.
 * Header changes come before the rewrite and go round direct responses and redirects; a timeout spans all retries.
 */
export const filters: readonly HttpFilterFactory<RouteScope>[] = [
  faultFilter,
  corsFilter,
  headersFilter,
  redirectFilter,
  directResponseFilter,
  rewriteFilter,
  hashFilter,
  timeoutFilter,
  mirrorFilter,
  retryFilter,
];

import { z } from 'zod';
import { CorsPolicy } from '../../features/cors/manifest.ts';
import { HTTPDirectResponse } from '../../features/direct-response/manifest.ts';
import { HTTPFaultInjection } from '../../features/fault/manifest.ts';
import { Headers } from '../../features/headers/manifest.ts';
import { mirrorFields } from '../../features/mirror/manifest.ts';
import { HTTPRedirect } from '../../features/redirect/manifest.ts';
import { HTTPRetry } from '../../features/retry/manifest.ts';
import { HTTPRewrite } from '../../features/rewrite/manifest.ts';
import { Delegate, HTTPMatchRequest, WeightedDestination } from '../../features/routing/manifest.ts';
import { TCPRoute, TLSRoute } from '../../features/tcp-routing/manifest.ts';
import { HTTPTimeout } from '../../features/timeout/manifest.ts';
import { Text, TextList } from '../../util/manifest-fields.ts';
import { required, ruled } from '../../util/manifest-rules.ts';

/** A weighted destination with header changes of its own. */
export const HTTPRouteDestination = ruled(WeightedDestination.extend({ headers: Headers.exactOptional() }), required('destination'));
export type HTTPRouteDestination = z.output<typeof HTTPRouteDestination>;

/** One rule: put together from what each feature lets people write. */
export const HTTPRoute = z.object({
  name: Text,
  match: z.array(HTTPMatchRequest).default([]),
  route: z.array(HTTPRouteDestination).default([]),
  redirect: HTTPRedirect.exactOptional(),
  directResponse: HTTPDirectResponse.exactOptional(),
  delegate: Delegate.exactOptional(),
  rewrite: HTTPRewrite.exactOptional(),
  timeout: HTTPTimeout.exactOptional(),
  retries: HTTPRetry.exactOptional(),
  fault: HTTPFaultInjection.exactOptional(),
  ...mirrorFields,
  corsPolicy: CorsPolicy.exactOptional(),
  headers: Headers.exactOptional(),
});
export type HTTPRoute = z.output<typeof HTTPRoute>;

/** Source: istio.io, VirtualService. */
export const VirtualService = z.object({
  hosts: TextList,
  gateways: TextList,
  http: z.array(HTTPRoute).default([]),
  tls: z.array(TLSRoute).default([]),
  tcp: z.array(TCPRoute).default([]),
  exportTo: TextList,
});
export type VirtualService = z.output<typeof VirtualService>;

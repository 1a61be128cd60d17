import type { HeaderValueOptionJson, RuntimeFractionalPercentJson } from './gen/envoy/config/core/v3/base_pb.ts';
import type { GrpcServiceJson } from './gen/envoy/config/core/v3/grpc_service_pb.ts';
import type { RateLimitJson } from './gen/envoy/config/route/v3/route_components_pb.ts';
import type { TokenBucketJson } from './gen/envoy/type/v3/token_bucket_pb.ts';

/** Filter configs whose protos the generator does not have, written down from Envoy's API reference. */

/** Source: envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit. */
export interface LocalRateLimit {
  readonly statPrefix?: string;
  /** 429 unless it is an error of another number. */
  readonly status?: { readonly code?: string | number };
  readonly tokenBucket?: TokenBucketJson;
  /** Share of requests that are counted; none when unset. */
  readonly filterEnabled?: RuntimeFractionalPercentJson;
  /** Share of those over the limit that are refused; none when unset. */
  readonly filterEnforced?: RuntimeFractionalPercentJson;
  readonly requestHeadersToAddWhenNotEnforced?: readonly HeaderValueOptionJson[];
  readonly responseHeadersToAdd?: readonly HeaderValueOptionJson[];
  readonly descriptors?: readonly { readonly entries?: readonly { readonly key?: string; readonly value?: string }[]; readonly tokenBucket?: TokenBucketJson }[];
  readonly stage?: number;
  readonly alwaysConsumeDefaultTokenBucket?: boolean;
  readonly enableXRatelimitHeaders?: 'OFF' | 'DRAFT_VERSION_03';
  readonly rateLimits?: readonly RateLimitJson[];
}

/** Source: envoy.extensions.filters.http.ratelimit.v3.RateLimit. */
export interface RateLimitFilter {
  readonly domain?: string;
  readonly stage?: number;
  /** 20 ms when unset. */
  readonly timeout?: string;
  /** Refuse requests when the service does not answer. */
  readonly failureModeDeny?: boolean;
  readonly rateLimitService?: { readonly grpcService?: GrpcServiceJson; readonly transportApiVersion?: string };
  readonly enableXRatelimitHeaders?: 'OFF' | 'DRAFT_VERSION_03';
  readonly disableXEnvoyRatelimitedHeader?: boolean;
  readonly rateLimitedStatus?: { readonly code?: string | number };
  readonly statusOnError?: { readonly code?: string | number };
  readonly responseHeadersToAdd?: readonly HeaderValueOptionJson[];
}

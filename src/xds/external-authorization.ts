import type { AddressJson } from './gen/envoy/config/core/v3/address_pb.ts';
import type { HeaderValueJson, HeaderValueOptionJson } from './gen/envoy/config/core/v3/base_pb.ts';
import type { GrpcServiceJson } from './gen/envoy/config/core/v3/grpc_service_pb.ts';
import type { MetadataMatcherJson } from './gen/envoy/type/matcher/v3/metadata_pb.ts';
import type { StringMatcherJson } from './gen/envoy/type/matcher/v3/string_pb.ts';

/** Filter configs and messages whose types the generator does not have, written down from Envoy's API reference. */

interface Strings {
  readonly patterns?: readonly StringMatcherJson[];
}

/** Source: envoy.extensions.filters.http.ext_authz.v3.ExtAuthz. */
export interface ExtAuthz {
  /** Tells filters of a chain apart; Weft writes the provider's name. */
  readonly statPrefix?: string;
  readonly grpcService?: GrpcServiceJson;
  readonly httpService?: ExtAuthzHttpService;
  readonly transportApiVersion?: string;
  /** Lets requests pass when nobody answers. */
  readonly failureModeAllow?: boolean;
  /** Without it the body is not sent along. */
  readonly withRequestBody?: { readonly maxRequestBytes?: number; readonly allowPartialMessage?: boolean; readonly packAsBytes?: boolean };
  /** 403 when unset. */
  readonly statusOnError?: { readonly code?: string | number };
  /** Which requests are asked about; all when unset. */
  readonly filterEnabledMetadata?: MetadataMatcherJson;
  /** Headers of the request that are sent along; without it none by HTTP, all by gRPC. */
  readonly allowedHeaders?: Strings;
  readonly clearRouteCache?: boolean;
}

/** Source: envoy.extensions.filters.http.ext_authz.v3.HttpService. */
export interface ExtAuthzHttpService {
  readonly serverUri?: { readonly uri?: string; readonly cluster?: string; readonly timeout?: string };
  readonly pathPrefix?: string;
  readonly authorizationRequest?: { readonly headersToAdd?: readonly HeaderValueJson[] };
  readonly authorizationResponse?: { readonly allowedUpstreamHeaders?: Strings; readonly allowedClientHeaders?: Strings; readonly allowedClientHeadersOnSuccess?: Strings };
}

/** Source: envoy.extensions.filters.network.ext_authz.v3.ExtAuthz. */
export interface NetworkExtAuthz {
  readonly statPrefix?: string;
  readonly grpcService?: GrpcServiceJson;
  readonly transportApiVersion?: string;
  readonly failureModeAllow?: boolean;
  readonly filterEnabledMetadata?: MetadataMatcherJson;
}

/** One end of what is checked. Source: envoy.service.auth.v3.AttributeContext.Peer. */
export interface CheckedPeer {
  readonly address?: AddressJson;
  readonly principal?: string;
}

/** Source: envoy.service.auth.v3.CheckRequest. */
export interface CheckRequest {
  readonly attributes: {
    readonly source: CheckedPeer;
    readonly destination: CheckedPeer;
    readonly request?: {
      readonly time: string;
      readonly http: {
        readonly id: string; readonly method: string; readonly headers: Readonly<Record<string, string>>; readonly path: string; readonly host: string; readonly scheme: string;
        /** `int64`; -1 when it is not known. */
        readonly size: string;
        readonly protocol: string; readonly body?: string;
        /** Base64. */
        readonly rawBody?: string;
      };
    };
    readonly tlsSession?: { readonly sni: string };
  };
}

/** Source: envoy.service.auth.v3.CheckResponse. */
export interface CheckResponse {
  /** A status other than 0 denies. */
  readonly status?: { readonly code?: number; readonly message?: string };
  readonly deniedResponse?: { readonly status?: { readonly code?: string | number }; readonly headers?: readonly HeaderValueOptionJson[]; readonly body?: string };
  readonly okResponse?: {
    readonly headers?: readonly HeaderValueOptionJson[];
    readonly headersToRemove?: readonly string[];
    readonly responseHeadersToAdd?: readonly HeaderValueOptionJson[];
    readonly queryParametersToSet?: readonly { readonly key?: string; readonly value?: string }[];
    readonly queryParametersToRemove?: readonly string[];
  };
  readonly dynamicMetadata?: Readonly<Record<string, unknown>>;
}

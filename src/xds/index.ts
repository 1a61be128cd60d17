/**
 * Envoy's v3 API as the wire between control plane and proxies: proto3 JSON, camelCase field names.
 * Source: https://www.envoyproxy.io/docs/envoy/latest/api-v3/api
 */
export type { ListenerJson as Listener } from './gen/envoy/config/listener/v3/listener_pb.ts';
export type { FilterChainJson as FilterChain, FilterChainMatchJson as FilterChainMatch, FilterJson as NetworkFilter } from './gen/envoy/config/listener/v3/listener_components_pb.ts';
export type { RouteConfigurationJson as RouteConfiguration } from './gen/envoy/config/route/v3/route_pb.ts';
export type {
  VirtualHostJson as VirtualHost,
  RouteJson as Route,
  RouteMatchJson as RouteMatchConfig,
  RouteActionJson as RouteAction,
  RedirectActionJson as RedirectAction,
  DirectResponseActionJson as DirectResponseAction,
  RetryPolicyJson as RetryPolicy,
  HeaderMatcherJson as HeaderMatcher,
  RateLimitJson as RateLimit,
  RateLimit_ActionJson as RateLimitAction,
  QueryParameterMatcherJson as QueryParameterMatcher,
  WeightedCluster_ClusterWeightJson as ClusterWeight,
  RouteAction_HashPolicyJson as HashPolicy,
  RouteAction_RequestMirrorPolicyJson as RequestMirrorPolicy,
} from './gen/envoy/config/route/v3/route_components_pb.ts';
export type { ClusterJson as Cluster } from './gen/envoy/config/cluster/v3/cluster_pb.ts';
export type { ClusterLoadAssignmentJson as ClusterLoadAssignment } from './gen/envoy/config/endpoint/v3/endpoint_pb.ts';
export type { LbEndpointJson as LbEndpoint, LocalityLbEndpointsJson as LocalityLbEndpoints } from './gen/envoy/config/endpoint/v3/endpoint_components_pb.ts';
export type { HeaderValueOptionJson as HeaderValueOption, MetadataJson as Metadata, TransportSocketJson as TransportSocket } from './gen/envoy/config/core/v3/base_pb.ts';
export type { StringMatcherJson as StringMatcher } from './gen/envoy/type/matcher/v3/string_pb.ts';
export type { HttpConnectionManagerJson as HttpConnectionManager, HttpFilterJson as HttpFilterConfig } from './gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
export type { Http2ProtocolOptionsJson as Http2ProtocolOptions, HttpProtocolOptionsJson as HttpProtocolOptions } from './gen/envoy/config/core/v3/protocol_pb.ts';
export type { TcpProxyJson as TcpProxy } from './gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts';
export type { RBACJson as RbacRules, PolicyJson as RbacPolicy, PermissionJson as Permission, PrincipalJson as Principal } from './gen/envoy/config/rbac/v3/rbac_pb.ts';
export type { RBACJson as RbacFilter } from './gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts';
export type { MetadataMatcherJson as MetadataMatcher } from './gen/envoy/type/matcher/v3/metadata_pb.ts';
export type { ValueMatcherJson as ValueMatcher } from './gen/envoy/type/matcher/v3/value_pb.ts';
export type { HTTPFaultJson as HttpFault } from './gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
export type { CorsPolicyJson as CorsPolicy } from './gen/envoy/extensions/filters/http/cors/v3/cors_pb.ts';
export type { UpstreamTlsContextJson as UpstreamTlsContext, DownstreamTlsContextJson as DownstreamTlsContext } from './gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';
export type { SecretJson as Secret } from './gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
export type { CommonTlsContextJson as CommonTlsContext } from './gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts';

export type { TokenBucketJson as TokenBucketConfig } from './gen/envoy/type/v3/token_bucket_pb.ts';
export type { JwtAuthentication, JwtProvider, JwtRequirement } from './jwt.ts';
export type { CheckedPeer, CheckRequest, CheckResponse, ExtAuthz, ExtAuthzHttpService, NetworkExtAuthz } from './external-authorization.ts';
export type { LocalRateLimit, RateLimitFilter } from './rate-limits.ts';
export { typeUrl, any, type Any, type ResourceType } from './type-urls.ts';
export { origin, ruleOrigins, withOrigin, withRuleOrigins, provenanceKey, type Origin, type RuleOrigins } from './provenance.ts';
export { patchedTable } from './route-patch.ts';
export { configParts, layeredConfig } from './config-parts.ts';
export { clusterName, parseClusterName, type ClusterName } from './names.ts';
export type * from './discovery.ts';

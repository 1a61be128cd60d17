/** What of the Gateway API the lab runs, by the names of its conformance profiles, in alphabetical order. Source: gateway-api.sigs.k8s.io, GatewayClassStatus.supportedFeatures. */
export const supportedFeatures: readonly string[] = [
  'BackendTLSPolicy', 'BackendTLSPolicySANValidation', 'GRPCRoute', 'GRPCRouteNamedRouteRule',
  'Gateway', 'GatewayBackendClientCertificate', 'GatewayFrontendClientCertificateValidation', 'GatewayFrontendClientCertificateValidationInsecureFallback', 'GatewayHTTPListenerIsolation',
  'GatewayHTTPSListenerDetectMisdirectedRequests', 'GatewayInfrastructurePropagation', 'GatewayPort8080',
  'HTTPRoute', 'HTTPRoute303RedirectStatusCode', 'HTTPRoute307RedirectStatusCode', 'HTTPRoute308RedirectStatusCode', 'HTTPRouteBackendRequestHeaderModification', 'HTTPRouteBackendTimeout', 'HTTPRouteCORS',
  'HTTPRouteDestinationPortMatching', 'HTTPRouteHostRewrite', 'HTTPRouteMethodMatching', 'HTTPRouteNamedRouteRule', 'HTTPRouteParentRefPort', 'HTTPRoutePathRedirect', 'HTTPRoutePathRewrite', 'HTTPRoutePortRedirect',
  'HTTPRouteQueryParamMatching', 'HTTPRouteRequestMirror', 'HTTPRouteRequestMultipleMirrors', 'HTTPRouteRequestPercentageMirror', 'HTTPRouteRequestTimeout', 'HTTPRouteResponseHeaderModification', 'HTTPRouteRetry',
  'HTTPRouteSchemeRedirect', 'Mesh', 'MeshClusterIPMatching', 'MeshConsumerRoute', 'MeshHTTPRouteBackendRequestHeaderModification', 'MeshHTTPRouteRedirectPath', 'MeshHTTPRouteRedirectPort', 'MeshHTTPRouteRewritePath', 'MeshHTTPRouteSchemeRedirect',
  'ReferenceGrant', 'TCPRoute', 'TLSRoute', 'TLSRouteModeTerminate',
].sort();

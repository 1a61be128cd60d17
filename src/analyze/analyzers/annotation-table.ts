/** What is known of one of Istio's annotations. */
export interface Annotation {
  /** Kinds that take it; `Any` for all. */
  readonly kinds: readonly string[];
  readonly stage: 'alpha' | 'beta' | 'stable' | 'deprecated';
}

const of = (stage: Annotation['stage'], kinds: readonly string[], names: readonly string[]): readonly (readonly [string, Annotation])[] => names.map((name) => [name, { kinds, stage }]);

/** Istio's annotations. Source: istio.io, "Resource Annotations". */
export const annotations: ReadonlyMap<string, Annotation> = new Map([
  ...of('alpha', ['Any'], [
    'galley.istio.io/analyze-suppress', 'install.operator.istio.io/chart-owner', 'install.operator.istio.io/owner-generation', 'install.operator.istio.io/version',
  ]),
  ...of('beta', ['Pod'], ['proxy.istio.io/config']),
  ...of('alpha', ['Pod'], [
    'ambient.istio.io/bypass-inbound-capture', 'ambient.istio.io/dns-capture', 'ambient.istio.io/redirection', 'inject.istio.io/templates', 'istio.io/reroute-virtual-interfaces', 'istio.io/rev',
    'prometheus.istio.io/merge-metrics', 'proxy.istio.io/overrides', 'readiness.status.sidecar.istio.io/applicationPorts', 'readiness.status.sidecar.istio.io/failureThreshold',
    'readiness.status.sidecar.istio.io/initialDelaySeconds', 'readiness.status.sidecar.istio.io/periodSeconds', 'sidecar.istio.io/agentLogLevel', 'sidecar.istio.io/bootstrapOverride',
    'sidecar.istio.io/componentLogLevel', 'sidecar.istio.io/enableCoreDump', 'sidecar.istio.io/interceptionMode', 'sidecar.istio.io/logLevel', 'sidecar.istio.io/nativeSidecar', 'sidecar.istio.io/proxyCPU',
    'sidecar.istio.io/proxyCPULimit', 'sidecar.istio.io/proxyImage', 'sidecar.istio.io/proxyImageType', 'sidecar.istio.io/proxyMemory', 'sidecar.istio.io/proxyMemoryLimit',
    'sidecar.istio.io/rewriteAppHTTPProbers', 'sidecar.istio.io/statsCompression', 'sidecar.istio.io/statsEvictionInterval', 'sidecar.istio.io/statsHistogramBuckets', 'sidecar.istio.io/status',
    'sidecar.istio.io/userVolume', 'sidecar.istio.io/userVolumeMount', 'status.sidecar.istio.io/port', 'traffic.sidecar.istio.io/excludeInboundPorts', 'traffic.sidecar.istio.io/excludeInterfaces',
    'traffic.sidecar.istio.io/excludeOutboundIPRanges', 'traffic.sidecar.istio.io/excludeOutboundPorts', 'traffic.sidecar.istio.io/includeInboundPorts', 'traffic.sidecar.istio.io/includeOutboundIPRanges',
    'traffic.sidecar.istio.io/includeOutboundPorts', 'traffic.sidecar.istio.io/kubevirtInterfaces',
  ]),
  ...of('deprecated', ['Pod'], [
    'alpha.istio.io/identity', 'sidecar.istio.io/controlPlaneAuthPolicy', 'sidecar.istio.io/discoveryAddress', 'sidecar.istio.io/extraStatTags', 'sidecar.istio.io/inject',
    'sidecar.istio.io/statsInclusionPrefixes', 'sidecar.istio.io/statsInclusionRegexps', 'sidecar.istio.io/statsInclusionSuffixes',
  ]),
  ...of('alpha', ['Service'], ['networking.istio.io/exportTo']),
  ...of('alpha', ['Service', 'ServiceEntry', 'Namespace'], ['networking.istio.io/traffic-distribution']),
  ...of('stable', ['Service'], ['traffic.istio.io/nodeSelector']),
  ...of('deprecated', ['Service'], ['alpha.istio.io/canonical-serviceaccounts', 'alpha.istio.io/kubernetes-serviceaccounts']),
  ...of('alpha', ['Namespace'], ['topology.istio.io/controlPlaneClusters']),
]);

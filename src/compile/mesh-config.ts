/** The part of Istio's MeshConfig that the lab runs on. Source: istio.io/latest/docs/reference/config/istio.mesh.v1alpha1. */
export interface MeshConfig {
  readonly trustDomain: string;
  readonly rootNamespace: string;
  readonly domainSuffix: string;
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY';
  readonly enableAutoMtls: boolean;
  /** Share of requests that start a trace, 0 to 100. */
  readonly traceSampling: number;
  readonly accessLogFile: string;
}

/** Istio's defaults, except that the lab traces and logs every request. */
export const defaultMeshConfig: MeshConfig = {
  trustDomain: 'cluster.local',
  rootNamespace: 'istio-system',
  domainSuffix: 'cluster.local',
  outboundTrafficPolicy: 'ALLOW_ANY',
  enableAutoMtls: true,
  traceSampling: 100,
  accessLogFile: '/dev/stdout',
};

import { isKind } from '../guards.ts';
import { checkMeshConfigMap, isMeshConfigMap } from '../mesh-document.ts';
import type { Diagnostic, Resource } from '../types.ts';
import { validateAuthorizationPolicy } from './authorization-policy.ts';
import { validateDestinationRule } from './destination-rule.ts';
import { validateEnvoyFilter } from './envoy-filter.ts';
import { validateTrafficExtension, validateWasmPlugin } from './extensions.ts';
import { validateGateway } from './gateway.ts';
import { validateBackendTLSPolicy, validateConnectionRoute, validateKubernetesGateway } from './gateway-api.ts';
import { validateGRPCRoute, validateHTTPRoute } from './gateway-api-http.ts';
import { validatePeerAuthentication } from './peer-authentication.ts';
import { Report } from './report.ts';
import { validateProxyConfig, validateRequestAuthentication } from './request-authentication.ts';
import { validateServiceEntry, validateWorkloadEntry } from './service-entry.ts';
import { validateSidecar } from './sidecar.ts';
import { validateTelemetry } from './telemetry.ts';
import { validateVirtualService } from './virtual-service.ts';
import { validateWorkloadGroup } from './workload-group.ts';

/**
 * What Kubernetes' and Istio's admission would say about one resource, beyond its shape (which {@link parseManifests} checks):
 * errors are refused there, warnings accepted. Each finding stands at its field's line.
 */
export function validate(resource: Resource): readonly Diagnostic[] {
  if (isMeshConfigMap(resource)) return checkMeshConfigMap(resource);
  const report = new Report(resource);
  if (isKind(resource, 'VirtualService')) validateVirtualService(resource, report);
  else if (isKind(resource, 'DestinationRule')) validateDestinationRule(resource, report);
  else if (isKind(resource, 'Gateway')) validateGateway(resource, report);
  else if (isKind(resource, 'ServiceEntry')) validateServiceEntry(resource, report);
  else if (isKind(resource, 'WorkloadEntry')) validateWorkloadEntry(resource, report);
  else if (isKind(resource, 'Sidecar')) validateSidecar(resource, report);
  else if (isKind(resource, 'PeerAuthentication')) validatePeerAuthentication(resource, report);
  else if (isKind(resource, 'AuthorizationPolicy')) validateAuthorizationPolicy(resource, report);
  else if (isKind(resource, 'RequestAuthentication')) validateRequestAuthentication(resource, report);
  else if (isKind(resource, 'Telemetry')) validateTelemetry(resource, report);
  else if (isKind(resource, 'EnvoyFilter')) validateEnvoyFilter(resource, report);
  else if (isKind(resource, 'WorkloadGroup')) validateWorkloadGroup(resource, report);
  else if (isKind(resource, 'WasmPlugin')) validateWasmPlugin(resource, report);
  else if (isKind(resource, 'TrafficExtension')) validateTrafficExtension(resource, report);
  else if (isKind(resource, 'KubernetesGateway')) validateKubernetesGateway(resource, report);
  else if (isKind(resource, 'HTTPRoute')) validateHTTPRoute(resource, report);
  else if (isKind(resource, 'GRPCRoute')) validateGRPCRoute(resource, report);
  else if (isKind(resource, 'TCPRoute') || isKind(resource, 'TLSRoute')) validateConnectionRoute(resource, report);
  else if (isKind(resource, 'BackendTLSPolicy')) validateBackendTLSPolicy(resource, report);
  else if (isKind(resource, 'ProxyConfig')) validateProxyConfig(resource, report);
  return report.found;
}

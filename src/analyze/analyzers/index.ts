import type { Analyzer } from '../analyzer.ts';
import { admission } from './admission.ts';
import { annotationMistakes, annotationStages, captureAnnotations } from './annotations.ts';
import { applicationUser } from './application-user.ts';
import { caCertificates } from './ca-certificates.ts';
import { conditions } from './conditions.ts';
import { conflictingGateways } from './conflicting-gateways.ts';
import { conflictingHosts } from './conflicting-hosts.ts';
import { deprecation } from './deprecation.ts';
import { destinationHost } from './destination-host.ts';
import { duplicateCertificates } from './duplicate-certificates.ts';
import { envoyFilters } from './envoy-filters.ts';
import { gatewayApiStatus } from './gateway-api-status.ts';
import { gatewayApiVersions } from './gateway-api-versions.ts';
import { gatewaySecrets } from './gateway-secrets.ts';
import { gatewayWorkloads } from './gateway-workloads.ts';
import { injection } from './injection.ts';
import { jwtClaimRoutes } from './jwt-claim-routes.ts';
import { keyFetches } from './key-fetches.ts';
import { meshNetworks } from './mesh-networks.ts';
import { mtlsConflicts } from './mtls-conflicts.ts';
import { policyLooseEnds } from './policy-loose-ends.ts';
import { portNames } from './port-names.ts';
import { autoImages, proxyImages } from './proxy-images.ts';
import { regularExpressions } from './regular-expressions.ts';
import { authorizationPolicies, ineffectiveSelectors } from './security-policies.ts';
import { entryAddresses, entryProtocols } from './service-entries.ts';
import { sharedPods } from './shared-pods.ts';
import { subsets } from './subsets.ts';
import { telemetryProviders } from './telemetry-providers.ts';
import { unselectedSubsets } from './unselected-subsets.ts';
import { virtualServiceGateways } from './virtual-service-gateways.ts';
import { externalControlPlane, webhooks } from './webhooks.ts';
import { conflictingSelectors, defaultSelectors } from './workload-selectors.ts';

/** Every analysis, in the order in which they run. */
export const analyzers: readonly Analyzer[] = [
  admission,
  destinationHost,
  subsets,
  unselectedSubsets,
  virtualServiceGateways,
  gatewayWorkloads,
  gatewaySecrets,
  duplicateCertificates,
  conflictingGateways,
  conflictingHosts,
  mtlsConflicts,
  authorizationPolicies,
  ineffectiveSelectors,
  jwtClaimRoutes,
  caCertificates,
  entryAddresses,
  entryProtocols,
  ...defaultSelectors,
  ...conflictingSelectors,
  portNames,
  sharedPods,
  applicationUser,
  envoyFilters,
  policyLooseEnds,
  annotationMistakes,
  deprecation,
  conditions,
  annotationStages,
  captureAnnotations,
  regularExpressions,
  telemetryProviders,
  gatewayApiStatus,
  meshNetworks,
  gatewayApiVersions,
  injection,
  proxyImages,
  autoImages,
  webhooks,
  externalControlPlane,
  keyFetches,
];

/** Istio's codes that no analysis here gives, and why. Source of the list: istio.io, "Configuration Analysis Messages". */
export const unanalyzed: Readonly<Record<string, string>> = {
  IST0001: 'A fault of the tool itself; here that is an exception, never a finding.',
  IST0104: 'Taken back by Istio: IST0162 says it now.',
  IST0105: 'Taken back by Istio: IST0158 says it now.',
  IST0143: 'Only a running pod shows on which of its addresses an application listens. In a lab such a port answers 503 with UF, and `weft traffic` shows it.',
  IST0167: 'About policies of ambient mode, which a lab does not have.',
  IST0168: 'About the upgrade of an installed Istio, from one version to another.',
  IST0169: 'About the upgrade of an installed Istio, from one version to another.',
  IST0170: 'About the same Service in several clusters; a lab is one.',
};

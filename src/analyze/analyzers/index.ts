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
import { gatewaySecrets } from './gateway-secrets.ts';
import { gatewayWorkloads } from './gateway-workloads.ts';
import { injection } from './injection.ts';
import { jwtClaimRoutes } from './jwt-claim-routes.ts';
import { keyFetches } from './key-fetches.ts';
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
  injection,
  proxyImages,
  autoImages,
  webhooks,
  externalControlPlane,
  keyFetches,
];

import { ofKind, type Resource } from '../../manifest/index.ts';
import { keyPairOf } from './authorities.ts';
import { gatewayHosts } from './deployment.ts';
import { inNamespaceOf, type Problem, type References } from './references.ts';

/** The certificate that a gateway shows to backends that it connects to by TLS. */
export interface ClientCertificate {
  /** Hosts of the services before the gateway. */
  readonly hosts: readonly string[];
  /** Its secret on the wire. */
  readonly secret: string;
}

/** What a Gateway says of its own certificate towards backends; neither where it says nothing. Source: gateway-api.sigs.k8s.io, GatewayBackendTLS. */
export function clientCertificate(resource: Resource, found: References): { readonly certificate?: ClientCertificate; readonly problem?: Problem } {
  const [gateway] = ofKind([resource], 'KubernetesGateway');
  const reference = gateway?.spec.tls?.backend?.clientCertificateRef;
  if (gateway === undefined || reference === undefined) return {};
  const pair = keyPairOf(gateway, inNamespaceOf(gateway, reference), found, 'InvalidClientCertificateRef');
  return 'problem' in pair ? { problem: pair.problem } : { certificate: { hosts: gatewayHosts(gateway, found.domainSuffix), secret: pair.secret } };
}

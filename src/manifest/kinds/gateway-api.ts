import { z } from 'zod';
import { Int32, Text, TextList, TextMap, UInt32, notRun, partlyRun } from '../../util/manifest-fields.ts';

/** The API group of the Gateway API. */
export const gatewayGroup = 'gateway.networking.k8s.io';

/** Kubernetes' label selector. */
export const LabelSelector = z.object({
  matchLabels: TextMap,
  matchExpressions: z.array(z.object({ key: Text, operator: Text, values: TextList })).default([]),
});
export type LabelSelector = z.output<typeof LabelSelector>;

/** A reference to an object that is not of the cluster's core when nothing else is said: a Secret or a ConfigMap. Empty namespace: the referrer's. */
const CertificateReference = z.object({ group: Text, kind: z.string().default('Secret'), name: Text, namespace: Text });
export type CertificateReference = z.output<typeof CertificateReference>;

/** Client certificates that a gateway asks for. */
const FrontendValidation = z.object({
  mode: z.enum(['AllowValidOnly', 'AllowInsecureFallback']).default('AllowValidOnly'),
  caCertificateRefs: z.array(z.object({ group: Text, kind: z.string().default('ConfigMap'), name: Text, namespace: Text })).default([]),
});
export type FrontendValidation = z.output<typeof FrontendValidation>;

/** Who has to show a certificate: nobody (`SIMPLE`), every client, or with `ISTIO_MUTUAL` workloads of the mesh, to whom the gateway shows its own. Source: istio.io, Secure Gateways. */
export const terminateModeOption = 'gateway.istio.io/tls-terminate-mode';

function unknownOption(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  const entries = Object.entries(options as Readonly<Record<string, unknown>>).filter(([name, value]) => name !== terminateModeOption || !['SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL'].includes(String(value)));
  return entries.length === 0 ? undefined : `only ${terminateModeOption} is known, and not ${entries.map(([name, value]) => `${name}: ${String(value)}`).join(', ')}`;
}

const Namespaces = z.object({ from: z.enum(['All', 'Selector', 'Same']).default('Same'), selector: LabelSelector.exactOptional() });

/** One port of a Gateway and what may attach to it. Source: gateway-api.sigs.k8s.io, Listener. */
export const Listener = z.object({
  name: Text,
  hostname: Text,
  port: UInt32.default(0),
  protocol: Text,
  tls: z.object({ mode: z.enum(['Terminate', 'Passthrough']).default('Terminate'), certificateRefs: z.array(CertificateReference).default([]), options: partlyRun(TextMap, unknownOption) }).exactOptional(),
  allowedRoutes: z.object({ namespaces: Namespaces.prefault({}), kinds: z.array(z.object({ group: z.string().default(gatewayGroup), kind: Text })).default([]) }).prefault({}),
});
export type Listener = z.output<typeof Listener>;

const LocalParameters = z.object({ group: Text, kind: Text, name: Text });

/** Source: gateway-api.sigs.k8s.io, Gateway. */
export const KubernetesGateway = z.object({
  gatewayClassName: Text,
  listeners: z.array(Listener).default([]),
  addresses: z.array(z.object({ type: z.string().default('IPAddress'), value: Text })).default([]),
  infrastructure: z.object({ labels: TextMap, annotations: TextMap, parametersRef: LocalParameters.exactOptional() }).exactOptional(),
  allowedListeners: notRun('ListenerSets are not run'),
  tls: z.object({
    backend: z.object({ clientCertificateRef: CertificateReference.exactOptional() }).exactOptional(),
    frontend: z.object({
      default: z.object({ validation: FrontendValidation.exactOptional() }).exactOptional(),
      perPort: z.array(z.object({ port: UInt32.default(0), tls: z.object({ validation: FrontendValidation.exactOptional() }).exactOptional() })).default([]),
    }).exactOptional(),
  }).exactOptional(),
});
export type KubernetesGateway = z.output<typeof KubernetesGateway>;

/** Source: gateway-api.sigs.k8s.io, GatewayClass. */
export const GatewayClass = z.object({ controllerName: Text, description: Text, parametersRef: z.object({ group: Text, kind: Text, name: Text, namespace: Text }).exactOptional() });
export type GatewayClass = z.output<typeof GatewayClass>;

/** Who may refer to what in the grant's own namespace. Source: gateway-api.sigs.k8s.io, ReferenceGrant. */
export const ReferenceGrant = z.object({
  from: z.array(z.object({ group: Text, kind: Text, namespace: Text })).default([]),
  to: z.array(z.object({ group: Text, kind: Text, name: Text })).default([]),
});
export type ReferenceGrant = z.output<typeof ReferenceGrant>;

/** How gateways connect to a Service by TLS; sidecars do not follow it. Source: gateway-api.sigs.k8s.io, BackendTLSPolicy. */
export const BackendTLSPolicy = z.object({
  targetRefs: z.array(z.object({ group: Text, kind: Text, name: Text, sectionName: Text })).default([]),
  validation: z.object({
    caCertificateRefs: z.array(z.object({ group: Text, kind: z.string().default('ConfigMap'), name: Text })).default([]),
    wellKnownCACertificates: Text,
    hostname: Text,
    subjectAltNames: z.array(z.object({ type: z.enum(['Hostname', 'URI']).default('Hostname'), hostname: Text, uri: Text })).default([]),
  }).prefault({}),
  options: notRun('no options of TLS to backends are known'),
});
export type BackendTLSPolicy = z.output<typeof BackendTLSPolicy>;

/** What a route attaches to. Empty namespace: the route's own. */
export const ParentReference = z.object({ group: z.string().default(gatewayGroup), kind: z.string().default('Gateway'), namespace: Text, name: Text, sectionName: Text, port: UInt32.exactOptional() });
export type ParentReference = z.output<typeof ParentReference>;

/** Where a rule sends traffic. */
export const BackendReference = z.object({ group: Text, kind: z.string().default('Service'), name: Text, namespace: Text, port: UInt32.exactOptional(), weight: Int32.default(1) });
export type BackendReference = z.output<typeof BackendReference>;

const connections = z.array(z.object({ name: Text, backendRefs: z.array(BackendReference).default([]) })).default([]);

/** Source: gateway-api.sigs.k8s.io, TCPRoute. */
export const TCPRoute = z.object({ parentRefs: z.array(ParentReference).default([]), rules: connections, useDefaultGateways: notRun('there is no default Gateway') });
export type TCPRoute = z.output<typeof TCPRoute>;

/** Source: gateway-api.sigs.k8s.io, TLSRoute. */
export const TLSRoute = TCPRoute.extend({ hostnames: TextList });
export type TLSRoute = z.output<typeof TLSRoute>;

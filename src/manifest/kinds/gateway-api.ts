import { z } from 'zod';
import { Int32, Text, TextList, TextMap, UInt32, notRun, partlyRun } from '../../util/manifest-fields.ts';
import { isPort, length, matching, required, ruled } from '../../util/manifest-rules.ts';
import { Group, HandedAnnotations, HandedLabels, HostText, Kind, NamespaceName, ObjectName, SectionName, groupOr, kindOr } from './gateway-api-fields.ts';

/** The API group of the Gateway API. */
export const gatewayGroup = 'gateway.networking.k8s.io';

/** Kubernetes' label selector. */
export const LabelSelector = z.object({
  matchLabels: TextMap,
  matchExpressions: z.array(ruled(z.object({ key: Text, operator: Text, values: TextList }), required('key', 'operator'))).default([]),
});
export type LabelSelector = z.output<typeof LabelSelector>;

/** A reference to an object that is not of the cluster's core when nothing else is said: a Secret or a ConfigMap. Empty namespace: the referrer's. */
const CertificateReference = ruled(z.object({ group: Group, kind: kindOr('Secret'), name: ObjectName, namespace: NamespaceName }), required('name'));
export type CertificateReference = z.output<typeof CertificateReference>;

/** Client certificates that a gateway asks for. */
const FrontendValidation = ruled(z.object({
  mode: z.enum(['AllowValidOnly', 'AllowInsecureFallback']).default('AllowValidOnly'),
  caCertificateRefs: ruled(z.array(ruled(z.object({ group: Group, kind: kindOr('ConfigMap'), name: ObjectName, namespace: NamespaceName }), required('group', 'kind', 'name'))).default([]), length({ min: 1, max: 16 })),
}), required('caCertificateRefs'));
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
  hostname: HostText,
  port: UInt32.default(0),
  protocol: ruled(Text, length({ min: 1, max: 255 }), matching(/^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9]+$/, 'a protocol, such as HTTPS')),
  tls: z.object({ mode: z.enum(['Terminate', 'Passthrough']).default('Terminate'), certificateRefs: ruled(z.array(CertificateReference).default([]), length({ max: 64 })), options: ruled(partlyRun(TextMap, unknownOption), length({ max: 16 })) }).exactOptional(),
  allowedRoutes: z.object({ namespaces: Namespaces.prefault({}), kinds: ruled(z.array(ruled(z.object({ group: groupOr(gatewayGroup), kind: Kind }), required('kind'))).default([]), length({ max: 8 })) }).prefault({}),
});
export type Listener = z.output<typeof Listener>;

const LocalParameters = ruled(z.object({ group: Group, kind: Kind, name: ObjectName }), required('group', 'kind', 'name'));

/** Source: gateway-api.sigs.k8s.io, Gateway. */
export const KubernetesGateway = z.object({
  gatewayClassName: ruled(Text, length({ min: 1, max: 253 })),
  listeners: z.array(Listener).default([]),
  addresses: z.array(z.object({ type: ruled(z.string().default('IPAddress'), length({ min: 1, max: 253 }), matching(/^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/, 'IPAddress, Hostname, or a type with a domain before a slash')), value: ruled(Text, length({ max: 253 })) })).default([]),
  infrastructure: z.object({ labels: HandedLabels, annotations: HandedAnnotations, parametersRef: LocalParameters.exactOptional() }).exactOptional(),
  allowedListeners: z.object({ namespaces: z.object({ from: z.enum(['All', 'Selector', 'Same', 'None']).default('None'), selector: LabelSelector.exactOptional() }).exactOptional() }).meta({ notRun: 'ListenerSets are not run' }).exactOptional(),
  tls: z.object({
    backend: z.object({ clientCertificateRef: CertificateReference.exactOptional() }).exactOptional(),
    frontend: ruled(z.object({
      default: z.object({ validation: FrontendValidation.exactOptional() }).exactOptional(),
      perPort: ruled(z.array(ruled(z.object({ port: ruled(UInt32.default(0), isPort), tls: z.object({ validation: FrontendValidation.exactOptional() }).exactOptional() }), required('port', 'tls'))).default([]), length({ max: 64 })),
    }), required('default')).exactOptional(),
  }).exactOptional(),
});
export type KubernetesGateway = z.output<typeof KubernetesGateway>;

/** Source: gateway-api.sigs.k8s.io, GatewayClass. */
export const GatewayClass = z.object({ controllerName: Text, description: Text, parametersRef: z.object({ group: Text, kind: Text, name: Text, namespace: Text }).exactOptional() });
export type GatewayClass = z.output<typeof GatewayClass>;

/** Who may refer to what in the grant's own namespace. Source: gateway-api.sigs.k8s.io, ReferenceGrant. */
export const ReferenceGrant = ruled(z.object({
  from: ruled(z.array(ruled(z.object({ group: Group, kind: Kind, namespace: NamespaceName }), required('group', 'kind', 'namespace'))).default([]), length({ min: 1, max: 16 })),
  to: ruled(z.array(ruled(z.object({ group: Group, kind: Kind, name: ObjectName }), required('group', 'kind'))).default([]), length({ min: 1, max: 16 })),
}), required('from', 'to'));
export type ReferenceGrant = z.output<typeof ReferenceGrant>;

/** How gateways connect to a Service by TLS; sidecars do not follow it. Source: gateway-api.sigs.k8s.io, BackendTLSPolicy. */
export const BackendTLSPolicy = z.object({
  targetRefs: z.array(ruled(z.object({ group: Group, kind: Kind, name: ObjectName, sectionName: SectionName }), required('group', 'kind', 'name'))).default([]),
  validation: z.object({
    caCertificateRefs: z.array(ruled(z.object({ group: Group, kind: kindOr('ConfigMap'), name: ObjectName }), required('group', 'kind', 'name'))).default([]),
    wellKnownCACertificates: ruled(Text, length({ min: 1, max: 253 }), matching(/^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))/, 'System, or a name with a domain before a slash')),
    hostname: Text,
    subjectAltNames: z.array(z.object({ type: z.enum(['Hostname', 'URI']).default('Hostname'), hostname: Text, uri: Text })).default([]),
  }).prefault({}),
  options: z.record(z.string(), z.string()).meta({ notRun: 'no options of TLS to backends are known' }).exactOptional(),
});
export type BackendTLSPolicy = z.output<typeof BackendTLSPolicy>;

/** What a route attaches to. Empty namespace: the route's own. */
export const ParentReference = z.object({ group: groupOr(gatewayGroup), kind: kindOr('Gateway'), namespace: NamespaceName, name: ruled(Text, length({ max: 253 })), sectionName: SectionName, port: UInt32.exactOptional() });
export type ParentReference = z.output<typeof ParentReference>;

/** Where a rule sends traffic. */
export const BackendReference = z.object({ group: Group, kind: kindOr('Service'), name: ruled(Text, length({ max: 253 })), namespace: NamespaceName, port: UInt32.exactOptional(), weight: Int32.default(1) });
export type BackendReference = z.output<typeof BackendReference>;

const connections = z.array(z.object({ name: SectionName, backendRefs: ruled(z.array(BackendReference).default([]), length({ max: 16 })) })).default([]);

/** Source: gateway-api.sigs.k8s.io, TCPRoute. */
export const TCPRoute = z.object({ parentRefs: z.array(ParentReference).default([]), rules: connections, useDefaultGateways: notRun('there is no default Gateway') });
export type TCPRoute = z.output<typeof TCPRoute>;

/** Source: gateway-api.sigs.k8s.io, TLSRoute. */
export const TLSRoute = TCPRoute.extend({ hostnames: TextList });
export type TLSRoute = z.output<typeof TLSRoute>;

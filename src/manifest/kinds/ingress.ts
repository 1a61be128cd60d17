import { z } from 'zod';
import { Int32, Text, TextList, notRun } from '../../util/manifest-fields.ts';

const noResource = notRun('a backend has to be a Service');
const IngressBackend = z.object({ service: z.object({ name: Text, port: z.object({ number: Int32.default(0), name: Text }).exactOptional() }).exactOptional(), resource: noResource });
export type IngressBackend = z.output<typeof IngressBackend>;

const IngressPath = z.object({ path: Text, pathType: z.enum(['Exact', 'Prefix', 'ImplementationSpecific']).default('ImplementationSpecific'), backend: IngressBackend.prefault({}) });
export type IngressPath = z.output<typeof IngressPath>;

/** Source: Kubernetes API, networking.k8s.io/v1 Ingress. */
export const Ingress = z.object({
  ingressClassName: z.string().exactOptional(),
  defaultBackend: IngressBackend.exactOptional(),
  tls: z.array(z.object({ hosts: TextList, secretName: Text })).default([]),
  rules: z.array(z.object({ host: Text, http: z.object({ paths: z.array(IngressPath).default([]) }).exactOptional() })).default([]),
});
export type Ingress = z.output<typeof Ingress>;

/** Source: Kubernetes API, networking.k8s.io/v1 IngressClass. */
export const IngressClass = z.object({ controller: Text, parameters: notRun('Istio’s classes have no parameters') });
export type IngressClass = z.output<typeof IngressClass>;

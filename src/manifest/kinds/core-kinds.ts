import { z } from 'zod';
import { Accepted, Base64, Flag, Int32, IntOrString, Text, TextList, TextMap, notRun } from '../../util/manifest-fields.ts';

const traffic = 'the mesh decides where traffic goes';

/** A port of a Service. `targetPort` is a number or a container port's name; unset, it is `port`. */
export const ServicePort = z.object({
  name: Text,
  port: Int32.default(0),
  targetPort: IntOrString.exactOptional(),
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
  appProtocol: Text,
  nodePort: notRun('publish through a Gateway'),
});
export type ServicePort = z.output<typeof ServicePort>;

/** Source: Kubernetes API, v1 Service. `clusterIP: None` is headless. */
export const Service = z.object({
  type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).default('ClusterIP'),
  clusterIP: Text,
  clusterIPs: TextList,
  externalName: Text,
  externalIPs: TextList,
  ports: z.array(ServicePort).default([]),
  selector: TextMap,
  publishNotReadyAddresses: Flag,
  sessionAffinity: Accepted,
  sessionAffinityConfig: notRun(traffic),
  ipFamilies: Accepted,
  ipFamilyPolicy: Accepted,
  internalTrafficPolicy: Accepted,
  externalTrafficPolicy: Accepted,
  trafficDistribution: notRun(traffic),
  allocateLoadBalancerNodePorts: Accepted,
  healthCheckNodePort: Accepted,
  loadBalancerClass: Accepted,
  loadBalancerIP: notRun('gateways are published on 127.0.0.1'),
  loadBalancerSourceRanges: notRun('gateways are published on 127.0.0.1'),
});
export type Service = z.output<typeof Service>;

/** Source: Kubernetes API, v1 Namespace. */
export const Namespace = z.object({ finalizers: Accepted });
export type Namespace = z.output<typeof Namespace>;

/** The typed fields of a ServiceAccount's body. */
export const ServiceAccount = z.object({ automountServiceAccountToken: z.boolean().exactOptional(), imagePullSecrets: z.array(z.object({ name: Text })).default([]), secrets: Accepted });
export type ServiceAccount = z.output<typeof ServiceAccount>;

/** The typed fields of a ConfigMap's body. `binaryData` is base64. */
export const ConfigMap = z.object({ data: TextMap, binaryData: z.record(z.string(), Base64).default({}), immutable: Flag });
export type ConfigMap = z.output<typeof ConfigMap>;

/** The typed fields of a Secret's body. `data` is base64, `stringData` plain and goes before it. */
export const Secret = z.object({ type: z.string().default('Opaque'), data: z.record(z.string(), Base64).default({}), stringData: TextMap, immutable: Flag });
export type Secret = z.output<typeof Secret>;

const EndpointAddress = z.object({ ip: Text, hostname: Text, nodeName: Accepted, targetRef: Accepted });
const EndpointPort = z.object({ name: Text, port: Int32.default(0), protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'), appProtocol: Text });

/** The typed fields of an Endpoints' body. */
export const Endpoints = z.object({
  subsets: z.array(z.object({ addresses: z.array(EndpointAddress).default([]), notReadyAddresses: z.array(EndpointAddress).default([]), ports: z.array(EndpointPort).default([]) })).default([]),
});
export type Endpoints = z.output<typeof Endpoints>;

/** The typed fields of an EndpointSlice's body. */
export const EndpointSlice = z.object({
  addressType: Text,
  endpoints: z
    .array(
      z.object({
        addresses: TextList,
        conditions: z.object({ ready: z.boolean().default(true), serving: z.boolean().exactOptional(), terminating: Flag }).prefault({}),
        hostname: Text,
        nodeName: Accepted,
        targetRef: Accepted,
        zone: Text,
        hints: Accepted,
        deprecatedTopology: Accepted,
      }),
    )
    .default([]),
  ports: z.array(EndpointPort).default([]),
});
export type EndpointSlice = z.output<typeof EndpointSlice>;

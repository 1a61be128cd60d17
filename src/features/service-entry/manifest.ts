import { z } from 'zod';
import { Text, TextList, TextMap, UInt32, protoEnum } from '../../util/manifest-fields.ts';

/** An endpoint outside of Kubernetes. Source: istio.io, WorkloadEntry. */
export const WorkloadEntry = z.object({
  address: Text,
  ports: z.record(z.string(), UInt32).default({}),
  labels: TextMap,
  network: Text,
  locality: Text,
  weight: UInt32.default(0),
  serviceAccount: Text,
});
export type WorkloadEntry = z.output<typeof WorkloadEntry>;

/** A port of a ServiceEntry; `targetPort` 0 is `number`. */
export const ServicePort = z.object({ number: UInt32.default(0), protocol: Text, name: Text, targetPort: UInt32.default(0) });
export type ServicePort = z.output<typeof ServicePort>;

/** A service that Kubernetes does not know. Source: istio.io, ServiceEntry. */
export const ServiceEntry = z.object({
  hosts: TextList,
  addresses: TextList,
  ports: z.array(ServicePort).default([]),
  location: protoEnum(['MESH_EXTERNAL', 'MESH_INTERNAL']),
  resolution: protoEnum(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']),
  endpoints: z.array(WorkloadEntry).default([]),
  workloadSelector: z.object({ labels: TextMap }).exactOptional(),
  exportTo: TextList,
  subjectAltNames: TextList,
});
export type ServiceEntry = z.output<typeof ServiceEntry>;

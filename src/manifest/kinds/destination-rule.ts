import { z } from 'zod';
import { ConnectionPoolSettings, RetryBudget } from '../../features/circuit-breaking/manifest.ts';
import { LoadBalancerSettings } from '../../features/load-balancing/manifest.ts';
import { ClientTLSSettings } from '../../features/mtls/manifest.ts';
import { OutlierDetection } from '../../features/outlier-detection/manifest.ts';
import { Text, TextList, TextMap, UInt32, WorkloadSelector, protoEnum } from '../../util/manifest-fields.ts';
import { length, required, ruled } from '../../util/manifest-rules.ts';

const shared = {
  loadBalancer: LoadBalancerSettings.exactOptional(),
  connectionPool: ConnectionPoolSettings.exactOptional(),
  outlierDetection: OutlierDetection.exactOptional(),
  tls: ClientTLSSettings.exactOptional(),
};

/** What a policy says for one port of the service. */
export const PortTrafficPolicy = z.object({ port: z.object({ number: UInt32.default(0) }).exactOptional(), ...shared });
export type PortTrafficPolicy = z.output<typeof PortTrafficPolicy>;

/** Source: istio.io, DestinationRule, TrafficPolicy. */
export const TrafficPolicy = z.object({
  ...shared,
  portLevelSettings: ruled(z.array(PortTrafficPolicy).default([]), length({ max: 4096 })),
  tunnel: ruled(z.object({ protocol: Text, targetHost: Text, targetPort: UInt32.default(0) }), required('targetHost', 'targetPort')).meta({ notRun: 'connections are not wrapped in HTTP CONNECT; send them to the service itself' }).exactOptional(),
  proxyProtocol: z.object({ version: protoEnum(['V1', 'V2']) }).meta({ notRun: 'connections begin without the PROXY protocol' }).exactOptional(),
  retryBudget: RetryBudget.exactOptional(),
});
export type TrafficPolicy = z.output<typeof TrafficPolicy>;

/** A part of a service's endpoints, by label. */
export const Subset = ruled(z.object({ name: Text, labels: TextMap, trafficPolicy: TrafficPolicy.exactOptional() }), required('name'));
export type Subset = z.output<typeof Subset>;

/** Source: istio.io, DestinationRule. */
export const DestinationRule = ruled(
  z.object({
    host: Text,
    trafficPolicy: TrafficPolicy.exactOptional(),
    subsets: z.array(Subset).default([]),
    exportTo: TextList,
    workloadSelector: WorkloadSelector.exactOptional(),
  }),
  required('host'),
);
export type DestinationRule = z.output<typeof DestinationRule>;

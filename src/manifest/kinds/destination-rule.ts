import { z } from 'zod';
import { LoadBalancerSettings } from '../../features/load-balancing/manifest.ts';
import { ClientTLSSettings } from '../../features/mtls/manifest.ts';
import { Double, Duration, Flag, Int32, Text, TextList, TextMap, UInt32, WorkloadSelector, notRun, protoEnum } from '../../util/manifest-fields.ts';

/** Source: istio.io, DestinationRule, ConnectionPoolSettings. */
export const ConnectionPoolSettings = z.object({
  tcp: z
    .object({
      maxConnections: Int32.default(0),
      connectTimeout: Duration.exactOptional(),
      tcpKeepalive: z.object({ probes: UInt32.default(0), time: Duration.exactOptional(), interval: Duration.exactOptional() }).exactOptional(),
      maxConnectionDuration: Duration.exactOptional(),
      idleTimeout: Duration.exactOptional(),
    })
    .exactOptional(),
  http: z
    .object({
      http1MaxPendingRequests: Int32.default(0),
      http2MaxRequests: Int32.default(0),
      maxRequestsPerConnection: Int32.default(0),
      maxRetries: Int32.default(0),
      idleTimeout: Duration.exactOptional(),
      h2UpgradePolicy: protoEnum(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']),
      useClientProtocol: Flag,
      maxConcurrentStreams: Int32.default(0),
      http2KeepAlive: z.object({ interval: Duration.exactOptional(), timeout: Duration.exactOptional() }).exactOptional(),
    })
    .exactOptional(),
});
export type ConnectionPoolSettings = z.output<typeof ConnectionPoolSettings>;

/** Source: istio.io, DestinationRule, OutlierDetection. */
export const OutlierDetection = z.object({
  splitExternalLocalOriginErrors: Flag,
  consecutiveErrors: Int32.exactOptional(),
  consecutiveLocalOriginFailures: UInt32.exactOptional(),
  consecutiveGatewayErrors: UInt32.exactOptional(),
  consecutive5xxErrors: UInt32.exactOptional(),
  interval: Duration.exactOptional(),
  baseEjectionTime: Duration.exactOptional(),
  maxEjectionPercent: Int32.default(0),
  minHealthPercent: Int32.default(0),
  outlierDetectionHttpErrorCodes: notRun('only 5xx responses count'),
});
export type OutlierDetection = z.output<typeof OutlierDetection>;

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
  portLevelSettings: z.array(PortTrafficPolicy).default([]),
  tunnel: z.object({ protocol: Text, targetHost: Text, targetPort: UInt32.default(0) }).exactOptional(),
  proxyProtocol: z.object({ version: protoEnum(['V1', 'V2']) }).exactOptional(),
  retryBudget: z.object({ percent: Double.exactOptional(), minRetryConcurrency: UInt32.default(0), budgetInterval: Duration.exactOptional() }).exactOptional(),
});
export type TrafficPolicy = z.output<typeof TrafficPolicy>;

/** A part of a service's endpoints, by label. */
export const Subset = z.object({ name: Text, labels: TextMap, trafficPolicy: TrafficPolicy.exactOptional() });
export type Subset = z.output<typeof Subset>;

/** Source: istio.io, DestinationRule. */
export const DestinationRule = z.object({
  host: Text,
  trafficPolicy: TrafficPolicy.exactOptional(),
  subsets: z.array(Subset).default([]),
  exportTo: TextList,
  workloadSelector: WorkloadSelector.exactOptional(),
});
export type DestinationRule = z.output<typeof DestinationRule>;

import { z } from 'zod';
import { Double, Duration, Flag, Int32, PositiveDuration, UInt32, protoEnum } from '../../util/manifest-fields.ts';
import { ruled, within } from '../../util/manifest-rules.ts';

/** Source: istio.io, DestinationRule, ConnectionPoolSettings. */
export const ConnectionPoolSettings = z.object({
  tcp: z
    .object({
      maxConnections: Int32.default(0),
      connectTimeout: PositiveDuration.exactOptional(),
      tcpKeepalive: z.object({ probes: UInt32.default(0), time: PositiveDuration.exactOptional(), interval: PositiveDuration.exactOptional() }).exactOptional(),
      maxConnectionDuration: PositiveDuration.exactOptional(),
      idleTimeout: Duration.exactOptional(),
    })
    .exactOptional(),
  http: z
    .object({
      http1MaxPendingRequests: Int32.default(0),
      http2MaxRequests: Int32.default(0),
      maxRequestsPerConnection: Int32.default(0),
      maxRetries: Int32.default(0),
      idleTimeout: PositiveDuration.exactOptional(),
      h2UpgradePolicy: protoEnum(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']),
      useClientProtocol: Flag,
      maxConcurrentStreams: Int32.default(0),
      http2KeepAlive: z.object({ interval: PositiveDuration.exactOptional(), timeout: PositiveDuration.exactOptional() }).exactOptional(),
    })
    .exactOptional(),
});
export type ConnectionPoolSettings = z.output<typeof ConnectionPoolSettings>;

/** How many of the requests under way may be retries. Source: istio.io, DestinationRule, TrafficPolicy.RetryBudget. */
export const RetryBudget = z.object({ percent: ruled(Double, within(0, 100)).exactOptional(), minRetryConcurrency: UInt32.exactOptional(), budgetInterval: Duration.exactOptional() });
export type RetryBudget = z.output<typeof RetryBudget>;

import { z } from 'zod';
import { Duration, Flag, Int32, UInt32, notRun } from '../../util/manifest-fields.ts';

/** When a host that keeps failing is left out for a while. Source: istio.io, DestinationRule, OutlierDetection. */
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

import { z } from 'zod';
import { Flag, Int32, PositiveDuration, UInt32 } from '../../util/manifest-fields.ts';
import { ruled, within } from '../../util/manifest-rules.ts';

/** When a host that keeps failing is left out for a while. Source: istio.io, DestinationRule, OutlierDetection. */
export const OutlierDetection = z.object({
  splitExternalLocalOriginErrors: Flag,
  consecutiveErrors: Int32.exactOptional(),
  consecutiveLocalOriginFailures: UInt32.exactOptional(),
  consecutiveGatewayErrors: UInt32.exactOptional(),
  consecutive5xxErrors: UInt32.exactOptional(),
  interval: PositiveDuration.exactOptional(),
  baseEjectionTime: PositiveDuration.exactOptional(),
  maxEjectionPercent: Int32.default(0),
  minHealthPercent: Int32.default(0),
  outlierDetectionHttpErrorCodes: z.array(ruled(Int32, within(100, 599))).meta({ notRun: 'only 5xx responses count' }).exactOptional(),
});
export type OutlierDetection = z.output<typeof OutlierDetection>;

import { formatDuration } from '../../util/manifest-fields.ts';
import type { Cluster } from '../../xds/index.ts';
import type { OutlierDetection } from './manifest.ts';

type Detection = NonNullable<Cluster['outlierDetection']>;

/** How a cluster finds hosts that fail; nothing where nothing is written. Success rates are never looked at, as in Istio. */
export function compileOutlierDetection(written: OutlierDetection | undefined): Pick<Cluster, 'outlierDetection'> {
  if (written === undefined) return {};
  const { interval, baseEjectionTime, maxEjectionPercent } = written;
  return {
    outlierDetection: {
      ...gatewayErrors(written),
      ...anyErrors(written),
      ...(written.splitExternalLocalOriginErrors ? { splitExternalLocalOriginErrors: true, ...localErrors(written) } : {}),
      ...(interval === undefined ? {} : { interval: formatDuration(interval) }),
      ...(baseEjectionTime === undefined ? {} : { baseEjectionTime: formatDuration(baseEjectionTime) }),
      ...(maxEjectionPercent <= 0 ? {} : { maxEjectionPercent }),
      enforcingSuccessRate: 0,
    },
  };
}

/** The share of hosts, in percent, below which ejections are not heeded any more. Istio writes it with every outlier detection, 0 where people do not. */
export function panicThreshold(written: OutlierDetection | undefined): Pick<NonNullable<Cluster['commonLbConfig']>, 'healthyPanicThreshold'> {
  return written === undefined ? {} : { healthyPanicThreshold: { value: Math.max(0, written.minHealthPercent) } };
}

/** Of the two counts, 0 turns its own off. */
function gatewayErrors({ consecutiveGatewayErrors: errors }: OutlierDetection): Detection {
  return errors === undefined ? {} : { consecutiveGatewayFailure: errors, enforcingConsecutiveGatewayFailure: errors === 0 ? 0 : 100 };
}

function anyErrors({ consecutive5xxErrors, consecutiveErrors }: OutlierDetection): Detection {
  const errors = consecutive5xxErrors ?? consecutiveErrors;
  return errors === undefined ? {} : { consecutive5xx: errors, enforcingConsecutive5xx: errors === 0 ? 0 : 100 };
}

function localErrors({ consecutiveLocalOriginFailures: errors }: OutlierDetection): Detection {
  return errors === undefined ? {} : { consecutiveLocalOriginFailure: errors, enforcingConsecutiveLocalOriginFailure: errors === 0 ? 0 : 100 };
}

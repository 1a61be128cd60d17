import type { Destination } from '../../util/manifest-fields.ts';
import type { RequestMirrorPolicy } from '../../xds/index.ts';
import type { MirrorFields } from './manifest.ts';

/** The mirrors of a rule. `clusterOf` names the cluster of a destination. A share of zero mirrors nothing. */
export function compileMirrors(rule: MirrorFields, clusterOf: (destination: Destination) => string): RequestMirrorPolicy[] {
  const single = rule.mirror === undefined ? [] : [{ destination: rule.mirror, percentage: rule.mirrorPercentage ?? rule.mirrorPercent ?? rule.mirror_percent ?? 100 }];
  const several = rule.mirrors.map(({ destination, percentage }) => ({ destination, percentage: percentage ?? 100 }));
  return [...single, ...several].flatMap(({ destination, percentage }) =>
    destination === undefined || percentage <= 0 ? [] : [{ cluster: clusterOf(destination), runtimeFraction: { defaultValue: { numerator: Math.round(percentage * 10_000), denominator: 'MILLION' as const } }, traceSampled: false }]);
}

import type { LoadBalancerSettings } from '../../features/load-balancing/manifest.ts';
import { each, type Report } from './report.ts';

type Locality = NonNullable<LoadBalancerSettings['localityLbSetting']>;

/** Istio's rules for load balancing by locality. `watched` says whether outlier detection stands beside it. */
export function checkLocality({ distribute, failover, failoverPriority }: Locality, report: Report, watched: boolean): void {
  if (distribute.length > 0 && (failover.length > 0 || failoverPriority.length > 0)) report.error('Locality settings either distribute or fail over, not both.');
  each(distribute, report.at('distribute'), (share, place) => checkShare(share, place));
  checkPlaces(distribute.map(({ from }) => from), report.at('distribute'));
  if (failover.length + failoverPriority.length > 0 && !watched) report.warning('Without outlierDetection no failure is ever noticed, so nothing fails over.', 'Write outlierDetection beside loadBalancer.');
  each(failover, report.at('failover'), ({ from, to }, place) => {
    if (from === to) place.error(`Failing over from ${from} to itself changes nothing.`);
    else if (`${from}${to}`.includes('/') || `${from}${to}`.includes('*')) place.error('Failover names regions only, without zones or wildcards.');
  });
}

function checkShare({ from, to }: Locality['distribute'][number], report: Report): void {
  if (from === '') report.error('A distribution must say from where.');
  const total = Object.values(to).reduce((sum, weight) => sum + weight, 0);
  if (total !== 100) report.at('to').error(`The shares add up to ${total}, not 100.`);
  for (const [place, weight] of Object.entries(to)) {
    if (weight === 0) report.at('to', place).error('A share must be more than 0.', 'Leave the locality out instead.');
    else if (weight > 100) report.at('to', place).error('A share is at most 100.');
  }
  checkPlaces(Object.keys(to), report.at('to'));
}

/** Localities are `region/zone/subzone`, each part after the first optional or a last `*`; no two of a list may share a place. */
function checkPlaces(places: readonly string[], report: Report): void {
  places.forEach((place, index) => {
    const parts = place.split('/');
    if (place !== '' && (parts.some((part) => part === '') || parts.length > 3)) return report.error(`“${place}” is not region/zone/subzone.`);
    if (place.slice(0, -1).includes('*')) return report.error(`In “${place}” the * does not stand at the end.`);
    const other = places.slice(0, index).find((earlier) => within(earlier, place) || within(place, earlier));
    if (other !== undefined) report.error(`“${place}” and “${other}” overlap.`, 'Keep one of them.');
    return undefined;
  });
}

/** Whether all of `inner` is part of `outer`: `a` and `a/*` hold `a/b`. */
function within(outer: string, inner: string): boolean {
  const parts = outer.replace(/\/?\*$/, '').split('/').filter((part) => part !== '');
  const own = inner.split('/');
  return parts.every((part, index) => own[index] === part);
}

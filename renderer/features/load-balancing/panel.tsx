import { object, objects } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** How requests are spread over the pods. */
export const panel: FeaturePanel = {
  feature: 'load-balancing', title: 'Load balancing',
  read: rule => rule.kind !== 'DestinationRule' ? [] : [
    ...policy(rule.spec['trafficPolicy'], ['trafficPolicy', 'loadBalancer'], ''),
    ...objects(rule.spec['subsets']).flatMap((subset, index) => policy(subset['trafficPolicy'], ['subsets', index, 'trafficPolicy', 'loadBalancer'], `${String(subset['name'])}: `)),
  ],
};

function policy(trafficPolicy: unknown, path: readonly (string | number)[], prefix: string): readonly { readonly text: string; readonly path: readonly (string | number)[] }[] {
  const balancer = object(object(trafficPolicy)?.['loadBalancer']);
  if (balancer === undefined) return [];
  const hash = object(balancer['consistentHash']);
  const by = hash === undefined ? undefined : hash['httpHeaderName'] ?? object(hash['httpCookie'])?.['name'] ?? hash['httpQueryParameterName'] ?? 'source IP';
  return [{ text: `${prefix}${by === undefined ? String(balancer['simple'] ?? 'LEAST_REQUEST') : `consistent hash of ${String(by)}`}`, path }];
}

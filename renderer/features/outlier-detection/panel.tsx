import { object } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';
import { policiesOf } from '../policies.ts';

const counts = [['consecutive5xxErrors', '5xx errors'], ['consecutiveErrors', '5xx errors'], ['consecutiveGatewayErrors', 'gateway errors'], ['consecutiveLocalOriginFailures', 'local failures']] as const;

/** When a host that keeps failing is left out. */
export const panel: FeaturePanel = {
  feature: 'outlier-detection', title: 'Outlier detection',
  read: rule => policiesOf(rule).flatMap(({ policy, path, prefix }) => {
    const detection = object(policy['outlierDetection']);
    if (detection === undefined) return [];
    const said = counts.flatMap(([field, words]) => (typeof detection[field] === 'number' && detection[field] > 0 ? [`${detection[field]} ${words}`] : []));
    const time = typeof detection['baseEjectionTime'] === 'string' ? detection['baseEjectionTime'] : '30s';
    const most = typeof detection['maxEjectionPercent'] === 'number' ? detection['maxEjectionPercent'] : 10;
    return [{ text: `${prefix}out for ${time} after ${said.length === 0 ? '5 5xx errors' : said.join(' or ')} in a row, at most ${most} % of the hosts`, path: [...path, 'outlierDetection'] }];
  }),
};

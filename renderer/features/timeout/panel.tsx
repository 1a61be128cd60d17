import { routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Timeouts of the routes. */
export const panel: FeaturePanel = {
  feature: 'timeout', title: 'Timeout',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) =>
    typeof route['timeout'] === 'string' ? [{ text: `answers must come within ${route['timeout']}`, path: [...path, 'timeout'] }] : []),
};

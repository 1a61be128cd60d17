import { object, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Answers that the proxy gives itself. */
export const panel: FeaturePanel = {
  feature: 'direct-response', title: 'Direct response',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) => {
    const response = object(route['directResponse']);
    return response === undefined ? [] : [{ text: `answers ${Number(response['status'])} itself`, path: [...path, 'directResponse'] }];
  }),
};

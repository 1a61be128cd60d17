import { object, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Retry policies of the routes. */
export const panel: FeaturePanel = {
  feature: 'retry', title: 'Retries',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) => {
    const retries = object(route['retries']);
    if (retries === undefined) return [];
    const { attempts, perTryTimeout, retryOn } = retries;
    const each = typeof perTryTimeout === 'string' ? `, ${perTryTimeout} each` : '';
    const on = typeof retryOn === 'string' ? ` on ${retryOn}` : '';
    return [{ text: `${Number(attempts ?? 2)} attempts${each}${on}`, path: [...path, 'retries'] }];
  }),
};

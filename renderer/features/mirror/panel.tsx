import { object, objects, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Where copies of requests go. */
export const panel: FeaturePanel = {
  feature: 'mirror', title: 'Mirror',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) => {
    const single = object(route['mirror']);
    const share = object(route['mirrorPercentage'])?.['value'];
    const one = single === undefined ? [] : [{ text: `copies ${Number(share ?? 100)} % to ${to(single)}`, path: [...path, 'mirror'] }];
    const many = objects(route['mirrors']).map((mirror, index) => ({
      text: `copies ${Number(object(mirror['percentage'])?.['value'] ?? 100)} % to ${to(object(mirror['destination']) ?? {})}`, path: [...path, 'mirrors', index],
    }));
    return [...one, ...many];
  }),
};

function to(destination: Readonly<Record<string, unknown>>): string {
  return [destination['host'], destination['subset']].filter(part => typeof part === 'string').join(' ');
}

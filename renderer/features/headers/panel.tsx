import { object, objects, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Header operations of routes and of their destinations. */
export const panel: FeaturePanel = {
  feature: 'headers', title: 'Headers',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) => [
    ...operations(route['headers'], [...path, 'headers']),
    ...objects(route['route']).flatMap((part, index) => operations(part['headers'], [...path, 'route', index, 'headers'])),
  ]),
};

function operations(headers: unknown, path: readonly (string | number)[]): readonly { readonly text: string; readonly path: readonly (string | number)[] }[] {
  return (['request', 'response'] as const).flatMap(side => {
    const operation = object(object(headers)?.[side]);
    if (operation === undefined) return [];
    const words = (['set', 'add'] as const).flatMap(verb => Object.entries(object(operation[verb]) ?? {}).map(([name, value]) => `${verb} ${name}: ${String(value)}`));
    const removed = Array.isArray(operation['remove']) ? operation['remove'].map(name => `remove ${String(name)}`) : [];
    return [{ text: `${side}: ${[...words, ...removed].join(', ')}`, path: [...path, side] }];
  });
}

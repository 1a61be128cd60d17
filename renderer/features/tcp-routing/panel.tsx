import { object, objects, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Where TCP and TLS connections go. */
export const panel: FeaturePanel = {
  feature: 'tcp-routing', title: 'TCP routing',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule, ['tcp', 'tls']).map(({ route, path }) => ({
    text: objects(route['route']).map(part => `${[object(part['destination'])?.['host'], object(part['destination'])?.['subset']].filter(each => typeof each === 'string').join(' ')}${typeof part['weight'] === 'number' ? ` ${part['weight']} %` : ''}`).join(', '), path,
  })),
};

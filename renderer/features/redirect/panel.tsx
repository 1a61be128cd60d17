import { object, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Redirects. */
export const panel: FeaturePanel = {
  feature: 'redirect', title: 'Redirect',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) => {
    const redirect = object(route['redirect']);
    if (redirect === undefined) return [];
    const { authority, uri, redirectCode } = redirect;
    return [{ text: `${Number(redirectCode ?? 301)} to ${[authority, uri].filter(part => typeof part === 'string').join('')}`, path: [...path, 'redirect'] }];
  }),
};

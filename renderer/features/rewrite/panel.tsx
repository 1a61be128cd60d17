import { object, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Rewrites of path and authority. */
export const panel: FeaturePanel = {
  feature: 'rewrite', title: 'Rewrite',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) => {
    const rewrite = object(route['rewrite']);
    if (rewrite === undefined) return [];
    const { uri, authority } = rewrite;
    const parts = [typeof uri === 'string' ? `path to ${uri}` : '', typeof authority === 'string' ? `authority to ${authority}` : '', object(rewrite['uriRegexRewrite']) === undefined ? '' : 'path by regular expression'];
    return [{ text: parts.filter(part => part !== '').join(', '), path: [...path, 'rewrite'] }];
  }),
};

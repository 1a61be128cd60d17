import { names, object, objects, routes } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Which pages of other origins may call. */
export const panel: FeaturePanel = {
  feature: 'cors', title: 'CORS',
  read: rule => rule.kind !== 'VirtualService' ? [] : routes(rule).flatMap(({ route, path }) => {
    const policy = object(route['corsPolicy']);
    if (policy === undefined) return [];
    const origins = [...objects(policy['allowOrigins']).map(match => String(Object.values(match)[0])), ...names(policy['allowOrigin'])];
    const methods = names(policy['allowMethods']);
    return [{ text: `${origins.join(', ') || 'no origin'}${methods.length === 0 ? '' : ` may ${methods.join(', ')}`}`, path: [...path, 'corsPolicy'] }];
  }),
};

import { object, objects } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** Changes to the compiled Envoy configuration. */
export const panel: FeaturePanel = {
  feature: 'envoy-filter', title: 'Envoy patches',
  read: rule => rule.kind !== 'EnvoyFilter' ? [] : objects(rule.spec['configPatches']).map((each, index) => {
    const patch = object(each['patch']);
    const name = object(patch?.['value'])?.['name'];
    return { text: `${String(patch?.['operation'] ?? '?')} ${String(each['applyTo'] ?? '?')}${typeof name === 'string' ? ` ${name}` : ''}`, path: ['configPatches', index] };
  }),
};

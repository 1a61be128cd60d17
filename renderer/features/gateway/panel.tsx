import { names, object, objects } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** What the gateway listens for. */
export const panel: FeaturePanel = {
  feature: 'gateway', title: 'Gateway',
  read: rule => rule.kind !== 'Gateway' ? [] : objects(rule.spec['servers']).map((server, index) => {
    const port = object(server['port']);
    return { text: `${String(port?.['protocol'] ?? '')} ${Number(port?.['number'])} for ${names(server['hosts']).join(', ')}`, path: ['servers', index] };
  }),
};

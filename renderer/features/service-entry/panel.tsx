import { names, object, objects } from '../../lab/rules.ts';
import type { FeaturePanel } from '../panel.ts';

/** A host outside of the mesh that the mesh knows. */
export const panel: FeaturePanel = {
  feature: 'service-entry', title: 'Service entry',
  read: rule => rule.kind !== 'ServiceEntry' ? [] : [{
    text: `${names(rule.spec['hosts']).join(', ')} on ${objects(rule.spec['ports']).map(port => `${String(port['protocol'])} ${Number(port['number'])}`).join(', ')}, resolution ${String(object(rule.spec)?.['resolution'] ?? 'NONE')}`, path: ['hosts'],
  }],
};

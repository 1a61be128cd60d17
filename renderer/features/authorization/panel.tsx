import { names, object, objects } from '../../lab/rules.ts';
import type { FeaturePanel, Finding } from '../panel.ts';

/** Who may do what: one line per rule of each policy. */
export const panel: FeaturePanel = {
  feature: 'authorization', title: 'Authorization',
  read: rule => {
    if (rule.kind !== 'AuthorizationPolicy') return [];
    const action = typeof rule.spec['action'] === 'string' ? rule.spec['action'] : 'ALLOW';
    const rules = objects(rule.spec['rules']);
    if (rules.length === 0) return [{ text: action === 'ALLOW' ? `${rule.name} allows nothing: all is denied` : `${rule.name}: ${action} nothing`, path: [] }];
    return rules.map((each, index): Finding => ({ text: `${rule.name}: ${action} ${sentence(each)}`, path: ['rules', index] }));
  },
};

function sentence(rule: Readonly<Record<string, unknown>>): string {
  const from = objects(rule['from']).map(entry => fields(object(entry['source'])));
  const to = objects(rule['to']).map(entry => fields(object(entry['operation'])));
  const when = objects(rule['when']).map(({ key, values, notValues }) => `${String(key)} ${names(values).length > 0 ? `is ${names(values).join(' or ')}` : `is not ${names(notValues).join(' or ')}`}`);
  const parts = [...(from.length === 0 ? [] : [`from ${from.join(', or ')}`]), ...(to.length === 0 ? [] : [`to ${to.join(', or ')}`]), ...(when.length === 0 ? [] : [`when ${when.join(' and ')}`])];
  return parts.length === 0 ? 'every request' : parts.join(' ');
}

function fields(part: Readonly<Record<string, unknown>> | undefined): string {
  return Object.entries(part ?? {}).map(([name, values]) => `${name} ${names(values).join(', ')}`).join(' and ');
}

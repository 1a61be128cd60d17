import { object, objects, type Rule } from '../lab/rules.ts';

/** A traffic policy of a DestinationRule, where it stands, and for which part of the service (empty: all of it). */
export interface WrittenPolicy {
  readonly policy: Readonly<Record<string, unknown>>;
  readonly path: readonly (string | number)[];
  /** `v1: ` or `port 9080: `, to put before what it says. */
  readonly prefix: string;
}

/** All traffic policies of a DestinationRule: its own, those for ports, and those of subsets. */
export function policiesOf(rule: Rule): readonly WrittenPolicy[] {
  if (rule.kind !== 'DestinationRule') return [];
  return [
    ...withPorts(rule.spec['trafficPolicy'], ['trafficPolicy'], ''),
    ...objects(rule.spec['subsets']).flatMap((subset, index) => withPorts(subset['trafficPolicy'], ['subsets', index, 'trafficPolicy'], `${String(subset['name'])}: `)),
  ];
}

function withPorts(written: unknown, path: readonly (string | number)[], prefix: string): readonly WrittenPolicy[] {
  const policy = object(written);
  if (policy === undefined) return [];
  const ports = objects(policy['portLevelSettings']).map((settings, index): WrittenPolicy => ({ policy: settings, path: [...path, 'portLevelSettings', index], prefix: `${prefix}port ${String(object(settings['port'])?.['number'])}: ` }));
  return [{ policy, path, prefix }, ...ports];
}

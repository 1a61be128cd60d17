import { ofKind, type PortTrafficPolicy, type Resource, type TrafficPolicy } from '../manifest/index.ts';
import { bySpecificity, hostIsIn, isWildcard, resolveHost } from './hosts.ts';
import type { MeshConfig } from './mesh-config.ts';
import { byAge, exported, exportsOf, originAt, selects, type MeshDestinationRule, type MeshService } from './model.ts';
import type { ProxyNode } from './types.ts';

/** The settings that hold for one cluster. */
export type ClusterPolicy = Omit<PortTrafficPolicy, 'port'> & Pick<TrafficPolicy, 'retryBudget'>;

/** The rules of one namespace: by host, and those whose host is a wildcard. */
export interface NamespaceRules {
  readonly exact: ReadonlyMap<string, readonly MeshDestinationRule[]>;
  readonly wild: readonly MeshDestinationRule[];
}

/** DestinationRules by namespace, merged per host. Oldest first: of two that say the same thing, the older one counts. */
export function meshDestinationRules(resources: readonly Resource[], { domainSuffix, exportTo }: Pick<MeshConfig, 'domainSuffix' | 'exportTo'>): ReadonlyMap<string, NamespaceRules> {
  const byNamespace = new Map<string, Map<string, MeshDestinationRule[]>>();
  for (const resource of byAge(ofKind(resources, 'DestinationRule'))) {
    const { spec, metadata } = resource;
    const rule: MeshDestinationRule = {
      host: resolveHost(spec.host, metadata.namespace, domainSuffix),
      namespace: metadata.namespace,
      exportTo: exportsOf(spec.exportTo, exportTo.destinationRules),
      workloadSelector: spec.workloadSelector,
      trafficPolicy: spec.trafficPolicy,
      subsets: spec.subsets.map((subset, at) => ({ subset, origin: originAt(resource, ['spec', 'subsets', at]) })),
      origin: originAt(resource, ['spec']),
    };
    const hosts = byNamespace.get(metadata.namespace) ?? new Map<string, MeshDestinationRule[]>();
    byNamespace.set(metadata.namespace, hosts.set(rule.host, [...(hosts.get(rule.host) ?? []), rule]));
  }
  return new Map([...byNamespace].map(([namespace, hosts]) => {
    const exact = new Map([...hosts].map(([host, rules]) => [host, grouped(rules, ({ workloadSelector }) => JSON.stringify(workloadSelector)).flatMap((group) => asSeen(group, namespace))]));
    return [namespace, { exact, wild: [...exact].filter(([host]) => isWildcard(host)).flatMap(([, rules]) => rules) }];
  }));
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string | undefined): readonly (readonly Item[])[] {
  const groups = new Map<string | undefined, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups.values()];
}

/** One rule out of several, or, where they are not exported to the same namespaces, one for each namespace that sees a part of its own; what everybody sees is last. */
function asSeen(rules: readonly MeshDestinationRule[], namespace: string): readonly MeshDestinationRule[] {
  const [first] = rules;
  if (first === undefined || rules.every(({ exportTo }) => exportTo.join() === first.exportTo.join())) return merged(rules, first?.exportTo ?? []);
  const viewers = new Set([namespace, ...rules.flatMap(({ exportTo }) => exportTo).filter((name) => name !== '.' && name !== '*' && name !== '~')]);
  return [
    ...[...viewers].flatMap((viewer) => merged(rules.filter(({ exportTo }) => exported(exportTo, namespace, viewer)), [viewer])),
    ...merged(rules.filter(({ exportTo }) => exportTo.length === 0 || exportTo.includes('*')), []),
  ];
}

function merged(rules: readonly MeshDestinationRule[], exportTo: readonly string[]): readonly MeshDestinationRule[] {
  return rules.length === 0 ? [] : [{ ...rules.reduce(merge), exportTo }];
}

function merge(older: MeshDestinationRule, newer: MeshDestinationRule): MeshDestinationRule {
  const known = new Set(older.subsets.map(({ subset }) => subset.name));
  return { ...older, trafficPolicy: older.trafficPolicy ?? newer.trafficPolicy, subsets: [...older.subsets, ...newer.subsets.filter(({ subset }) => !known.has(subset.name))] };
}

/**
 * The rule that a proxy follows for a service: of its own namespace, else of the service's, else of the root namespace;
 * in each, the most specific host, and one with a selector for the proxy before one without.
 */
export function ruleFor(rules: ReadonlyMap<string, NamespaceRules>, node: Pick<ProxyNode, 'namespace' | 'labels'>, service: Pick<MeshService, 'host' | 'namespace'>, rootNamespace: string): MeshDestinationRule | undefined {
  if (rules.size === 0) return undefined;
  for (const namespace of [node.namespace, service.namespace, rootNamespace]) {
    const known = rules.get(namespace);
    // Asked for every service by every proxy: most namespaces say nothing of it.
    if (known === undefined || (known.wild.length === 0 && !known.exact.has(service.host))) continue;
    const exact = known.exact.get(service.host) ?? [];
    const [only] = exact;
    if (known.wild.length === 0 && exact.length === 1 && only?.workloadSelector === undefined && only?.exportTo.length === 0) return only;
    const found = [...exact, ...known.wild.filter(({ host }) => host !== service.host && hostIsIn(service.host, host))]
      .filter((rule) => exported(rule.exportTo, namespace, node.namespace))
      .filter(({ workloadSelector }) => workloadSelector === undefined || (namespace === node.namespace && selects(workloadSelector.matchLabels, node.labels)))
      .sort((a, b) => bySpecificity(a.host, b.host) || Number(b.workloadSelector !== undefined) - Number(a.workloadSelector !== undefined))[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The policy of a service port, or of a subset of it. Settings for a port replace all others of their level. */
export function policyFor(rule: MeshDestinationRule | undefined, port: number, subset?: string): ClusterPolicy {
  const base = atPort(rule?.trafficPolicy, port);
  const own = rule?.subsets.find((known) => known.subset.name === subset)?.subset.trafficPolicy;
  if (subset === undefined || own === undefined) return base;
  const special = own.portLevelSettings.find((settings) => settings.port?.number === port);
  if (special === undefined) return { ...base, ...settingsOf(own) };
  const retryBudget = own.retryBudget ?? base.retryBudget;
  return settingsOf({ ...special, ...(retryBudget === undefined ? {} : { retryBudget }) });
}

function atPort(policy: TrafficPolicy | undefined, port: number): ClusterPolicy {
  if (policy === undefined) return {};
  const special = policy.portLevelSettings.find((settings) => settings.port?.number === port);
  // A retry budget cannot be written for a port.
  return settingsOf(special === undefined ? policy : { ...special, ...(policy.retryBudget === undefined ? {} : { retryBudget: policy.retryBudget }) });
}

function settingsOf({ loadBalancer, connectionPool, outlierDetection, tls, retryBudget }: ClusterPolicy): ClusterPolicy {
  return {
    ...(loadBalancer === undefined ? {} : { loadBalancer }),
    ...(connectionPool === undefined ? {} : { connectionPool }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
    ...(tls === undefined ? {} : { tls }),
    ...(retryBudget === undefined ? {} : { retryBudget }),
  };
}

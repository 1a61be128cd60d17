import type { Cluster, LbEndpoint, LocalityLbEndpoints } from '../../xds/index.ts';
import type { LocalityLbSetting } from './manifest.ts';

/** An endpoint with what locality rules look at. */
export interface PlacedEndpoint {
  readonly endpoint: LbEndpoint;
  /** `region/zone/subzone`, as far as it is known. */
  readonly locality: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The proxy that endpoints are ordered for. */
export interface ProxyPlace {
  readonly locality: string;
  readonly labels: Readonly<Record<string, string>>;
}

const topology = { region: 'topology.kubernetes.io/region', zone: 'topology.kubernetes.io/zone', subzone: 'topology.istio.io/subzone' } as const;

/**
 * Where a workload is: its label `istio-locality` (`region.zone.subzone`), else the labels that Kubernetes gives its nodes; the lab has one
 * node, so pods carry them themselves. Source: istio.io, "Locality Load Balancing".
 */
export function localityOf(labels: Readonly<Record<string, string>>): string {
  const written = labels['istio-locality'];
  if (written !== undefined && written !== '') return written.includes('/') ? written : written.replaceAll('.', '/');
  return [labels[topology.region] ?? '', labels[topology.zone] ?? '', labels[topology.subzone] ?? ''].join('/').replace(/\/+$/, '');
}

/** The setting that holds: the DestinationRule's before the mesh's; `undefined` where locality is switched off. */
export function localitySetting(own: LocalityLbSetting | undefined, mesh: LocalityLbSetting): LocalityLbSetting | undefined {
  const setting = own ?? mesh;
  return setting.enabled === false ? undefined : setting;
}

/** That localities count by weight. */
export function localityWeighted(setting: LocalityLbSetting | undefined): Pick<NonNullable<Cluster['commonLbConfig']>, 'localityWeightedLbConfig'> {
  return setting === undefined ? {} : { localityWeightedLbConfig: {} };
}

/**
 * Endpoints by locality for one proxy: weighted where the setting distributes, else in priorities by nearness. Priorities need outlier
 * detection, for nothing would ever make a proxy leave the best one.
 */
export function localize(endpoints: readonly PlacedEndpoint[], proxy: ProxyPlace, setting: LocalityLbSetting | undefined, outlierDetection: boolean): LocalityLbEndpoints[] {
  if (setting !== undefined && setting.distribute.length > 0) return distributed(groups(endpoints), proxy, setting.distribute);
  if (setting === undefined || !outlierDetection) return groups(endpoints).map(({ group }) => group);
  const { failoverPriority, failover } = setting;
  const rank = failoverPriority.length > 0 ? rankByLabels(failoverPriority, proxy) : rankByLocality(failover, proxy.locality);
  return prioritized(endpoints, rank);
}

interface Group {
  readonly locality: string;
  readonly group: LocalityLbEndpoints;
}

function groups(endpoints: readonly PlacedEndpoint[]): readonly Group[] {
  return [...new Set(endpoints.map(({ locality }) => locality))].map((locality) => {
    const lbEndpoints = endpoints.filter((one) => one.locality === locality).map(({ endpoint }) => endpoint);
    const weight = lbEndpoints.reduce((sum, { loadBalancingWeight }) => sum + Number(loadBalancingWeight ?? 1), 0);
    return { locality, group: { locality: envoyLocality(locality), lbEndpoints, loadBalancingWeight: weight } };
  });
}

function envoyLocality(locality: string): NonNullable<LocalityLbEndpoints['locality']> {
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  return { ...(region === '' ? {} : { region }), ...(zone === '' ? {} : { zone }), ...(subZone === '' ? {} : { subZone }) };
}

function distributed(all: readonly Group[], proxy: ProxyPlace, distribute: LocalityLbSetting['distribute']): LocalityLbEndpoints[] {
  const rule = distribute.find(({ from }) => matches(proxy.locality, from));
  if (rule === undefined) return all.map(({ group }) => group);
  const left = new Set(all);
  return Object.entries(rule.to).flatMap(([where, share]) => {
    const meant = [...left].filter(({ locality }) => matches(locality, where));
    const total = meant.reduce((sum, { group }) => sum + Number(group.loadBalancingWeight ?? 1), 0);
    return meant.map((one) => {
      left.delete(one);
      return { ...one.group, loadBalancingWeight: Math.ceil((Number(one.group.loadBalancingWeight ?? 1) * share) / total) };
    });
  });
}

/** `us-west/*`, `us-west` and `*` leave open what they do not say. */
function matches(locality: string, rule: string): boolean {
  if (rule === '*') return true;
  const parts = locality.split('/');
  return rule.split('/').every((part, at) => part === '*' || part === '' || part === (parts[at] ?? ''));
}

type Rank = (endpoint: PlacedEndpoint) => number;

/** 0 in the same subzone, then zone, then region; then the region to fail over to; then the rest. */
function rankByLocality(failover: LocalityLbSetting['failover'], own: string): Rank {
  const [region = '', zone = '', subzone = ''] = own.split('/');
  const target = failover.find(({ from }) => from === region);
  return ({ locality }) => {
    const [otherRegion = '', otherZone = '', otherSubzone = ''] = locality.split('/');
    if (otherRegion !== region) return target === undefined || target.to === otherRegion ? 3 : 4;
    if (otherZone !== zone) return 2;
    return otherSubzone === subzone ? 0 : 1;
  };
}

/** Better by each label, in order, that is as the proxy's, or as the rule says it must be. */
function rankByLabels(priorities: readonly string[], proxy: ProxyPlace): Rank {
  const wanted = priorities.map((entry): readonly [string, string] => {
    const [label = '', value] = entry.split('=', 2);
    return [label, value ?? withTopology(proxy)[label] ?? ''];
  });
  return (endpoint) => {
    const labels = withTopology(endpoint);
    const first = wanted.findIndex(([label, value]) => (labels[label] ?? '') !== value);
    return first < 0 ? 0 : wanted.length - first;
  };
}

/** The labels that say where something is follow from where it is. */
function withTopology({ labels, locality }: ProxyPlace | PlacedEndpoint): Readonly<Record<string, string>> {
  const [region = '', zone = '', subzone = ''] = locality.split('/');
  return { ...labels, ...(region === '' ? {} : { [topology.region]: region }), ...(zone === '' ? {} : { [topology.zone]: zone }), ...(subzone === '' ? {} : { [topology.subzone]: subzone }) };
}

/** Ranks become priorities from 0 without a gap. */
function prioritized(endpoints: readonly PlacedEndpoint[], rank: Rank): LocalityLbEndpoints[] {
  const ranked = endpoints.map((endpoint) => ({ endpoint, rank: rank(endpoint) }));
  return [...new Set(ranked.map((one) => one.rank))].sort((a, b) => a - b).flatMap((level, priority) => groups(ranked.filter((one) => one.rank === level).map(({ endpoint }) => endpoint))
    .map(({ group }) => (priority === 0 ? group : { ...group, priority })));
}

import { RE2JS } from 're2js';
import type { UpstreamCluster } from '../runtime.ts';

/** One statistic. `cluster` is the label that Prometheus gets for those of a cluster. */
export interface Stat {
  /** Without the cluster: `upstream_rq_total`, `server.uptime`. */
  readonly name: string;
  readonly cluster?: string;
  readonly kind: 'counter' | 'gauge';
  readonly value: number;
}

/** Statistics of clusters, by Envoy's names. */
export function clusterStats(clusters: Iterable<UpstreamCluster>): readonly Stat[] {
  return [...clusters].flatMap((cluster) => [
    ...Object.entries(cluster.counters).map(([name, value]): Stat => ({ name, cluster: cluster.name, kind: 'counter', value: value as number })),
    ...Object.entries(cluster.gauges()).map(([name, value]): Stat => ({ name, cluster: cluster.name, kind: /\.ejections_(?!active)/.test(name) ? 'counter' : 'gauge', value })),
  ]);
}

/** What `/stats` is asked for: `filter` is a regular expression found anywhere in a name, `usedonly` leaves out what is still zero. */
export interface StatsQuery {
  readonly filter?: string;
  readonly usedOnly: boolean;
}

/** The statistics that a query means, sorted by name. Throws on an expression that does not read. */
export function selected(stats: readonly Stat[], { filter, usedOnly }: StatsQuery): readonly (Stat & { readonly full: string })[] {
  const expression = filter === undefined || filter === '' ? undefined : RE2JS.compile(filter);
  return stats.map((stat) => ({ ...stat, full: stat.cluster === undefined ? stat.name : `cluster.${stat.cluster}.${stat.name}` }))
    .filter(({ full, value }) => (!usedOnly || value !== 0) && (expression === undefined || expression.matcher(full).find()))
    .sort((one, other) => (one.full < other.full ? -1 : 1));
}

/** `name: value`, a line each. */
export function statsText(stats: readonly { readonly full: string; readonly value: number }[]): string {
  return stats.map(({ full, value }) => `${full}: ${value}\n`).join('');
}

/** In Prometheus' text format, with Envoy's prefix; the cluster becomes a label. */
export function statsPrometheus(stats: readonly Stat[]): string {
  const families = new Map<string, Stat[]>();
  for (const stat of stats) {
    const family = `envoy_${stat.cluster === undefined ? '' : 'cluster_'}${stat.name.replace(/[^a-zA-Z0-9_]/g, '_')}`;
    families.set(family, [...(families.get(family) ?? []), stat]);
  }
  return [...families].map(([family, members]) => [
    `# TYPE ${family} ${members[0]?.kind ?? 'gauge'}`,
    ...members.map(({ cluster, value }) => `${family}${cluster === undefined ? '{}' : `{cluster_name="${cluster.replace(/[\\"\n]/g, '_')}"}`} ${value}`),
  ].join('\n')).map((block) => `${block}\n`).join('');
}

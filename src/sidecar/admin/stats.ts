import { RE2JS } from 're2js';
import type { DownstreamCounters } from '../http/index.ts';
import type { UpstreamCluster } from '../runtime.ts';

/** One statistic. */
export interface Stat {
  /** Without what it is of: `upstream_rq_total`, `server.uptime`. */
  readonly name: string;
  /** The cluster or connection manager that it is of: a part of the name, and for Prometheus a label. */
  readonly of?: { readonly kind: 'cluster' | 'http'; readonly name: string };
  readonly kind: 'counter' | 'gauge';
  readonly value: number;
}

/** Statistics of clusters, by Envoy's names. */
export function clusterStats(clusters: Iterable<UpstreamCluster>): readonly Stat[] {
  return [...clusters].flatMap((cluster) => {
    const of = { kind: 'cluster', name: cluster.name } as const;
    return [
      ...Object.entries(cluster.counters).map(([name, value]): Stat => ({ name, of, kind: 'counter', value: value as number })),
      ...Object.entries(cluster.gauges()).map(([name, value]): Stat => ({ name, of, kind: /\.ejections_(?!active)/.test(name) ? 'counter' : 'gauge', value })),
    ];
  });
}

/** Statistics of connection managers, by Envoy's names. */
export function managerStats(managers: ReadonlyMap<string, DownstreamCounters>): readonly Stat[] {
  return [...managers].flatMap(([prefix, counters]) => Object.entries(counters).map(([name, value]): Stat => ({ name, of: { kind: 'http', name: prefix }, kind: 'counter', value: value as number })));
}

/** What `/stats` is asked for: `filter` is a regular expression found anywhere in a name, `usedonly` leaves out what is still zero. */
export interface StatsQuery {
  readonly filter?: string;
  readonly usedOnly: boolean;
}

/** The statistics that a query means, sorted by name. Throws on an expression that does not read. */
export function selected(stats: readonly Stat[], { filter, usedOnly }: StatsQuery): readonly (Stat & { readonly full: string })[] {
  const expression = filter === undefined || filter === '' ? undefined : RE2JS.compile(filter);
  return stats.map((stat) => ({ ...stat, full: stat.of === undefined ? stat.name : `${stat.of.kind}.${stat.of.name}.${stat.name}` }))
    .filter(({ full, value }) => (!usedOnly || value !== 0) && (expression === undefined || expression.matcher(full).find()))
    .sort((one, other) => (one.full < other.full ? -1 : 1));
}

/** `name: value`, a line each. */
export function statsText(stats: readonly { readonly full: string; readonly value: number }[]): string {
  return stats.map(({ full, value }) => `${full}: ${value}\n`).join('');
}

const labels = { cluster: 'cluster_name', http: 'http_conn_manager_prefix' } as const;

/** In Prometheus' text format, with Envoy's prefix; what a statistic is of becomes a label, by Istio's names. */
export function statsPrometheus(stats: readonly Stat[]): string {
  const families = new Map<string, Stat[]>();
  for (const stat of stats) {
    const family = `envoy_${stat.of === undefined ? '' : `${stat.of.kind}_`}${stat.name.replace(/[^a-zA-Z0-9_]/g, '_')}`;
    families.set(family, [...(families.get(family) ?? []), stat]);
  }
  return [...families].map(([family, members]) => [
    `# TYPE ${family} ${members[0]?.kind ?? 'gauge'}`,
    ...members.map(({ of, value }) => `${family}${of === undefined ? '{}' : `{${labels[of.kind]}="${of.name.replace(/[\\"\n]/g, '_')}"}`} ${value}`),
  ].join('\n')).map((block) => `${block}\n`).join('');
}

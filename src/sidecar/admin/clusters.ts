import type { UpstreamCluster, UpstreamHost } from '../runtime.ts';

/** Envoy's largest count, which stands for no limit. */
const unlimited = 4_294_967_295;

/** The page `/clusters` in its text form: limits of each cluster, then figures of each host. Source: Envoy, "Administration interface". */
export function clustersText(clusters: Iterable<UpstreamCluster>): string {
  return [...clusters].flatMap((cluster) => {
    const line = (...parts: readonly (string | number)[]): string => `${[cluster.name, ...parts].join('::')}\n`;
    return [
      ...limitsOf(cluster).map(([name, value]) => line('default_priority', name, value)),
      line('added_via_api', 'true'),
      ...cluster.hosts.flatMap((host) => figuresOf(host).map(([name, value]) => line(host.address, name, value))),
    ];
  }).join('');
}

/** The same as JSON, in the shape of envoy.admin.v3.Clusters. */
export function clustersJson(clusters: Iterable<UpstreamCluster>): unknown {
  return {
    clusterStatuses: [...clusters].map((cluster) => ({
      name: cluster.name, addedViaApi: true,
      circuitBreakers: { thresholds: [{ priority: 'DEFAULT', ...Object.fromEntries(limitsOf(cluster).map(([name, value]) => [name.replace(/_([a-z])/g, (_whole, letter: string) => letter.toUpperCase()), value])) }] },
      hostStatuses: cluster.hosts.map((host) => ({
        address: { socketAddress: { address: host.ip, portValue: host.port } },
        stats: figuresOf(host).filter(([, value]) => typeof value === 'number').map(([name, value]) => ({ name, value: String(value) })),
        healthStatus: { edsHealthStatus: host.endpoint.healthStatus ?? 'HEALTHY', failedOutlierCheck: host.monitor?.ejection !== undefined },
        weight: host.weight, priority: host.priority, locality: localityOf(host),
      })),
    })),
  };
}

function limitsOf({ limits }: UpstreamCluster): readonly (readonly [string, number])[] {
  const of = (value: number): number => (Number.isFinite(value) ? value : unlimited);
  return [['max_connections', of(limits.maxConnections)], ['max_pending_requests', of(limits.maxPendingRequests)], ['max_requests', of(limits.maxRequests)], ['max_retries', of(limits.maxRetries)]];
}

function figuresOf(host: UpstreamHost): readonly (readonly [string, string | number])[] {
  const { counters, monitor } = host;
  const { region, zone, subZone } = localityOf(host);
  return [
    ['cx_active', host.connections], ['cx_connect_fail', counters.cx_connect_fail], ['cx_total', counters.cx_total], ['rq_active', host.active], ['rq_error', counters.rq_error], ['rq_success', counters.rq_success],
    ['rq_timeout', counters.rq_timeout], ['rq_total', counters.rq_total], ['hostname', host.endpoint.endpoint?.hostname ?? ''], ['health_flags', flagsOf(host)], ['weight', host.weight],
    ['region', region], ['zone', zone], ['sub_zone', subZone], ['canary', 'false'], ['priority', host.priority], ['success_rate', -1], ['local_origin_success_rate', -1],
    ...(monitor === undefined ? [] : [['outlier_ejections', monitor.ejections] as const]),
    ...(monitor?.ejection === undefined ? [] : [['outlier_ejection_reason', monitor.ejection.reason], ['outlier_ejected_until', new Date(monitor.ejection.until).toISOString()]] as const),
  ];
}

function flagsOf({ endpoint, monitor }: UpstreamHost): string {
  const status = endpoint.healthStatus ?? 'HEALTHY';
  const flags = [
    ...(monitor?.ejection === undefined ? [] : ['/failed_outlier_check']),
    ...(status === 'DEGRADED' ? ['/degraded_eds_health'] : status === 'HEALTHY' || status === 'UNKNOWN' ? [] : ['/failed_eds_health']),
  ];
  return flags.length === 0 ? 'healthy' : flags.join('');
}

function localityOf({ locality }: UpstreamHost): { readonly region: string; readonly zone: string; readonly subZone: string } {
  const [region = '', zone = '', subZone = ''] = locality.split('/');
  return { region, zone, subZone };
}

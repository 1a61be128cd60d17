import { X509Certificate } from 'node:crypto';
import { addressesOf } from '../../routing/index.ts';
import { istioMetricsText } from '../../contract/index.ts';
import { typeUrl } from '../../xds/index.ts';
import type { ConfigInForce } from '../config/in-force.ts';
import type { DownstreamCounters } from '../http/index.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { SecretStore } from '../tls/secrets.ts';
import type { Subscriptions } from '../xds/subscription.ts';
import { linkTier } from '../link/index.ts';
import { clustersJson, clustersText } from './clusters.ts';
import type { Page, Pages } from './server.ts';
import { clusterStats, managerStats, selected, statsPrometheus, statsText, type Stat } from './stats.ts';

/** Levels of the log, from all to nothing. */
export const logLevels = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type LogLevel = (typeof logLevels)[number];

const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

export interface AdminSources {
  readonly config: ConfigInForce;
  readonly secrets: SecretStore;
  readonly metrics: Metrics;
  /** By `stat_prefix`. */
  readonly downstream: ReadonlyMap<string, DownstreamCounters>;
  readonly subscriptions: Subscriptions;
  readonly node: string;
  /** Milliseconds since the start. */
  uptime(): number;
  ready(): boolean;
  connections(): number;
  /** Lines below this level are not written. */
  readonly logging: { level: LogLevel };
  /** Set by an operator, or when it drains, to take the proxy out of service: the pod is not ready then. */
  readonly health: { readonly failed: boolean; set(failed: boolean): void };
  /** Takes no connections any more, on all ports or on the inbound ones; those that there are finish what is under way. */
  drain(inboundOnly: boolean): void;
}

/** Envoy's admin pages. Keys of certificates are never shown. Source: Envoy, "Administration interface". */
export function adminPages(sources: AdminSources): Pages {
  return {
    '/ready': () => readyPage(sources),
    '/server_info': () => json({ version: 'weft', state: sources.ready() ? 'LIVE' : 'PRE_INITIALIZING', uptimeCurrentEpoch: `${Math.round(sources.uptime() / 1000)}s`, node: { id: sources.node }, link: linkTier() }),
    '/config_dump': () => json(configDump(sources)),
    '/clusters': (query) => (query.get('format') === 'json' ? json(clustersJson(sources.config.current.clusters.values())) : { body: clustersText(sources.config.current.clusters.values()) }),
    '/memory': () => json(memory()),
    '/listeners': () => ({ body: sources.config.current.resources.listener.flatMap((listener) => addressesOf(listener).map(({ ip, port }) => `${listener.name ?? ''}::${ip}:${port}\n`)).join('') }),
    '/certs': () => json(certificates(sources.secrets)),
    '/stats': (query) => statsPage(sources, query),
    ...metricsPages(sources),
  };
}

/** The page that Prometheus scrapes. */
export function metricsPages(sources: Pick<AdminSources, 'metrics' | 'config' | 'downstream'>): Pages {
  return { '/stats/prometheus': () => ({ type: prometheusType, body: `${istioMetricsText(sources.metrics.totals())}${usedStats(sources)}` }) };
}

/** The page that tells whether the proxy is ready. */
export function healthPages(sources: Pick<AdminSources, 'ready' | 'health'>): Pages {
  return { '/healthz/ready': () => readyPage(sources) };
}

function readyPage({ ready, health }: Pick<AdminSources, 'ready' | 'health'>): Page {
  if (health.failed) return { status: 503, body: 'DRAINING\n' };
  return ready() ? { body: 'LIVE\n' } : { status: 503, body: 'PRE_INITIALIZING\n' };
}

function json(value: unknown): Page {
  return { type: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` };
}

function memory(): unknown {
  const { heapUsed, heapTotal, rss, external } = process.memoryUsage();
  return { allocated: String(heapUsed), heap_size: String(heapTotal), pageheap_unmapped: '0', total_physical_bytes: String(rss), external: String(external) };
}

function configDump({ config, secrets, subscriptions }: AdminSources): unknown {
  const { listener, route, cluster, endpoint } = config.current.resources;
  const dump = (name: string): string => `type.googleapis.com/envoy.admin.v3.${name}`;
  return {
    configs: [
      { '@type': dump('ClustersConfigDump'), versionInfo: subscriptions.status('cluster').version, dynamicActiveClusters: cluster.map((one) => ({ cluster: { '@type': typeUrl.cluster, ...one } })) },
      { '@type': dump('EndpointsConfigDump'), dynamicEndpointConfigs: endpoint.map((one) => ({ versionInfo: subscriptions.status('endpoint').version, endpointConfig: { '@type': typeUrl.endpoint, ...one } })) },
      { '@type': dump('ListenersConfigDump'), versionInfo: subscriptions.status('listener').version, dynamicListeners: listener.map((one) => ({ name: one.name, activeState: { listener: { '@type': typeUrl.listener, ...one } } })) },
      { '@type': dump('RoutesConfigDump'), dynamicRouteConfigs: route.map((one) => ({ versionInfo: subscriptions.status('route').version, routeConfig: { '@type': typeUrl.route, ...one } })) },
      { '@type': dump('SecretsConfigDump'), dynamicActiveSecrets: secrets.names().map((name) => ({ name })) },
    ],
  };
}

function certificates(secrets: SecretStore): unknown {
  const describe = (pem: string): unknown[] => (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((one) => {
    const certificate = new X509Certificate(one);
    return { serialNumber: certificate.serialNumber, subjectAltNames: certificate.subjectAltName ?? '', validFrom: new Date(certificate.validFrom), expirationTime: new Date(certificate.validTo) };
  });
  return { certificates: secrets.names().map((name) => ({ name, caCert: describe(secrets.get(name)?.roots ?? ''), certChain: describe(secrets.get(name)?.chain ?? '') })) };
}

function stats({ config, downstream, connections, uptime }: AdminSources): readonly Stat[] {
  const memory = process.memoryUsage();
  const server = {
    'cluster_manager.active_clusters': config.current.clusters.size, 'listener_manager.total_listeners_active': config.current.resources.listener.length,
    'server.memory_allocated': memory.heapUsed, 'server.memory_physical_size': memory.rss, 'server.total_connections': connections(), 'server.uptime': Math.round(uptime() / 1000),
  };
  return [...clusterStats(config.current.clusters.values()), ...managerStats(downstream), ...Object.entries(server).map(([name, value]): Stat => ({ name, kind: 'gauge', value }))];
}

function statsPage(sources: AdminSources, query: URLSearchParams): Page {
  const filter = query.get('filter');
  try {
    const wanted = selected(stats(sources), { ...(filter === null ? {} : { filter }), usedOnly: query.has('usedonly') });
    switch (query.get('format')) {
      case 'json': return json({ stats: wanted.map(({ full, value }) => ({ name: full, value })) });
      case 'prometheus': return { type: prometheusType, body: statsPrometheus(wanted) };
      default: return { body: statsText(wanted) };
    }
  } catch (error) {
    return { status: 400, body: `Invalid regex: "${filter ?? ''}"\n${error instanceof Error ? error.message : String(error)}\n` };
  }
}

/** What may be asked to change: the level of the log, whether the proxy says that it is ready, whether it takes connections, and counts. */
export function adminActions({ config, downstream, logging, health, drain }: Pick<AdminSources, 'config' | 'downstream' | 'logging' | 'health' | 'drain'>): Pages {
  return {
    '/logging': (query) => {
      const level = query.get('level') ?? [...query.values()][0];
      if (level !== undefined && !logLevels.includes(level as LogLevel)) return { status: 400, body: `error: unknown logger level. Levels are ${logLevels.join(' ')}\n` };
      if (level !== undefined) logging.level = level as LogLevel;
      return { body: `active loggers:\n  weft: ${logging.level}\n` };
    },
    '/healthcheck/fail': () => { health.set(true); return { body: 'OK\n' }; },
    '/healthcheck/ok': () => { health.set(false); return { body: 'OK\n' }; },
    '/drain_listeners': (query) => { drain(query.has('inboundonly')); return { body: 'OK\n' }; },
    '/reset_counters': () => {
      for (const { counters } of config.current.clusters.values()) for (const name of Object.keys(counters) as (keyof typeof counters)[]) counters[name] = 0;
      for (const counters of downstream.values()) for (const name of Object.keys(counters) as (keyof typeof counters)[]) counters[name] = 0;
      return { body: 'OK\n' };
    },
  };
}

/** Only what was counted, so that the page stays small with many clusters. */
function usedStats(sources: Pick<AdminSources, 'config' | 'downstream'>): string {
  return statsPrometheus(selected([...clusterStats(sources.config.current.clusters.values()), ...managerStats(sources.downstream)], { usedOnly: true }));
}

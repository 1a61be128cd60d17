import { X509Certificate } from 'node:crypto';
import { addressesOf } from '../../routing/index.ts';
import { typeUrl, type LbEndpoint } from '../../xds/index.ts';
import type { ConfigInForce } from '../config/in-force.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { prometheusText } from '../telemetry/prometheus.ts';
import type { SecretStore } from '../tls/secrets.ts';
import type { Subscriptions } from '../xds/subscription.ts';
import type { Page, Pages } from './server.ts';

export interface AdminSources {
  readonly config: ConfigInForce;
  readonly secrets: SecretStore;
  readonly metrics: Metrics;
  readonly subscriptions: Subscriptions;
  readonly node: string;
  /** Milliseconds since the start. */
  uptime(): number;
  ready(): boolean;
  connections(): number;
}

/** Envoy's admin pages. Keys of certificates are never shown. Source: Envoy, "Administration interface". */
export function adminPages(sources: AdminSources): Pages {
  return {
    '/ready': () => readyPage(sources),
    '/server_info': () => json({ version: 'weft', state: sources.ready() ? 'LIVE' : 'PRE_INITIALIZING', uptimeCurrentEpoch: `${Math.round(sources.uptime() / 1000)}s`, node: { id: sources.node } }),
    '/config_dump': () => json(configDump(sources)),
    '/clusters': () => ({ body: clusters(sources) }),
    '/listeners': () => ({ body: sources.config.current.resources.listener.flatMap((listener) => addressesOf(listener).map(({ ip, port }) => `${listener.name ?? ''}::${ip}:${port}\n`)).join('') }),
    '/certs': () => json(certificates(sources.secrets)),
    '/stats': () => ({ body: stats(sources) }),
    ...metricsPages(sources),
  };
}

/** The page that Prometheus scrapes. */
export function metricsPages({ metrics }: Pick<AdminSources, 'metrics'>): Pages {
  return { '/stats/prometheus': () => ({ type: 'text/plain; version=0.0.4; charset=utf-8', body: prometheusText(metrics.totals()) }) };
}

/** The page that tells whether the proxy is ready. */
export function healthPages(sources: Pick<AdminSources, 'ready'>): Pages {
  return { '/healthz/ready': () => readyPage(sources) };
}

function readyPage({ ready }: Pick<AdminSources, 'ready'>): Page {
  return ready() ? { body: 'LIVE\n' } : { status: 503, body: 'PRE_INITIALIZING\n' };
}

function json(value: unknown): Page {
  return { type: 'application/json', body: `${JSON.stringify(value, null, 1)}\n` };
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

function clusters({ config }: AdminSources): string {
  return [...config.current.clusters.values()].flatMap((cluster) => cluster.hosts.flatMap((host) => {
    const endpoint: LbEndpoint = host.endpoint;
    const line = (name: string, value: string | number): string => `${cluster.name}::${host.address}::${name}::${value}\n`;
    return [line('rq_active', host.active), line('health_flags', endpoint.healthStatus === undefined || endpoint.healthStatus === 'HEALTHY' || endpoint.healthStatus === 'UNKNOWN' ? 'healthy' : '/failed_eds_health'), line('weight', host.weight)];
  })).join('');
}

function certificates(secrets: SecretStore): unknown {
  const describe = (pem: string): unknown[] => (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((one) => {
    const certificate = new X509Certificate(one);
    return { serialNumber: certificate.serialNumber, subjectAltNames: certificate.subjectAltName ?? '', validFrom: new Date(certificate.validFrom), expirationTime: new Date(certificate.validTo) };
  });
  return { certificates: secrets.names().map((name) => ({ name, caCert: describe(secrets.get(name)?.roots ?? ''), certChain: describe(secrets.get(name)?.chain ?? '') })) };
}

function stats({ config, connections, uptime }: AdminSources): string {
  const memory = process.memoryUsage();
  const values = {
    'cluster_manager.active_clusters': config.current.clusters.size, 'listener_manager.total_listeners_active': config.current.resources.listener.length,
    'server.memory_allocated': memory.heapUsed, 'server.memory_physical_size': memory.rss, 'server.total_connections': connections(), 'server.uptime': Math.round(uptime() / 1000),
  };
  return Object.entries(values).map(([name, value]) => `${name}: ${value}\n`).join('');
}

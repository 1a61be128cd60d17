import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { adminActions, adminPages, healthPages, type AdminSources } from '../../../src/sidecar/admin/pages.ts';
import { servePages } from '../../../src/sidecar/admin/server.ts';
import { ConfigInForce } from '../../../src/sidecar/config/in-force.ts';
import { newDownstreamCounters, type DownstreamCounters } from '../../../src/sidecar/http/counters.ts';
import { Metrics } from '../../../src/sidecar/telemetry/metrics.ts';
import { createSecretStore } from '../../../src/sidecar/tls/secrets.ts';
import { createCluster } from '../../../src/sidecar/upstream/index.ts';
import type { Cluster } from '../../../src/xds/index.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { plainConnector } from '../http/proxy.ts';

const closing: (() => void)[] = [];
const drained: boolean[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });

const name = 'outbound|80||a.default.svc.cluster.local';
const cluster: Cluster = {
  name, type: 'STATIC', outlierDetection: { consecutive5xx: 1, maxEjectionPercent: 100 }, circuitBreakers: { thresholds: [{ maxConnections: 7 }] },
  loadAssignment: { endpoints: [{ locality: { region: 'r', zone: 'z' }, lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '10.0.0.1', portValue: 80 } } } }] }] },
};

async function admin(): Promise<{ readonly config: ConfigInForce; readonly sources: AdminSources; ask(path: string, method?: string): Promise<{ readonly status: number; readonly text: string }> }> {
  const clock = fakeClock(0);
  const secrets = createSecretStore();
  const config = new ConfigInForce({
    clock, secrets, resolve: () => Promise.resolve([]), bind: () => Promise.resolve([]),
    createCluster: (one, assignment, before) => createCluster(one, assignment, { connector: plainConnector, clock, random: () => 0 }, before),
  });
  await config.apply('cluster', [cluster]);
  const sources: AdminSources = {
    config, secrets, metrics: new Metrics(), downstream: new Map(), node: 'sidecar~1', uptime: () => 5000, ready: () => true, connections: () => 3, logging: { level: 'info' }, health: { failed: false, set(failed) { Object.assign(this, { failed }); } }, drain: (inboundOnly) => { drained.push(inboundOnly); },
    subscriptions: { status: () => ({ version: 'v1' }) } as unknown as AdminSources['subscriptions'],
  };
  const server = await servePages({ host: '127.0.0.1', port: 0 }, { ...adminPages(sources), ...healthPages(sources) }, clock, adminActions(sources));
  const { port } = server.address() as AddressInfo;
  closing.push(() => { server.close(); config.close(); });
  return {
    config, sources,
    async ask(path, method = 'GET') {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
      return { status: response.status, text: await response.text() };
    },
  };
}

it('tells of clusters and who is ejected, as text and JSON', async () => {
  const { config, ask } = await admin();
  config.current.clusters.get(name)?.hosts[0]?.monitor?.answered(500);
  const { text } = await ask('/clusters');
  for (const line of ['default_priority::max_connections::7', 'default_priority::max_retries::3', '10.0.0.1:80::health_flags::/failed_outlier_check', '10.0.0.1:80::zone::z', '10.0.0.1:80::outlier_ejection_reason::consecutive-5xx-errors', '10.0.0.1:80::outlier_ejected_until::1970-01-01T00:00:30.000Z']) expect(text).toContain(`${name}::${line}\n`);
  expect(JSON.parse((await ask('/clusters?format=json')).text)).toMatchObject({ clusterStatuses: [{ name, hostStatuses: [{ healthStatus: { failedOutlierCheck: true }, locality: { region: 'r' } }] }] });
});

it('filters statistics, and gives them to Prometheus', async () => {
  const { config, sources, ask } = await admin();
  const counters = config.current.clusters.get(name)?.counters;
  if (counters !== undefined) counters.upstream_rq_pending_overflow = 21;
  expect((await ask('/stats?filter=pending_overflow')).text).toBe(`cluster.${name}.upstream_rq_pending_overflow: 21\n`);
  expect((await ask('/stats?usedonly&filter=upstream_')).text).toBe(`cluster.${name}.upstream_rq_pending_overflow: 21\n`);
  expect((await ask('/stats')).text).toContain('server.uptime: 5\n');
  expect(await ask('/stats?filter=(')).toMatchObject({ status: 400 });
  expect((await ask('/stats/prometheus')).text).toContain(`# TYPE envoy_cluster_upstream_rq_pending_overflow counter\nenvoy_cluster_upstream_rq_pending_overflow{cluster_name="${name}"} 21\n`);
  const callers = { ...newDownstreamCounters(), downstream_rq_rx_reset: 4 };
  (sources.downstream as Map<string, DownstreamCounters>).set('inbound_0.0.0.0_9080;', callers);
  expect((await ask('/stats?usedonly&filter=^http')).text).toBe('http.inbound_0.0.0.0_9080;.downstream_rq_rx_reset: 4\n');
  expect((await ask('/stats/prometheus')).text).toContain('# TYPE envoy_http_downstream_rq_rx_reset counter\nenvoy_http_downstream_rq_rx_reset{http_conn_manager_prefix="inbound_0.0.0.0_9080;"} 4\n');
  expect(await ask('/reset_counters')).toMatchObject({ status: 405 });
  await ask('/reset_counters', 'POST');
  expect((await ask('/stats?filter=pending_overflow')).text).toContain(': 0\n');
  expect(callers.downstream_rq_rx_reset).toBe(0);
});

it('changes things by POST only', async () => {
  const { ask, sources } = await admin();
  expect(await ask('/logging?level=debug')).toMatchObject({ status: 405 });
  expect((await ask('/logging?level=debug', 'POST')).text).toContain('weft: debug');
  expect(sources.logging.level).toBe('debug');
  expect(await ask('/logging?level=loud', 'POST')).toMatchObject({ status: 400 });
  expect(await ask('/ready')).toEqual({ status: 200, text: 'LIVE\n' });
  await ask('/healthcheck/fail', 'POST');
  expect([await ask('/ready'), await ask('/healthz/ready')]).toMatchObject([{ status: 503, text: 'DRAINING\n' }, { status: 503 }]);
  await ask('/healthcheck/ok', 'POST');
  await ask('/drain_listeners?inboundonly', 'POST');
  await ask('/drain_listeners', 'POST');
  expect(drained).toEqual([true, false]);
  expect(await ask('/ready')).toMatchObject({ status: 200 });
  expect(await ask('/nothing')).toMatchObject({ status: 404 });
  expect((await ask('/help')).text).toContain('/logging (POST)');
});

it('names the tier of links that serves', async () => {
  expect(JSON.parse((await (await admin()).ask('/server_info')).text)).toMatchObject({ state: 'LIVE', link: expect.stringMatching(/^(handles|sockets)$/) as unknown });
});

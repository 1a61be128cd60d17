import { outcomeOf, type Figures, type Graph, type GraphEdge, type GraphNode, type Peer, type RequestRecord, type UpstreamStatus } from '../../src/contract/index.ts';
import type { Scenario } from './scenario.ts';

const bad = new Set(['server-error', 'fault', 'timeout', 'denied']);

function figures(records: readonly RequestRecord[]): Figures {
  const durations = records.map(record => record.duration).sort((one, two) => one - two);
  const at = (share: number): number => durations[Math.min(durations.length - 1, Math.floor(durations.length * share))] ?? 0;
  return { rps: records.length / 10, errorShare: records.length === 0 ? 0 : records.filter(record => bad.has(outcomeOf(record))).length / records.length, p50: at(0.5), p99: at(0.99) };
}

const nodeId = (peer: Peer): string => peer.app === 'istio-ingressgateway' ? 'gateway:istio-ingressgateway' : `default/${peer.app}`;

/** The graph of the records of the last ten seconds. */
export function graphOf(all: readonly RequestRecord[], scenario: Scenario, now: number): Graph {
  const records = all.filter(record => record.reporter === 'source' && record.time > now - 10_000);
  const target = (record: RequestRecord): string => record.destination.app !== '' ? nodeId(record.destination) : `default/${record.service.split('.')[0] ?? ''}`;
  const byEdge = new Map<string, RequestRecord[]>();
  const byTarget = new Map<string, RequestRecord[]>();
  for (const record of records) {
    if (record.flags.includes('NR')) continue;
    const id = `${nodeId(record.source)}→${target(record)}`;
    byEdge.set(id, [...(byEdge.get(id) ?? []), record]);
    byTarget.set(target(record), [...(byTarget.get(target(record)) ?? []), record]);
  }
  const apps = [...new Set(scenario.workloads.map(each => each.app))];
  const nodes = apps.map((app): GraphNode => {
    const gateway = app === 'istio-ingressgateway';
    const id = gateway ? `gateway:${app}` : `default/${app}`;
    const own = gateway ? records.filter(record => nodeId(record.source) === id) : byTarget.get(id) ?? [];
    return {
      id, kind: gateway ? 'gateway' : 'service', name: app, namespace: gateway ? 'istio-system' : 'default', figures: figures(own),
      versions: scenario.workloads.filter(each => each.app === app).map(each => ({ version: each.version, ready: each.pods, pods: each.pods, figures: figures(own.filter(record => record.destination.version === each.version)) })),
    };
  });
  const edges = [...byEdge].map(([id, own]): GraphEdge => {
    const first = own[0] as RequestRecord;
    return {
      id, source: nodeId(first.source), target: target(first), protocol: first.protocol, figures: figures(own), mtls: own.filter(record => record.mtls || record.endpoint === '').length / own.length,
      sourcePrincipal: first.source.principal, targetPrincipal: own.find(record => record.destination.principal !== '')?.destination.principal ?? '',
    };
  });
  return { time: now, nodes, edges };
}

/** What productpage's proxy says of reviews: its first v2 and v3 host is out of load balancing for half a minute. */
export function ejectedReviews({ pods }: Scenario, started: number, now: number): readonly UpstreamStatus[] {
  const counts = { connections: 1, pending: 0, requests: 0, retries: 0 };
  const caller = pods.find(({ app }) => app === 'productpage');
  const out = new Set(['v2', 'v3'].map(version => pods.find(pod => pod.app === 'reviews' && pod.version === version)?.name));
  const hosts = pods.filter(({ app }) => app === 'reviews').map((pod): UpstreamStatus['hosts'][number] => ({
    address: `${pod.ip}:9080`, pod: `default/${pod.name}`, workload: pod.workload, version: pod.version, locality: '', priority: 0, healthy: !out.has(pod.name), connections: 1, requests: 0, succeeded: 40, failed: 5, ejections: out.has(pod.name) ? 1 : 0,
    ...(out.has(pod.name) ? { ejection: { since: started, until: now + 30_000, reason: 'consecutive-5xx-errors' as const } } : {}),
  }));
  return [{ proxy: `default/${caller?.name ?? ''}`, cluster: 'outbound|9080||reviews.default.svc.cluster.local', service: 'reviews.default.svc.cluster.local', limits: { connections: 1 }, use: counts, overflows: { ...counts, connections: 0 }, panic: false, hosts }];
}

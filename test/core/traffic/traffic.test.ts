import { describe, expect, it } from 'vitest';
import { durationBuckets, type GraphEdge, type PodStatus } from '../../../src/contract/index.ts';
import { createTraffic } from '../../../src/core/traffic/index.ts';
import { quantile } from '../../../src/core/traffic/quantile.ts';
import { delta, record } from './samples.ts';

const bucket = (bound: number, count: number): number[] => [...durationBuckets.map((upper) => (upper === bound ? count : 0)), 0];

function lab(): { traffic: ReturnType<typeof createTraffic>; pass(seconds: number): void } {
  let time = 1_000_000_000;
  return { traffic: createTraffic({ now: () => time }), pass: (seconds) => { time += seconds * 1000; } };
}

const podStatus = (app: string, version: string, ready: boolean, kind: PodStatus['kind'] = 'workload'): PodStatus => ({
  name: `${app}-${version}-1`, namespace: kind === 'gateway' ? 'istio-system' : 'default', workload: `${app}-${version}`, app, version, ip: '10.0.0.1', kind, sidecar: true, phase: 'Running', ready, containers: [], started: 0,
});

describe('the graph', () => {
  it('has rates, latencies, errors and identities of what callers saw', () => {
    const { traffic, pass } = lab();
    for (let second = 0; second < 10; second++) {
      traffic.addMetrics([
        delta({ requests: 9, durations: bucket(10, 9) }),
        delta({ requests: 1, durations: bucket(1000, 1) }, { response_code: '503', response_flags: 'UF' }),
        delta({ requests: 10, durations: bucket(5, 10) }, { reporter: 'destination' }),
      ]);
      if (second < 9) pass(1);
    }
    const { nodes, edges } = traffic.graph();
    expect(edges).toHaveLength(1);
    const [edge] = edges as readonly [GraphEdge];
    expect(edge).toMatchObject({ source: 'default/productpage', target: 'default/reviews', protocol: 'http', mtls: 1, sourcePrincipal: 'spiffe://cluster.local/ns/default/sa/productpage', targetPrincipal: 'spiffe://cluster.local/ns/default/sa/reviews' });
    expect(edge.figures.rps).toBeCloseTo(100 / 9, 1);
    expect(edge.figures.errorShare).toBeCloseTo(0.1);
    expect(edge.figures.p50).toBeGreaterThan(5);
    expect(edge.figures.p50).toBeLessThanOrEqual(10);
    expect(edge.figures.p99).toBeGreaterThan(500);
    expect(nodes.map(({ id }) => id).sort()).toEqual(['default/productpage', 'default/reviews']);
    expect(nodes.find(({ id }) => id === 'default/reviews')?.versions).toMatchObject([{ version: 'v1' }]);
    expect(nodes.find(({ id }) => id === 'default/productpage')?.figures.rps).toBeCloseTo(edge.figures.rps);
  });

  it('decays to zero, and forgets after a minute', () => {
    const { traffic, pass } = lab();
    traffic.addMetrics([delta({ requests: 100, durations: bucket(5, 100) })]);
    pass(5);
    expect(traffic.graph().edges[0]?.figures.rps).toBe(20);
    pass(6);
    expect(traffic.graph().edges[0]?.figures).toEqual({ rps: 0, errorShare: 0, p50: 0, p99: 0 });
    pass(60);
    expect(traffic.graph()).toMatchObject({ nodes: [], edges: [] });
  });

  it('believes the destination where the source has no proxy, and for mTLS', () => {
    const { traffic } = lab();
    traffic.addMetrics([
      delta({ requests: 4 }, { connection_security_policy: 'unknown' }),
      delta({ requests: 4 }, { reporter: 'destination', connection_security_policy: 'mutual_tls' }),
      delta({ requests: 3 }, { reporter: 'destination', connection_security_policy: 'none', source_workload: 'unknown', source_app: 'unknown', source_canonical_service: 'unknown', source_principal: 'unknown' }),
    ]);
    const edges = Object.fromEntries(traffic.graph().edges.map((edge) => [edge.source, edge]));
    expect(edges['default/productpage']).toMatchObject({ figures: { rps: 4 }, mtls: 1 });
    expect(edges['unidentified']).toMatchObject({ target: 'default/reviews', figures: { rps: 3 }, mtls: 0, sourcePrincipal: '' });
  });

  it('counts a request that never arrived for the service it was meant for', () => {
    const { traffic } = lab();
    const nobody = { destination_workload: 'unknown', destination_app: 'unknown', destination_canonical_service: 'unknown', destination_version: 'unknown', destination_canonical_revision: 'unknown', destination_workload_namespace: 'unknown', response_code: '503', response_flags: 'UH' };
    const host = 'reviews-svc.default.svc.cluster.local';
    traffic.addMetrics([delta({ requests: 1 }, { destination_service: host }), delta({ requests: 1 }, { destination_service: host, ...nobody }), delta({ requests: 1 }, { ...nobody, destination_service: 'other.shop.svc.cluster.local' })]);
    const { edges } = traffic.graph();
    expect(edges.map(({ target, figures }) => [target, figures.errorShare])).toEqual([['default/reviews', 0.5], ['shop/other', 1]]);
  });

  it('has nodes for gateways, hosts outside, and what nobody knows', () => {
    const { traffic } = lab();
    traffic.setPods([podStatus('istio-ingressgateway', 'latest', true, 'gateway'), podStatus('productpage', 'v1', true)]);
    const nowhere = { destination_workload: 'unknown', destination_app: 'unknown', destination_canonical_service: 'unknown', destination_workload_namespace: 'unknown' };
    traffic.addMetrics([
      delta({ requests: 1 }, { source_workload: 'istio-ingressgateway', source_app: 'istio-ingressgateway', source_canonical_service: 'istio-ingressgateway', source_workload_namespace: 'istio-system' }),
      delta({ requests: 1 }, { ...nowhere, destination_service: 'httpbin.org' }),
      delta({ requests: 1 }, { ...nowhere, destination_service: 'PassthroughCluster' }),
    ]);
    const { nodes } = traffic.graph();
    expect(nodes.map(({ id, kind }) => `${kind} ${id}`).sort()).toEqual(['external host:httpbin.org', 'gateway gateway:istio-ingressgateway', 'service default/productpage', 'service default/reviews', 'unknown unknown']);
    expect(nodes.find(({ kind }) => kind === 'gateway')?.figures.rps).toBe(1);
  });

  it('shows workloads without traffic, with how many pods are ready', () => {
    const { traffic } = lab();
    traffic.setPods([podStatus('reviews', 'v1', true), podStatus('reviews', 'v2', false)]);
    expect(traffic.graph().nodes).toEqual([{
      id: 'default/reviews', kind: 'service', name: 'reviews', namespace: 'default', figures: { rps: 0, errorShare: 0, p50: 0, p99: 0 },
      versions: [{ version: 'v1', pods: 1, ready: 1, figures: { rps: 0, errorShare: 0, p50: 0, p99: 0 } }, { version: 'v2', pods: 1, ready: 0, figures: { rps: 0, errorShare: 0, p50: 0, p99: 0 } }],
    }]);
  });

  it('counts connections of TCP services', () => {
    const { traffic } = lab();
    traffic.addMetrics([delta({ tcpOpened: 3, tcpSent: 100 }, { request_protocol: 'tcp', response_code: '' }), delta({ tcpOpened: 1 }, { request_protocol: 'tcp', response_code: '', response_flags: 'UF' })]);
    expect(traffic.graph().edges).toMatchObject([{ protocol: 'tcp', figures: { rps: 4, errorShare: 0.25 } }]);
  });
});

describe('records', () => {
  it('are found by words, outcome, service and time, newest first', () => {
    const { traffic } = lab();
    traffic.addRecords([
      record({ key: 'a', time: 1 }), record({ key: 'b', time: 2, status: 503, flags: ['UF'] }),
      record({ key: 'c', time: 3, flags: ['FI'], status: 500 }), record({ key: 'd', time: 4, service: 'ratings.default.svc.cluster.local', path: '/ratings/7' }),
    ]);
    const keys = (query: object): string[] => traffic.records(query).map(({ key }) => key);
    expect(keys({})).toEqual(['d', 'c', 'b', 'a']);
    expect(keys({ limit: 2 })).toEqual(['d', 'c']);
    expect(keys({ before: 3 })).toEqual(['b', 'a']);
    expect(keys({ text: 'GET 503 uf' })).toEqual(['b']);
    expect(keys({ outcome: 'fault' })).toEqual(['c']);
    expect(keys({ service: 'ratings.default' })).toEqual(['d']);
    expect(keys({ text: '/ratings/7' })).toEqual(['d']);
  });

  it('drive the oldest out', () => {
    const traffic = createTraffic({ now: () => 0, maxRecords: 3 });
    traffic.addRecords(['a', 'b', 'c', 'd', 'e'].map((key) => record({ key })));
    expect(traffic.records({}).map(({ key }) => key)).toEqual(['e', 'd', 'c']);
  });
});

describe('a quantile', () => {
  it('lies in its bucket', () => {
    expect(quantile(0.5, bucket(10, 100))).toBeCloseTo(7.5);
    expect(quantile(0.99, [...durationBuckets.map(() => 0), 5])).toBe(3_600_000);
    expect(quantile(0.5, [])).toBe(0);
  });
});

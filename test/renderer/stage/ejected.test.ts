import { describe, expect, it } from 'vitest';
import type { PodStatus, ServiceSummary, UpstreamStatus } from '../../../src/contract/index.ts';
import { ejectedHosts } from '../../../renderer/views/stage/ejected.ts';
import { isHost, serviceOf } from '../../../renderer/views/stage/flow.ts';

const pod = (app: string, version: string): PodStatus => ({ name: `${app}-${version}-x`, namespace: 'default', workload: `${app}-${version}`, app, version, ip: '', kind: 'workload', sidecar: true, phase: 'Running', ready: true, containers: [], started: 0 });
const counts = { connections: 0, pending: 0, requests: 0, retries: 0 };
const host = (name: string, ejected: boolean): UpstreamStatus['hosts'][number] => ({
  address: '10.0.0.1:9080', pod: `default/${name}`, workload: '', version: '', locality: '', priority: 0, healthy: !ejected, connections: 0, requests: 0, succeeded: 0, failed: 0, ejections: 0,
  ...(ejected ? { ejection: { since: 0, until: 30_000, reason: 'consecutive-5xx-errors' as const } } : {}),
});
const upstream = (cluster: string, ...hosts: readonly UpstreamStatus['hosts'][number][]): UpstreamStatus => ({ proxy: 'default/productpage-v1-x', cluster, service: 'reviews.default.svc.cluster.local', limits: {}, use: counts, overflows: counts, panic: false, hosts });

describe('ejected hosts', () => {
  const pods = [pod('productpage', 'v1'), pod('reviews', 'v1'), pod('reviews', 'v2')];

  it('are told by node and version, once each, with who leaves them out and why', () => {
    const found = ejectedHosts([upstream('a', host('reviews-v1-x', false), host('reviews-v2-x', true)), upstream('b', host('reviews-v2-x', true))], pods);
    expect([...found.keys()]).toEqual(['default/reviews']);
    expect([...found.get('default/reviews')?.keys() ?? []]).toEqual(['v2']);
    expect(found.get('default/reviews')?.get('v2')).toMatch(/^productpage leaves reviews-v2-x out until \d\d:\d\d:\d\d: too many 5xx answers in a row$/);
  });

  it('are none when nobody is out', () => expect(ejectedHosts([upstream('a', host('reviews-v1-x', false))], pods).size).toBe(0));
});

describe('the service of a node', () => {
  const service = (name: string, ...apps: readonly string[]): ServiceSummary => ({ name, namespace: 'default', host: `${name}.default.svc.cluster.local`, ports: [], versions: [], apps });
  const node = { name: 'echo', namespace: 'default' };

  it('is the one that selects its workload, whatever its own name', () => {
    const found = serviceOf([service('web', 'echo'), service('other', 'other')], node);
    expect(found?.name).toBe('web');
    expect(isHost({ host: 'web', namespace: 'default' }, found ?? node)).toBe(true);
    expect(isHost({ host: 'echo', namespace: 'default' }, found ?? node)).toBe(false);
  });

  it('is the one of the same name when several select it', () => {
    expect(serviceOf([service('a-first', 'echo'), service('echo', 'echo')], node)?.name).toBe('echo');
    expect(serviceOf([service('other', 'other')], node)).toBeUndefined();
  });
});

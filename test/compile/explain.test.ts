import { describe, expect, test } from 'vitest';
import { explain, meshConfigFrom, type ExplainCall } from '../../src/compile/index.ts';
import type { Explanation } from '../../src/contract/index.ts';
import { bookinfo, bookinfoPods, pod, snapshot, subsets } from './lab.ts';

const call = (url: string, more: Partial<ExplainCall> = {}): ExplainCall => ({ from: 'productpage', method: 'GET', url, headers: [], ...more });
const virtualService = (http: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
${http.replace(/^/gm, '  ')}`;
const jason = virtualService(`
- name: jason
  match: [{ headers: { end-user: { exact: jason } } }]
  route: [{ destination: { host: reviews, subset: v2 } }]
- name: others
  route: [{ destination: { host: reviews, subset: v1 }, weight: 75 }, { destination: { host: reviews, subset: v3 }, weight: 25 }]`);

function explained(documents: readonly string[], one: ExplainCall, pods = bookinfoPods): Explanation {
  return explain(snapshot([bookinfo, ...documents], pods), one);
}

test('a plain service: its cluster, its endpoint, over mTLS to the application', () => {
  const explanation = explained([], call('http://ratings:9080/ratings/1'));
  expect(explanation).toMatchObject({ clusters: [{ cluster: 'outbound|9080||ratings.default.svc.cluster.local', share: 1 }], flags: [] });
  expect(explanation.status).toBeUndefined();
  expect(explanation.steps.map(({ stage }) => stage)).toEqual(['listener', 'filter-chain', 'virtual-host', 'route', 'retry', 'cluster', 'endpoint', 'transport', 'filter-chain', 'response']);
  expect(explanation.steps.find(({ stage }) => stage === 'transport')?.what).toBe('mTLS');
});

test('each rule that lost says why, with its line', () => {
  const route = explained([subsets, jason], call('http://reviews:9080/reviews/0')).steps.find(({ stage }) => stage === 'route');
  expect(route).toMatchObject({ what: 'others', origin: { kind: 'VirtualService', file: 'mesh.yaml' } });
  expect(route?.rejected).toMatchObject([{ what: 'jason', why: 'wants header end-user is "jason", but header end-user is missing', origin: { kind: 'VirtualService' } }]);
});

test('weights are shares, and a header picks the subset', () => {
  expect(explained([subsets, jason], call('http://reviews:9080/')).clusters.map(({ cluster, share }) => [cluster.split('|')[2], share])).toEqual([['v1', 0.75], ['v3', 0.25]]);
  expect(explained([subsets, jason], call('http://reviews:9080/', { headers: [['End-User', 'jason']] })).clusters.map(({ cluster }) => cluster.split('|')[2])).toEqual(['v2']);
});

describe('answers of the proxy itself', () => {
  test.each<[string, string, number, readonly string[]]>([
    ['abort of all requests', '- fault: { abort: { httpStatus: 555, percentage: { value: 100 } } }\n  route: [{ destination: { host: reviews } }]', 555, ['FI']],
    ['delay and abort', '- fault: { delay: { fixedDelay: 2s, percentage: { value: 100 } }, abort: { httpStatus: 500, percentage: { value: 100 } } }\n  route: [{ destination: { host: reviews } }]', 500, ['DI', 'FI']],
    ['redirect', '- redirect: { uri: /other, redirectCode: 307 }', 307, []],
    ['direct response', '- directResponse: { status: 418 }', 418, []],
    ['no rule matches', '- match: [{ uri: { exact: /x } }]\n  route: [{ destination: { host: reviews } }]', 404, ['NR']],
    ['a subset that nobody declared', '- route: [{ destination: { host: reviews, subset: v9 } }]', 503, ['NC']],
  ])('%s', (_name, http, status, flags) => {
    expect(explained([virtualService(http)], call('http://reviews:9080/'))).toMatchObject({ status, flags });
  });

  test('a fault of a share is said, and does not decide', () => {
    const explanation = explained([virtualService('- fault: { abort: { httpStatus: 500, percentage: { value: 12.5 } } }\n  route: [{ destination: { host: reviews } }]')], call('http://reviews:9080/'));
    expect(explanation.status).toBeUndefined();
    expect(explanation.steps).toContainEqual(expect.objectContaining({ what: 'abort 500', why: '12.5 % of requests' }));
  });

  test('no ready endpoint', () => {
    const pods = bookinfoPods.map((one) => (one.labels.app === 'ratings' ? { ...one, ready: false } : one));
    expect(explained([], call('http://ratings:9080/'), pods)).toMatchObject({ status: 503, flags: ['UH'] });
  });

  test('status and flags are left open where clusters differ', () => {
    const pods = bookinfoPods.filter(({ labels }) => labels.version !== 'v3');
    const explanation = explained([subsets, jason], call('http://reviews:9080/'), pods);
    expect(explanation.status).toBeUndefined();
    expect(explanation.clusters).toMatchObject([{ flags: [] }, { status: 503, flags: ['UH'] }]);
  });
});

describe('mTLS', () => {
  const policy = (mode: string): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: ${mode} } }`;
  const rule = (mode: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ratings }
spec: { host: ratings, trafficPolicy: { tls: { mode: ${mode} } } }`;

  test('STRICT closes the plaintext of a client that was told to', () => {
    expect(explained([policy('STRICT'), rule('DISABLE')], call('http://ratings:9080/'))).toMatchObject({ status: 503, flags: ['UC'] });
  });
  test('STRICT takes what the mesh sends by itself', () => {
    expect(explained([policy('STRICT')], call('http://ratings:9080/')).flags).toEqual([]);
  });
  test('without a sidecar is only the mesh’s; other TLS is the application’s own', () => {
    const bare = bookinfoPods.map((one) => (one.labels['app'] === 'ratings' ? { ...one, sidecar: false } : one));
    const to = (mode: string): Explanation => explained([`apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: { name: ratings }\nspec: { host: ratings, trafficPolicy: { tls: { mode: ${mode} } } }`], call('http://ratings:9080/'), bare);
    expect(to('ISTIO_MUTUAL')).toMatchObject({ status: 503, flags: ['UF', 'URX'] });
    expect(to('SIMPLE').status).toBeUndefined();
    expect(to('SIMPLE').steps.at(-1)?.why).toContain('the application’s own');
  });
  test('DISABLE breaks a client that insists on mTLS', () => {
    expect(explained([policy('DISABLE'), rule('ISTIO_MUTUAL')], call('http://ratings:9080/'))).toMatchObject({ status: 503, flags: ['UF', 'URX'] });
  });
  test('a caller without a sidecar is refused by STRICT', () => {
    const legacy = pod('legacy', 'v1', '10.0.0.20', { sidecar: false });
    const from = call('http://ratings:9080/', { from: 'legacy' });
    expect(explained([policy('STRICT')], from, [...bookinfoPods, legacy]).summary).toBe('The connection fails.');
    expect(explained([], from, [...bookinfoPods, legacy]).summary).toBe('It goes to the service in plaintext.');
  });
});

describe('the ingress', () => {
  const gateway = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: bookinfo }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 8080, name: http, protocol: HTTP }, hosts: ['*'] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: bookinfo }
spec: { hosts: ['*'], gateways: [bookinfo], http: [{ match: [{ uri: { exact: /productpage } }], route: [{ destination: { host: productpage, port: { number: 9080 } } }] }] }`;

  test('any published port means the listener of its scheme', () => {
    const { clusters, summary } = explained([gateway], call('http://127.0.0.1:31234/productpage', { from: 'ingress' }));
    expect(clusters).toMatchObject([{ cluster: 'outbound|9080||productpage.default.svc.cluster.local' }]);
    expect(summary).toBe('It goes to productpage.default.svc.cluster.local:9080.');
  });
  test('a path that no rule has', () => {
    expect(explained([gateway], call('/other', { from: 'ingress' }))).toMatchObject({ status: 404, flags: ['NR'] });
  });
  test('nothing listens without a gateway', () => {
    expect(explained([], call('/productpage', { from: 'ingress' })).summary).toBe('The connection is refused.');
  });
});

test('a host outside of the mesh passes through, or is blocked', () => {
  expect(explained([], call('http://example.com/')).clusters).toMatchObject([{ cluster: 'PassthroughCluster', flags: [] }]);
  const closed = snapshot([bookinfo]);
  expect(explain({ ...closed, mesh: { ...closed.mesh, outboundTrafficPolicy: 'REGISTRY_ONLY' } }, call('http://example.com:9080/'))).toMatchObject({ status: 502, flags: [] });
});

test('an unknown caller is said', () => {
  expect(explained([], call('http://reviews:9080/', { from: 'nobody' })).summary).toBe('There is no pod or workload nobody.');
});

test('a policy of CUSTOM: the provider is asked, and what it says is known only live', () => {
  const mesh = meshConfigFrom({ extensionProviders: [{ name: 'opa', envoyExtAuthzGrpc: { service: 'ratings.default.svc.cluster.local', port: '9080' } }] });
  const policy = 'apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: ask }\nspec:\n  action: CUSTOM\n  provider: { name: opa }\n  rules: [{ to: [{ operation: { paths: ["/ask*"] } }] }]\n  selector: { matchLabels: { app: reviews } }';
  const asking = (path: string): Explanation => explain({ ...snapshot([bookinfo, policy]), mesh }, call(`http://reviews:9080${path}`));
  const asked = asking('/ask');
  expect(asked.summary).toBe('It goes to reviews.default.svc.cluster.local:9080, if opa allows it.');
  expect(asked.status).toBeUndefined();
  expect(asked.steps).toContainEqual({ stage: 'filter', what: 'envoy.filters.http.ext_authz: asks opa', why: 'gRPC service outbound|9080||ratings.default.svc.cluster.local decides; its outcome is known only live' });
  expect(asked.steps.find(({ what }) => what.endsWith('opa is to be asked'))).toMatchObject({ why: 'default/ask rule 1 matches', origin: { kind: 'AuthorizationPolicy', name: 'ask' } });
  expect(asking('/free').summary).not.toContain('opa');
  expect(explained([policy], call('http://reviews:9080/ask'))).toMatchObject({ status: 403 });
});

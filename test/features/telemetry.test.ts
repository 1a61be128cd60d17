import type { CelInput } from '@bufbuild/cel';
import { describe, expect, it } from 'vitest';
import { compile, defaultMeshConfig, meshConfigFrom } from '../../src/compile/index.ts';
import { metricRules, readExpression, type Attributes } from '../../src/features/telemetry/filter.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import type { HttpConnectionManager } from '../../src/xds/index.ts';
import { bookinfo, bookinfoPods, nodeOf, podOf, snapshot } from '../compile/lab.ts';

type Json = Readonly<Record<string, unknown>>;
const telemetry = (name: string, namespace: string, spec: string): string => `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: { name: ${name}, namespace: ${namespace} }\nspec: ${spec}`;
const collector = 'apiVersion: v1\nkind: Service\nmetadata: { name: otel, namespace: observability }\nspec: { ports: [{ name: grpc, port: 4317 }, { name: http, port: 4318 }] }';

/** The connection managers of a proxy, outbound and inbound, under a mesh config. */
function managers(documents: readonly string[], mesh: Json = {}, app = 'reviews', annotations: Readonly<Record<string, string>> = {}): readonly [HttpConnectionManager, HttpConnectionManager] {
  const { listeners } = compile({ ...snapshot([bookinfo, collector, ...documents]), mesh: meshConfigFrom(mesh, defaultMeshConfig) }, { ...nodeOf(podOf(app)), annotations });
  const first = (inbound: boolean): HttpConnectionManager => {
    const found = listeners.filter(({ name }) => (name === 'virtualInbound') === inbound).flatMap(({ filterChains = [] }) => filterChains).flatMap(({ filters = [] }) => filters).find(({ name }) => name === 'envoy.filters.network.http_connection_manager');
    return found?.typedConfig as HttpConnectionManager;
  };
  return [first(false), first(true)];
}
const shares = (...given: Parameters<typeof managers>): readonly unknown[] => managers(...given).map(({ tracing }) => tracing?.randomSampling?.value);

describe('sampling', () => {
  const ten = { defaultConfig: { tracing: { sampling: 10 } } };
  const annotated = { 'proxy.istio.io/config': 'tracing:\n  sampling: 42\n' };
  it.each([
    ['the lab’s own, all', [], {}, {}, [100, 100]],
    ['of the mesh', [], ten, {}, [10, 10]],
    ['of the pod’s annotation over the mesh', [], ten, annotated, [42, 42]],
    ['of a Telemetry over both', [telemetry('a', 'istio-system', '{ tracing: [{ randomSamplingPercentage: 5 }] }')], ten, annotated, [5, 5]],
    ['none', [telemetry('a', 'istio-system', '{ tracing: [{ randomSamplingPercentage: 0 }] }')], ten, {}, [0, 0]],
    ['of the namespace over the mesh’s', [telemetry('a', 'istio-system', '{ tracing: [{ randomSamplingPercentage: 5 }] }'), telemetry('b', 'default', '{ tracing: [{ randomSamplingPercentage: 6 }] }')], {}, {}, [6, 6]],
    ['of the workload over the namespace’s', [telemetry('b', 'default', '{ tracing: [{ randomSamplingPercentage: 6 }] }'), telemetry('c', 'default', '{ selector: { matchLabels: { app: reviews } }, tracing: [{ randomSamplingPercentage: 7 }] }')], {}, {}, [7, 7]],
    ['inherited where the narrower scope is silent', [telemetry('a', 'istio-system', '{ tracing: [{ randomSamplingPercentage: 5 }] }'), telemetry('b', 'default', '{ tracing: [{ customTags: { a: { literal: { value: b } } } }] }')], {}, {}, [5, 5]],
    ['of one side', [telemetry('b', 'default', '{ tracing: [{ match: { mode: SERVER }, randomSamplingPercentage: 6 }] }')], ten, {}, [10, 6]],
    ['of nobody, where spans are off', [telemetry('b', 'default', '{ tracing: [{ match: { mode: CLIENT }, disableSpanReporting: true }] }')], {}, {}, [undefined, 100]],
  ] as const)('%s', (_name, documents, mesh, annotations, expected) => {
    expect(shares(documents, mesh, 'reviews', annotations)).toEqual(expected);
  });

  it('of one workload is not given to another that shares its outbound config', () => {
    const documents = [telemetry('c', 'default', '{ selector: { matchLabels: { app: reviews } }, tracing: [{ randomSamplingPercentage: 7 }] }')];
    expect([shares(documents, {}, 'ratings'), shares(documents, {}, 'reviews')]).toEqual([[100, 100], [7, 7]]);
    expect(bookinfoPods.length).toBeGreaterThan(1);
  });
});

describe('tags', () => {
  const tags = (documents: readonly string[], mesh: Json = {}): readonly unknown[] => managers(documents, mesh)[0].tracing?.customTags ?? [];

  it('are Istio’s, unless they are turned off', () => {
    expect(tags([])).toEqual(['CANONICAL_REVISION', 'CANONICAL_SERVICE', 'ISTIO_META_CLUSTER_ID', 'ISTIO_META_MESH_ID', 'POD_NAMESPACE'].map((name) => ({ tag: expect.stringMatching(/^istio\./) as string, environment: { name, defaultValue: 'unknown' } })));
    expect(tags([telemetry('a', 'istio-system', '{ tracing: [{ enableIstioTags: false }] }')])).toEqual([]);
  });

  it('come from literals, environment, headers and formats', () => {
    const written = '{ tracing: [{ enableIstioTags: false, customTags: { d: { formatter: { value: "%RESPONSE_CODE%" } }, a: { literal: { value: x } }, b: { environment: { name: HOME, defaultValue: none } }, c: { header: { name: end-user } } } }] }';
    expect(tags([telemetry('a', 'istio-system', written)])).toEqual([
      { tag: 'a', literal: { value: 'x' } }, { tag: 'b', environment: { name: 'HOME', defaultValue: 'none' } }, { tag: 'c', requestHeader: { name: 'end-user' } }, { tag: 'd', value: '%RESPONSE_CODE%' },
    ]);
  });

  it('of the mesh give way to a Telemetry’s', () => {
    const mesh = { defaultConfig: { tracing: { enableIstioTags: false, customTags: { mesh: { literal: { value: '1' } } } } } };
    expect(tags([], mesh)).toEqual([{ tag: 'mesh', literal: { value: '1' } }]);
    expect(tags([telemetry('a', 'default', '{ tracing: [{ customTags: { own: { literal: { value: "2" } } } }] }')], mesh)).toEqual([{ tag: 'own', literal: { value: '2' } }]);
  });
});

describe('providers', () => {
  const providers = [
    { name: 'otel-grpc', opentelemetry: { service: 'otel.observability.svc.cluster.local', port: 4317 } },
    { name: 'otel-http', opentelemetry: { service: 'observability/otel.observability.svc.cluster.local', port: 4318, http: { path: '/v1/traces', timeout: '3s', headers: [{ name: 'x-key', value: 'v' }] } } },
    { name: 'zipkin', zipkin: { service: 'otel.observability.svc.cluster.local', port: 9411 } },
    { name: 'gone', zipkin: { service: 'gone.istio-system.svc.cluster.local', port: 9411 } },
  ];
  const provider = (name: string, mesh: Json = {}): unknown => managers(name === '' ? [] : [telemetry('a', 'istio-system', `{ tracing: [{ providers: [{ name: ${name} }] }] }`)], { extensionProviders: providers, ...mesh })[0].tracing?.provider;
  const host = 'otel.observability.svc.cluster.local';

  it.each<[string, unknown]>([
    ['otel-grpc', { name: 'envoy.tracers.opentelemetry', typedConfig: { grpcService: { envoyGrpc: { clusterName: `outbound|4317||${host}`, authority: host } } } }],
    ['otel-http', { name: 'envoy.tracers.opentelemetry', typedConfig: { httpService: { httpUri: { uri: `${host}/v1/traces`, cluster: `outbound|4318||${host}`, timeout: '3s' }, requestHeadersToAdd: [{ header: { key: 'x-key', value: 'v' } }] } } }],
    ['zipkin', { name: 'envoy.tracers.zipkin', typedConfig: { collectorCluster: `outbound|9411||${host}`, collectorEndpoint: '/api/v2/spans' } }],
  ])('%s', (name, expected) => {
    expect(provider(name)).toMatchObject(expected as object);
  });

  it('are none where nobody names them, where the service is not there, or where the name is unknown', () => {
    expect([provider(''), provider('gone'), provider('other')]).toEqual([undefined, undefined, undefined]);
    expect(provider('', { defaultProviders: { tracing: ['zipkin'] } })).toMatchObject({ name: 'envoy.tracers.zipkin' });
  });

  it('take logs too, filtered by an expression', () => {
    const mesh = { extensionProviders: [{ name: 'als', envoyOtelAls: { service: host, port: 4317, logFormat: { labels: { path: '%PATH%' } } } }, { name: 'file', envoyFileAccessLog: { path: '/dev/stdout', logFormat: { text: '%RESPONSE_CODE%' } } }] };
    const logs = managers([telemetry('a', 'istio-system', '{ accessLogging: [{ providers: [{ name: als }], filter: { expression: "response.code >= 400" } }, { providers: [{ name: file }] }] }')], mesh)[1].accessLog ?? [];
    expect(logs.map(({ name }) => name)).toEqual(['envoy.access_loggers.file', 'envoy.access_loggers.open_telemetry', 'envoy.access_loggers.file']);
    expect(logs[1]).toMatchObject({ filter: { extensionFilter: { typedConfig: { expression: 'response.code >= 400' } } }, typedConfig: { commonConfig: { grpcService: { envoyGrpc: { clusterName: `outbound|4317||${host}` } } }, attributes: { values: [{ key: 'path', value: { stringValue: '%PATH%' } }] } } });
    expect(logs[2]).toMatchObject({ typedConfig: { logFormat: { textFormatSource: { inlineString: '%RESPONSE_CODE%\n' } } } });
  });
});

describe('metrics', () => {
  const labels = { reporter: 'source', source_app: 'a', response_code: '200' };
  const attributes: Attributes = new Map<string, CelInput>([['request', { method: 'GET', host: 'reviews', headers: { 'end-user': 'jason' } }], ['destination', { port: 9080n }]]);

  it('are told to the proxy as Istio’s filter takes them', () => {
    const rules = '{ metrics: [{ providers: [{ name: prometheus }], overrides: [{ match: { metric: REQUEST_COUNT, mode: CLIENT }, tagOverrides: { host: { value: request.host }, source_app: { operation: REMOVE } } }, { match: { metric: REQUEST_SIZE }, disabled: true }] }] }';
    const filters = (manager: HttpConnectionManager): unknown => manager.httpFilters?.find(({ name }) => name === 'istio.stats')?.typedConfig;
    const [client, server] = managers([telemetry('a', 'istio-system', rules)]);
    expect(filters(client)).toMatchObject({ metrics: [{ name: 'requests_total', dimensions: { host: 'request.host' }, tagsToRemove: ['source_app'] }, { name: 'request_bytes', drop: true }] });
    expect(filters(server)).toMatchObject({ metrics: [{ name: 'request_bytes', drop: true }] });
    expect(filters(managers([])[0])).toBeUndefined();
    expect(filters(managers([telemetry('a', 'istio-system', '{ metrics: [{ providers: [{ name: other }], overrides: [{ disabled: true }] }] }')])[0])).toBeUndefined();
  });

  it('lose and gain tags, and are left out', () => {
    const rules = metricRules([
      { dimensions: { host: 'request.host', port: 'string(destination.port)', user: 'request.headers["end-user"]', none: 'request.headers["x"]', 'bad-name': '"x"' }, tagsToRemove: ['source_app'] },
      { name: 'requests_total', dimensions: { host: '"other"' } }, { name: 'request_bytes', drop: true },
    ]);
    const values = rules.values(attributes);
    expect(rules.shown('request_duration_milliseconds', labels, values)).toEqual({ reporter: 'source', response_code: '200', host: 'reviews', port: '9080', user: 'jason', none: 'unknown', bad_name: 'x' });
    expect(rules.shown('requests_total', labels, values)?.['host']).toBe('other');
    expect(rules.shown('request_bytes', labels, values)).toBeUndefined();
  });

  it('can be dropped all but one', () => {
    const rules = metricRules([{ drop: true }, { name: 'requests_total', drop: false }]);
    expect([rules.shown('requests_total', labels, []), rules.shown('request_bytes', labels, [])]).toEqual([labels, undefined]);
  });

  it.each([['request.method == "GET"', true], ['request.host.startsWith("rev") ? "a" : "b"', 'a'], ['destination.port + 1', '9081'], ['request.headers["none"] == "x"', undefined], ['"end-user" in request.headers', true], ['request.host.matches("^r.*s$")', true], ['nothing.here', undefined]])('%s', (text, expected) => {
    expect(readExpression(text)(attributes)).toBe(expected);
  });

  it('know no expression that runs forever', () => {
    expect(readExpression('request.path.matches("^(a+)+$")')(new Map([['request', new Map([['path', `${'a'.repeat(60)}!`]])]]))).toBe(false);
  });
});

describe('what is not run is named at its line', () => {
  const named = (mesh: string): readonly string[] => parseManifests([{ path: 'mesh.yaml', text: `apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: { name: mesh }\nspec:\n  meshConfig:\n${mesh.split('\n').map((line) => `    ${line}`).join('\n')}` }]).diagnostics.map(({ code, line, path }) => `${code} ${line} ${path ?? ''}`);

  it.each([
    ['accessLogFile: /dev/stdout', []], ['accessLogFile: /var/log/istio.log', ['WEFT0007 6 spec.meshConfig.accessLogFile']],
    ['extensionProviders:\n- name: a\n  opentelemetry: { service: b, port: 4317, resource_detectors: { environment: {} } }', []],
    ['extensionProviders:\n- name: a\n  datadog: { service: b, port: 8126 }', ['WEFT0007 8 spec.meshConfig.extensionProviders[0].datadog']],
    ['extensionProviders:\n- name: a\n  envoyFileAccessLog: { path: /tmp/log }', ['WEFT0007 8 spec.meshConfig.extensionProviders[0].envoyFileAccessLog.path']],
    ['extensionProviders:\n- name: a\n  zipkin: { service: b, port: 9411 }', []],
  ])('%s', (mesh, expected) => {
    expect(named(mesh)).toEqual(expected);
  });
});

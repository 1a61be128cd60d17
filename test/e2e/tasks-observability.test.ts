import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Trace } from '../../src/contract/index.ts';
import type { SourceFile } from '../../src/manifest/index.ts';
import { bookinfo, hasPeer, noEngine, sample, startLab, until, type TestLab } from './support/index.ts';
import { noPrometheus, startPrometheus } from './support/prometheus.ts';

const why = noEngine ?? (hasPeer ? undefined : 'Istio’s sample files are not here');

/** The mesh as the pages on tracing and logs install it; nobody deploys the collectors. */
const mesh: SourceFile = { path: 'mesh.yaml', text: `apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
metadata: { name: mesh }
spec:
  meshConfig:
    accessLogFile: /dev/stdout
    extensionProviders:
    - name: otel-tracing
      opentelemetry: { service: opentelemetry-collector.observability.svc.cluster.local, port: 4317, resource_detectors: { environment: {} } }
    - name: otel-http
      opentelemetry: { service: opentelemetry-collector.observability.svc.cluster.local, port: 4318, http: { path: /v1/traces, timeout: 5s } }
    - name: zipkin
      zipkin: { service: zipkin.istio-system.svc.cluster.local, port: 9411 }
    - name: otel
      envoyOtelAls: { service: opentelemetry-collector.observability.svc.cluster.local, port: 4317, logFormat: { labels: { status: "%RESPONSE_CODE%" } } }
` };
const telemetry = (spec: string, namespace = 'istio-system'): SourceFile => ({ path: `telemetry-${namespace}.yaml`, text: `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: { name: rules, namespace: ${namespace} }\nspec:\n${spec.split('\n').map((line) => `  ${line}`).join('\n')}\n` });

describe.skipIf(why !== undefined)(`Istio’s task pages on observability${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let lab: TestLab;

  beforeAll(async () => {
    lab = await startLab('observe-tasks', [mesh, ...bookinfo(), ...sample('curl/curl.yaml', 'httpbin/httpbin.yaml', 'tcp-echo/tcp-echo.yaml')]);
    await lab.synced();
  });
  afterAll(async () => { await lab?.down(); });

  const curl = async (...args: readonly string[]): Promise<string> => (await lab.exec('curl', 'curl', '-s', '-m', '10', ...args)).output.trim();
  const trace = (id: string): Promise<Trace | undefined> => lab.core.trace({ lab: lab.name, id }).catch(() => undefined);
  const accepted = async (what: string): Promise<number> => Number(new RegExp(`otelcol_receiver_accepted_${what} (\\d+)`).exec(await lab.core.metrics({ lab: lab.name }))?.[1] ?? 0);
  const page = async (app: string): Promise<string> => {
    const pod = (await lab.status()).pods.find((one) => one.app === app);
    return await curl(`http://${pod?.ip ?? ''}:15090/stats/prometheus`);
  };

  it('distributed tracing, overview: every hop is a span, from the gateway to ratings, each below its caller', async () => {
    expect((await lab.get('/productpage')).status).toBe(200);
    let whole: Trace | undefined;
    await until('a trace with all hops', async () => {
      whole = await lab.core.trace({ lab: lab.name }).catch(() => undefined);
      if (whole !== undefined && !['productpage', 'details', 'reviews'].every((app) => whole?.spans.some(({ service }) => service === app))) await lab.get('/productpage');
      const spans = whole?.spans ?? [];
      // Proxies report on their own: a span may come before the one above it.
      return ['istio-ingressgateway', 'productpage', 'details', 'reviews'].every((app) => spans.some(({ service }) => service === app)) && spans.every(({ parentSpanId }) => parentSpanId === '' || spans.some(({ spanId }) => spanId === parentSpanId));
    });
    expect(whole?.spans.filter(({ depth }) => depth === 0).map(({ service, kind }) => [service, kind])).toEqual([['istio-ingressgateway', 'client']]);
    expect(whole?.spans.every(({ sampled, tags }) => sampled && tags['istio.namespace'] !== undefined)).toBe(true);
    const ids = new Map(whole?.spans.map((span) => [span.spanId, span]));
    for (const { parentSpanId, kind } of whole?.spans ?? []) if (parentSpanId !== '') expect(ids.get(parentSpanId)?.kind).toBe(kind === 'client' ? 'server' : 'client');
    expect(whole?.dropped).toEqual([]);
  });

  it.each([['OpenTelemetry over gRPC', 'otel-tracing', 'spans_total\\{receiver="otlp"\\}'], ['OpenTelemetry over HTTP', 'otel-http', 'spans_total\\{receiver="otlp"\\}'], ['Zipkin', 'zipkin', 'spans_total\\{receiver="zipkin"\\}']])('tracing with %s: the collector that is named gets the spans', async (_name, provider, metric) => {
    await lab.apply([telemetry(`tracing:\n- providers: [{ name: ${provider} }]\n  randomSamplingPercentage: 100\n  customTags: { stage: { literal: { value: test } } }`)]);
    const before = await accepted(metric);
    expect((await lab.get('/productpage')).status).toBe(200);
    await until('spans at the collector', async () => (await accepted(metric)) - before >= 6);
  });

  it('trace sampling: nobody is traced at 0 %, about half at 50 %, and the whole way agrees', async () => {
    const sampledOf = async (count: number): Promise<readonly (boolean | undefined)[]> => {
      const ids = Array.from({ length: count }, () => crypto.randomUUID());
      for (const id of ids) await curl('-o', '/dev/null', '-H', `x-request-id: ${id}`, 'http://httpbin:8000/get');
      let found: (boolean | undefined)[] = [];
      await until('both reports of each request', async () => {
        const records = await lab.records({ text: '/get' });
        found = ids.map((id) => {
          const both = records.filter(({ requestId }) => requestId.slice(0, 14) === id.slice(0, 14) && requestId.slice(15) === id.slice(15));
          return both.length === 2 && both[0]?.sampled === both[1]?.sampled ? both[0]?.sampled : undefined;
        });
        return found.every((one) => one !== undefined);
      });
      return found;
    };
    await lab.apply([telemetry('tracing:\n- randomSamplingPercentage: 0')]);
    expect((await sampledOf(6)).filter(Boolean)).toEqual([]);
    await lab.apply([telemetry('tracing:\n- randomSamplingPercentage: 50')]);
    const half = (await sampledOf(40)).filter(Boolean).length;
    expect(half).toBeGreaterThan(6);
    expect(half).toBeLessThan(34);
    await lab.delete([telemetry('tracing:\n- randomSamplingPercentage: 50')]);
  });

  it('spans of applications, sent to the collector by its usual name, join the trace of the proxies', async () => {
    const traceId = crypto.randomUUID().replaceAll('-', '');
    await curl('-o', '/dev/null', '-H', `traceparent: 00-${traceId}-00f067aa0ba902b7-01`, 'http://httpbin:8000/get');
    await until('the proxies’ spans', async () => ((await trace(traceId))?.spans.length ?? 0) >= 2);
    const now = `${Date.now()}000000`;
    const body = { resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'curl' } }] }, scopeSpans: [{ spans: [{ traceId, spanId: '00f067aa0ba902b7', name: 'shop', kind: 1, startTimeUnixNano: now, endTimeUnixNano: now }] }] }] };
    expect(await curl('-o', '/dev/null', '-w', '%{http_code}', '-H', 'content-type: application/json', '-d', JSON.stringify(body), 'http://opentelemetry-collector.observability:4318/v1/traces')).toBe('200');
    await until('the application’s span at the root', async () => (await trace(traceId))?.spans[0]?.by === 'application');
    expect((await trace(traceId))?.spans.slice(0, 3).map(({ service, depth, by }) => [service, depth, by])).toEqual([['curl', 0, 'application'], ['curl', 1, 'proxy'], ['httpbin', 2, 'proxy']]);
  });

  it('distributed tracing needs applications that pass headers on: one that drops them is named', async () => {
    const program = 'require("http").createServer((q,s)=>require("http").get("http://httpbin:8000/get?forgotten",(r)=>{r.resume();r.on("end",()=>s.end("done"))}).on("error",()=>s.end("failed"))).listen(8080)';
    const forgetful: SourceFile = { path: 'forgetful.yaml', text: [
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'forgetful' }, spec: { selector: { app: 'forgetful' }, ports: [{ name: 'http', port: 8080 }] } },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'forgetful' }, spec: { selector: { matchLabels: { app: 'forgetful' } }, template: { metadata: { labels: { app: 'forgetful' } }, spec: { containers: [{ name: 'app', image: 'curlimages/curl', command: ['node', '-e', program], ports: [{ containerPort: 8080 }] }] } } } },
    ].map((body) => JSON.stringify(body)).join('\n---\n') };
    await lab.apply([forgetful]);
    await until('the application to answer', async () => (await curl('http://forgetful:8080/')) === 'done');
    for (let at = 0; at < 8; at++) await curl('-o', '/dev/null', 'http://forgetful:8080/');
    await until('its name among the lab’s problems', async () => (await lab.status()).diagnostics.some(({ code, message, help }) => code === 'WEFT0907' && message.startsWith('forgetful seems to drop trace headers') && help?.includes('traceparent') === true), 20_000);
    const asked = (await lab.records({ service: 'forgetful' })).find(({ reporter }) => reporter === 'destination');
    const found = await trace(asked?.traceId ?? '');
    expect(found?.dropped.map(({ app, to }) => [app, to])).toEqual([['forgetful', ['httpbin']]]);
    expect(found?.spans.some(({ service }) => service === 'httpbin')).toBe(false);
    await lab.delete([forgetful]);
  });

  it('customizing metrics: tags are added and removed, and a metric is turned off', async () => {
    await lab.apply([telemetry('metrics:\n- providers: [{ name: prometheus }]\n  overrides:\n  - match: { metric: REQUEST_COUNT, mode: SERVER }\n    tagOverrides: { destination_port: { value: "string(destination.port)" }, request_host: { value: request.host }, response_flags: { operation: REMOVE } }\n  - match: { metric: REQUEST_SIZE }\n    disabled: true')]);
    await curl('-o', '/dev/null', 'http://httpbin:8000/status/418');
    await until('the tags', async () => /^istio_requests_total\{.*response_code="418".*destination_port="\d+",request_host="httpbin:8000"/m.test(await page('httpbin')));
    const line = (await page('httpbin')).split('\n').find((one) => one.startsWith('istio_requests_total{') && one.includes('request_host=')) ?? '';
    expect(line).not.toContain('response_flags');
    expect((await page('httpbin')).split('\n').filter((one) => one.startsWith('istio_request_bytes_count{') && one.includes('response_code="418"'))).toEqual([]);
    await lab.delete([telemetry('metrics: []')]);
  });

  it('access logs with Telemetry: an expression chooses what is logged, and another provider takes the lines', async () => {
    await lab.apply([telemetry('accessLogging:\n- providers: [{ name: envoy }]\n  filter: { expression: "response.code >= 500" }\n- providers: [{ name: otel }]', 'default')]);
    const before = await accepted('log_records_total\\{receiver="otlp"\\}');
    for (const path of ['status/200', 'status/503']) await curl('-o', '/dev/null', `http://httpbin:8000/${path}?logged`);
    await until('the lines at the collector', async () => (await accepted('log_records_total\\{receiver="otlp"\\}')) - before >= 4);
    let log = '';
    const stream = await lab.core.logs({ lab: lab.name, pod: (await lab.status()).pods.filter(({ app }) => app === 'httpbin').map(({ namespace, name }) => `${namespace}/${name}`)[0] ?? '', container: 'istio-proxy', tail: 50 });
    lab.core.on('stream', (event) => { if (event.stream === stream) log += event.data ?? ''; });
    await until('the proxy’s log', () => log.includes('/status/503?logged'));
    expect(log).not.toContain('/status/200?logged');
    await lab.delete([telemetry('accessLogging: []', 'default')]);
  });

  it.skipIf(noPrometheus !== undefined)(`querying metrics from Prometheus: Istio’s standard queries give the graph that the lab draws${noPrometheus === undefined ? '' : ` (skipped: ${noPrometheus})`}`, async () => {
    const { pods } = await lab.status();
    const targets = pods.filter(({ sidecar, kind }) => sidecar || kind === 'gateway').map(({ ip }) => `${ip}:15090`);
    const prometheus = await startPrometheus(targets);
    try {
      await until('all proxies are scraped', async () => (await prometheus.up()) === targets.length);
      const work = async (): Promise<void> => {
        await lab.get('/productpage');
        await lab.exec('curl', 'sh', '-c', 'echo hello | nc -w 1 tcp-echo 9000; curl -s -o /dev/null http://httpbin:8000/get');
      };
      for (let at = 0; at < 8; at++) await work();
      const edges = async (): Promise<ReadonlySet<string>> => new Set((await prometheus.query('sum(rate(istio_requests_total{reporter="source",response_code="200"}[1m])) by (source_workload, destination_workload) > 0')).map(({ metric }) => `${metric['source_workload']} ${metric['destination_workload']}`));
      await until('the edges that the lab draws', async () => {
        await work();
        const graph = await lab.core.graph({ lab: lab.name });
        const names = new Map(graph.nodes.map(({ id, name }) => [id, name]));
        const drawn = new Set(graph.edges.filter(({ protocol, figures }) => protocol === 'http' && figures.rps > 0).map(({ source, target }) => `${names.get(source)} ${names.get(target)}`));
        const asked = new Set([...await edges()].map((edge) => edge.split(' ').map((workload) => pods.find((pod) => pod.workload === workload)?.app ?? workload).join(' ')));
        return drawn.size >= 4 && [...drawn].every((edge) => asked.has(edge)) && [...asked].every((edge) => drawn.has(edge));
      }, 60_000);
      const [p99] = await prometheus.query('histogram_quantile(0.99, sum(rate(istio_request_duration_milliseconds_bucket{reporter="destination",destination_service_name="reviews"}[1m])) by (le))');
      expect(p99?.value).toBeGreaterThan(0);
      const total = async (expression: string): Promise<number> => (await prometheus.query(`sum(${expression})`))[0]?.value ?? 0;
      expect(await total('istio_tcp_connections_opened_total{destination_workload="tcp-echo"}')).toBeGreaterThan(0);
      expect(await total('istio_tcp_received_bytes_total{destination_workload="tcp-echo",reporter="destination"}')).toBeGreaterThan(0);
      expect((await prometheus.query('istio_requests_total{connection_security_policy="mutual_tls",reporter="destination",destination_canonical_service="reviews"}')).length).toBeGreaterThan(0);
    } finally {
      await prometheus.stop();
    }
  });
});

import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createOtlpCodec, readTraces } from '../../../src/otlp/index.ts';
import { createExportQueue, lazyCodec, spanExporter } from '../../../src/sidecar/telemetry/export.ts';
import { createCluster } from '../../../src/sidecar/upstream/index.ts';
import { any, typeUrl, type Cluster } from '../../../src/xds/index.ts';
import { record } from '../../core/traffic/samples.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { until } from '../../fakes/wait.ts';
import { plainConnector, realClock } from '../http/proxy.ts';

const closing: (() => void)[] = [];
afterEach(() => { for (const close of closing.splice(0)) close(); });

const request = record({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' });

/** A queue whose cluster `up` is a server on this port; time is real but for the queue's own pace. */
function queueTo(port: number, http2: boolean) {
  const config: Cluster = {
    name: 'up', type: 'STATIC', connectTimeout: '1s', loadAssignment: { clusterName: 'up', endpoints: [{ lbEndpoints: [{ endpoint: { address: { socketAddress: { address: '127.0.0.1', portValue: port } } } }] }] },
    ...(http2 ? { typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any('type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions', { explicitHttpConfig: { http2ProtocolOptions: {} } }) } } : {}),
  };
  const cluster = createCluster(config, undefined, { connector: plainConnector, clock: realClock, random: Math.random });
  const clock = fakeClock();
  const lines: string[] = [];
  const queue = createExportQueue(() => ({ clock, cluster: (name) => (name === 'up' ? cluster : undefined) }), (line) => lines.push(line));
  closing.push(() => cluster.close(), () => queue.stop());
  return { queue, clock, lines };
}

it('posts spans to an HTTP collector with its headers, and says once that it fails and once that it works again', async () => {
  const got: { path: string; key: string; body: Buffer }[] = [];
  let status = 503;
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => { got.push({ path: incoming.url ?? '', key: String(incoming.headers['x-key']), body: Buffer.concat(chunks) }); response.writeHead(status).end(); });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  closing.push(() => { server.close(); server.closeAllConnections(); });
  const { queue, clock, lines } = queueTo((server.address() as AddressInfo).port, false);
  const exporter = spanExporter(any(typeUrl.otlpTracer, { httpService: { httpUri: { uri: 'otel.observability/v1/traces', cluster: 'up', timeout: '3s' }, requestHeadersToAdd: [{ header: { key: 'x-key', value: 'v' } }] } }), lazyCodec());
  if (exporter === undefined) throw new Error('no exporter');
  const send = async (count: number): Promise<void> => {
    queue.add(exporter, request);
    // A batch waits for the answer to the one before.
    await until('the batch', async () => {
      await clock.advance(1000);
      return got.length === count;
    });
  };
  await send(1);
  await until('the failure is told', () => lines.length === 1);
  await send(2);
  status = 200;
  await send(3);
  await until('the end of it is told', () => lines.length === 2);
  expect(lines).toEqual(['telemetry does not reach otel.observability: it answered 503', 'telemetry reaches otel.observability again']);
  expect(got[2]).toMatchObject({ path: '/v1/traces', key: 'v' });
  expect(readTraces(createOtlpCodec().read('TracesData', got[2]?.body ?? Buffer.alloc(0)))).toMatchObject([{ spanId: request.spanId }]);
});

it('calls a gRPC collector with a framed message', async () => {
  const got: Buffer[] = [];
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      got.push(Buffer.concat([Buffer.from(`${headers[':path']} ${String(headers['content-type'])} `), ...chunks]));
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(Buffer.alloc(5));
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  closing.push(() => server.close());
  const { queue, clock, lines } = queueTo((server.address() as AddressInfo).port, true);
  const exporter = spanExporter(any(typeUrl.otlpTracer, { grpcService: { envoyGrpc: { clusterName: 'up', authority: 'otel' } } }), lazyCodec());
  if (exporter === undefined) throw new Error('no exporter');
  queue.add(exporter, request);
  await clock.advance(1000);
  const message = await until('the call', () => got[0]);
  const head = '/opentelemetry.proto.collector.trace.v1.TraceService/Export application/grpc ';
  expect(message.subarray(0, head.length).toString()).toBe(head);
  expect(message.readUInt32BE(head.length + 1)).toBe(message.length - head.length - 5);
  expect(readTraces(createOtlpCodec().read('TracesData', message.subarray(head.length + 5)))).toMatchObject([{ spanId: request.spanId }]);
  expect(lines).toEqual([]);
});

it('says that there is no such cluster, and keeps only so much that waits', async () => {
  const { queue, clock, lines } = queueTo(1, false);
  const exporter = spanExporter(any(typeUrl.zipkinTracer, { collectorCluster: 'gone', collectorHostname: 'zipkin' }), lazyCodec());
  if (exporter === undefined) throw new Error('no exporter');
  for (let at = 0; at < 5000; at++) queue.add(exporter, request);
  await clock.advance(1000);
  await until('the failure is told', () => lines.length === 1);
  expect(lines).toEqual(['telemetry does not reach zipkin: there is no cluster gone']);
  expect(spanExporter(undefined, lazyCodec())).toBeUndefined();
});

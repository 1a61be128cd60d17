import { gzipSync } from 'node:zlib';
import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppSpan } from '../../src/contract/index.ts';
import { createCollectorIntake } from '../../src/controlplane/collector/intake.ts';
import { serveCollectors } from '../../src/controlplane/collector/serve.ts';
import { createOtlpCodec, tracesJson, zipkinJson } from '../../src/otlp/index.ts';
import { record } from '../core/traffic/samples.ts';

const request = record({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' });
const traces = tracesJson([request]);
const codec = createOtlpCodec();

describe('the lab’s collector', () => {
  const spans: AppSpan[] = [];
  const logged: string[] = [];
  const intake = createCollectorIntake({ takeSpans: (taken) => spans.push(...taken) }, (line) => logged.push(line));
  let collectors: Awaited<ReturnType<typeof serveCollectors>>;
  beforeAll(async () => { collectors = await serveCollectors('127.0.0.1', { grpc: 0, http: 0, zipkin: 0 }, intake); });
  afterAll(() => collectors.stop());

  const send = async (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Readonly<Record<string, string>>, port = collectors.ports.http): Promise<readonly [number, string]> => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body, headers });
    return [response.status, await response.text()];
  };
  const protobuf = { 'content-type': 'application/x-protobuf' };
  const json = { 'content-type': 'application/json; charset=utf-8' };

  it.each<[string, () => Promise<readonly [number, string]>, number]>([
    ['JSON', () => send('/v1/traces', JSON.stringify(traces), json), 200],
    ['protobuf', () => send('/v1/traces', Buffer.from(codec.write('TracesData', traces)), protobuf), 200],
    ['packed protobuf', () => send('/v1/traces', gzipSync(codec.write('TracesData', traces)), { ...protobuf, 'content-encoding': 'gzip' }), 200],
    ['Zipkin', () => send('/api/v2/spans', JSON.stringify(zipkinJson([request])), json, collectors.ports.zipkin), 202],
  ])('takes spans as %s', async (_name, sent, status) => {
    const before = spans.length;
    expect((await sent())[0]).toBe(status);
    expect(spans.slice(before)).toMatchObject([{ traceId: request.traceId, spanId: request.spanId, service: 'productpage.default' }]);
  });

  it('takes spans over gRPC, and refuses bytes that are none', async () => {
    const client = new Client(`127.0.0.1:${collectors.ports.grpc}`, credentials.createInsecure());
    const call = (bytes: Uint8Array): Promise<number> => new Promise((resolve) => {
      client.makeUnaryRequest('/opentelemetry.proto.collector.trace.v1.TraceService/Export', (message: Buffer) => message, (message: Buffer) => message, Buffer.from(bytes), (error) => resolve(error?.code ?? 0));
    });
    const before = spans.length;
    expect([await call(codec.write('TracesData', traces)), await call(Buffer.from([0xff, 0xff])), spans.length - before]).toEqual([0, 3, 1]);
    client.close();
  });

  it.each<[string, string, string, Readonly<Record<string, string>>, number]>([
    ['another path', '/v1/other', '{}', json, 404], ['another type', '/v1/traces', '{}', { 'content-type': 'text/plain' }, 415], ['no JSON', '/v1/traces', '{', json, 400], ['no protobuf', '/v1/traces', '\xff\xff', protobuf, 400],
    ['an encoding that it does not know', '/v1/traces', '{}', { ...json, 'content-encoding': 'br' }, 415], ['what does not unpack', '/v1/traces', '{}', { ...json, 'content-encoding': 'gzip' }, 400], ['too much', '/v1/traces', ' '.repeat(5_000_000), json, 413],
  ])('refuses %s', async (_name, path, body, headers, status) => {
    expect((await send(path, body, headers).catch(() => [413]))[0]).toBe(status);
  });

  it('prints log lines, and says that it keeps no metrics', async () => {
    expect(await send('/v1/logs', JSON.stringify({ resourceLogs: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: 'app' } }] }, scopeLogs: [{ logRecords: [{ body: { stringValue: 'hello' } }] }] }] }), json)).toEqual([200, '{}']);
    expect(logged).toEqual(['collected log: app hello']);
    expect((await send('/v1/metrics', '{}', json))[1]).toContain('partialSuccess');
    expect(intake.text()).toContain('otelcol_receiver_accepted_log_records_total{receiver="otlp"} 1');
  });
});

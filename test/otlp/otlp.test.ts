import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOtlpCodec, logsJson, readLogs, readTraces, readZipkin, tracesJson, zipkinJson } from '../../src/otlp/index.ts';
import { record } from '../core/traffic/samples.ts';

const ids = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', parentSpanId: '00f067aa0ba902b8' };
const request = record({ ...ids, time: 1_700_000_000_123.25, duration: 12.5, status: 503, flags: ['UF'], route: 'reviews:9080/*', tags: { stage: 'test' }, requestHeaders: [['user-agent', 'curl']] });
const codec = createOtlpCodec();

describe('spans', () => {
  it('of proxies carry Envoy’s tags and Istio’s service name', () => {
    const [group] = tracesJson([request]).resourceSpans as [{ resource: { attributes: readonly { key: string; value: { stringValue: string } }[] }; scopeSpans: readonly [{ spans: readonly [Record<string, unknown>] }] }];
    expect(group.resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'productpage.default' } });
    const [span] = group.scopeSpans[0].spans;
    expect(span).toMatchObject({ ...ids, name: 'reviews:9080/*', kind: 3, startTimeUnixNano: '1700000000123250000', endTimeUnixNano: '1700000000135750000', status: { code: 2 } });
    for (const [key, value] of [['http.status_code', '503'], ['response_flags', 'UF'], ['stage', 'test'], ['error', 'true'], ['user_agent', 'curl'], ['component', 'proxy']] as const) expect(span.attributes).toContainEqual({ key, value: { stringValue: value } });
  });

  it('survive protobuf and come back as they were', () => {
    const json = tracesJson([request, record({ ...ids, spanId: 'aaaaaaaaaaaaaaaa', reporter: 'destination' })]);
    const read = readTraces(codec.read('TracesData', codec.write('TracesData', json)));
    expect(read).toEqual(readTraces(json));
    expect(read[0]).toMatchObject({ ...ids, service: 'productpage.default', kind: 'client', time: 1_700_000_000_123.25, duration: 12.5, error: true });
    expect(read[1]).toMatchObject({ kind: 'server', service: 'reviews.default', error: false });
  });

  it('have the bytes that the schema asks for', () => {
    // ResourceSpans 1 { Resource 1 {}, ScopeSpans 2 { Span 2 { trace_id 1, span_id 2, start 7 fixed64 } } }, by hand.
    const bytes = codec.write('TracesData', { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: '0102', spanId: '03', name: 'n', startTimeUnixNano: '1' }] }] }] });
    expect(Buffer.from(bytes).toString('hex')).toBe(['0a17', '1215', '1213', '0a020102', '120103', '2a016e', '390100000000000000'].join(''));
  });

  it('are read from Zipkin, also with short trace ids', () => {
    expect(readZipkin(zipkinJson([request]))[0]).toMatchObject({ ...ids, service: 'productpage.default', kind: 'client', time: 1_700_000_000_123.25, duration: 12.5, error: true });
    expect(readZipkin([{ traceId: 'a3ce929d0e0e4736', id: '00f067aa0ba902b7', timestamp: 1000, duration: 5 }])[0]).toMatchObject({ traceId: '0000000000000000a3ce929d0e0e4736', parentSpanId: '', kind: 'internal', time: 1, duration: 0.005 });
  });

  it('that are none are left out, whatever comes', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      for (const read of [readTraces(value), readTraces({ resourceSpans: value }), readTraces({ resourceSpans: [{ scopeSpans: [{ spans: value }] }] }), readZipkin(value), readZipkin([value])]) expect(read).toEqual([]);
      expect(() => readLogs({ resourceLogs: value })).not.toThrow();
    }));
  });
});

it('log lines survive protobuf, and are printed as one line', () => {
  const json = logsJson({ 'service.name': 'reviews.default' }, [{ time: 1, body: 'GET /\r\nevil', attributes: { code: '200' }, traceId: ids.traceId, spanId: '' }]);
  expect(readLogs(codec.read('LogsData', codec.write('LogsData', json)))).toEqual(['reviews.default GET /  evil code=200']);
});

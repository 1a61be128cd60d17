import { expect, it } from 'vitest';
import { exportLab } from '../../src/cli/commands/export.ts';
import { istioMetricsText, type RequestRecord } from '../../src/contract/index.ts';
import { createCollectorIntake } from '../../src/controlplane/collector/intake.ts';
import { serveCollector } from '../../src/controlplane/collector/http.ts';
import { metricsJson } from '../../src/otlp/index.ts';
import { createFakeLab } from '../fakes/lab.ts';
import { delta, record } from '../core/traffic/samples.ts';

it('metrics keep their labels, and buckets that added up stand alone', () => {
  const text = istioMetricsText([delta({ requests: 3, durations: [1, 0, 2, ...new Array<number>(17).fill(0)], durationSum: 7 }, { response_flags: 'a"b\\c' })]);
  const [{ scopeMetrics: [{ metrics }] }] = metricsJson(text, {}, { start: 1, now: 2 }).resourceMetrics as unknown as [{ scopeMetrics: [{ metrics: readonly Record<string, { readonly dataPoints: readonly Record<string, unknown>[] } | string>[] }] }];
  const points = (name: string, kind: string): readonly Record<string, unknown>[] => (metrics.find((one) => one['name'] === name)?.[kind] as { readonly dataPoints: readonly Record<string, unknown>[] } | undefined)?.dataPoints ?? [];
  expect(points('istio_requests_total', 'sum')).toMatchObject([{ asDouble: 3, timeUnixNano: '2000000', startTimeUnixNano: '1000000' }]);
  expect(points('istio_requests_total', 'sum')[0]?.['attributes']).toContainEqual({ key: 'response_flags', value: { stringValue: 'a"b\\c' } });
  expect(points('istio_request_duration_milliseconds', 'histogram')).toMatchObject([{ count: '3', sum: 7, bucketCounts: ['1', '0', '2', ...new Array<string>(17).fill('0')] }]);
  expect((points('istio_request_duration_milliseconds', 'histogram')[0]?.['explicitBounds'] as readonly number[]).slice(0, 3)).toEqual([0.5, 1, 5]);
  expect(metrics.some((one) => one['name'] === 'istio_tcp_sent_bytes_total')).toBe(false);
});

it('weft export sends what is sampled as spans and everything as lines; a collector that does not answer is said once', async () => {
  const spans: unknown[] = [];
  const lines: string[] = [];
  const collector = await serveCollector({ host: '127.0.0.1', port: 0 }, createCollectorIntake({ takeSpans: (taken) => spans.push(...taken) }, (line) => lines.push(line)));
  const fake = createFakeLab({ every: 0 });
  const said: string[] = [];
  const context = { api: { ...fake.lab, metrics: () => Promise.resolve('') }, on: fake.lab.on.bind(fake.lab), terminal: { json: false, interactive: false, out: (text: string) => said.push(text), write: () => undefined, err: (text: string) => said.push(text) }, signal: new AbortController().signal, stdin: () => Promise.resolve('') };
  const ids = (digit: string): Partial<RequestRecord> => ({ key: digit, traceId: digit.repeat(32), spanId: digit.repeat(16) });
  const run = exportLab(context as never, { otlp: `http://127.0.0.1:${collector.port}/`, header: [], for: 0.2, name: 'bookinfo' });
  await new Promise((resolve) => { setImmediate(resolve); });
  fake.emit([record(ids('a')), record({ ...ids('b'), sampled: false })]);
  expect(await run).toBe(true);
  expect([spans.length, lines.length]).toEqual([1, 2]);
  expect(said.at(-1)).toMatch(/^sent 1 spans, 2 log lines and metrics 2 times to /);
  await collector.stop();
  expect(await exportLab(context as never, { otlp: `http://127.0.0.1:${collector.port}`, header: [], for: 0.1, name: 'bookinfo' })).toBe(false);
  expect(said.filter((line) => line.includes('does not answer'))).toHaveLength(1);
  await expect(exportLab(context as never, { otlp: 'localhost:4318', header: [], name: 'bookinfo' })).rejects.toMatchObject({ code: 'usage' });
  fake.stop();
});

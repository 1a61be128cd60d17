import { expect, test } from 'vitest';
import { createProblems } from '../../src/controlplane/problems.ts';
import { watchDropped } from '../../src/controlplane/telemetry/dropped.ts';
import { createTelemetryIntake } from '../../src/controlplane/telemetry/intake.ts';
import { record } from '../core/traffic/samples.ts';
import { until } from '../fakes/wait.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const other = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';

test('a trace is found by its id, its beginning, a request’s id, or as the newest that began at an edge', () => {
  const intake = createTelemetryIntake();
  const proxy = 'default/productpage-v1';
  expect(intake.trace('')).toBeNull();
  intake.take(proxy, { records: [record({ key: '1', traceId: trace, spanId: 'a', requestId: 'R-1', decision: [] }), record({ key: '2', traceId: other, spanId: 'b', parentSpanId: 'c' })] });
  intake.takeSpans([{ traceId: 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', spanId: 'd', parentSpanId: '', service: 's', name: 'n', kind: 'internal', time: 1, duration: 1, error: false, tags: {} }]);
  expect(['', trace, trace.slice(0, 8), trace.toUpperCase(), 'r-1', other, 'bbbbbbbb', 'bbb', 'nothing'].map((id) => intake.trace(id)?.traceId)).toEqual([trace, trace, trace, trace, trace, other, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', undefined, undefined]);
});

test('an app that drops trace headers is a finding of the lab, until it no longer does', async () => {
  let dropped = [{ app: 'page', namespace: 'default', sent: 5, without: 5, to: ['reviews'] }];
  const problems = createProblems(() => undefined);
  const stop = watchDropped({ dropped: () => dropped }, problems, 5);
  await until('the finding', () => problems.diagnostics.length === 1);
  expect(problems.diagnostics[0]).toMatchObject({ code: 'WEFT0907', level: 'warning', message: expect.stringContaining('page seems to drop') as string, help: expect.stringContaining('traceparent') as string });
  dropped = [];
  await until('its end', () => problems.diagnostics.length === 0);
  stop();
});

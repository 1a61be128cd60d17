import { describe, expect, it } from 'vitest';
import { waterfall } from '../../src/cli/commands/trace.ts';
import { assembleTrace, droppedContexts, droppedWords, type AppSpan, type RequestRecord } from '../../src/contract/index.ts';
import { peer, record } from '../core/traffic/samples.ts';

/** One report of a request: `caller>callee` at a time, for so long. */
function report(between: string, reporter: 'source' | 'destination', ids: readonly [trace: string, span: string, parent: string], time: number, duration: number, more: Partial<RequestRecord> = {}): RequestRecord {
  const [from = '', to = ''] = between.split('>');
  const [traceId, spanId, parentSpanId] = ids;
  return record({ key: `${between} ${spanId}`, reporter, traceId, spanId, parentSpanId, time, duration, source: peer(from), destination: peer(to), proxy: `default/${reporter === 'source' ? from : to}-v1`, ...more });
}

const page = [
  report('gateway>page', 'source', ['t', 'a', ''], 100, 50), report('gateway>page', 'destination', ['t', 'b', 'a'], 102, 46),
  report('page>reviews', 'source', ['t', 'd', 'b'], 120, 20, { retries: 1, status: 503, flags: ['URX'], decision: [{ stage: 'route', what: 'r', origin: { file: 'reviews.yaml', line: 17, kind: 'VirtualService', name: 'reviews' } }] }),
  report('page>details', 'source', ['t', 'c', 'b'], 105, 5), report('page>reviews', 'destination', ['t', 'f', 'd'], 131, 5), report('page>reviews', 'destination', ['t', 'e', 'd'], 121, 5),
];
const told: AppSpan = { traceId: 't', spanId: 'x', parentSpanId: 'f', service: 'reviews', name: 'render', kind: 'internal', time: 132, duration: 2, error: false, tags: {} };

describe('a trace', () => {
  it('joins callers, callees, tries and applications, parents before children, siblings by time', () => {
    const trace = assembleTrace('t', [...page, report('other>x', 'source', ['u', 'z', ''], 0, 1)], [told, { ...told, spanId: 'f' }, { ...told, traceId: 'u' }]);
    expect(trace?.spans.map(({ spanId, depth, by, service }) => `${' '.repeat(depth)}${spanId} ${by === 'application' ? 'app ' : ''}${service}`)).toEqual(['a gateway', ' b page', '  c page', '  d page', '   e reviews', '   f reviews', '    x app reviews']);
    expect(trace).toMatchObject({ time: 100, duration: 50 });
    expect(trace?.spans[3]).toMatchObject({ retries: 1, outcome: 'server-error', origin: { file: 'reviews.yaml', line: 17 }, record: 'page>reviews d' });
  });

  it('shows what lost its parent, or is its own ancestor, all the same', () => {
    const odd = [report('a>b', 'source', ['t', '1', 'gone'], 1, 1), report('a>b', 'source', ['t', '2', '3'], 2, 1), report('a>b', 'source', ['t', '3', '2'], 3, 1), report('a>b', 'source', ['t', '4', '4'], 4, 1)];
    expect(assembleTrace('t', odd, [])?.spans.map(({ spanId, depth }) => [spanId, depth])).toEqual([['1', 0], ['4', 0], ['2', 0], ['3', 1]]);
    expect(assembleTrace('t', [], [])).toBeUndefined();
  });

  it('reads as text, bars on one scale', () => {
    const trace = assembleTrace('t', page, [told]);
    if (trace === undefined) throw new Error('no trace');
    const lines = waterfall(trace).split('\n');
    expect(lines[0]).toMatch(/^trace t {2}1970-01-01T00:00:00\.100Z {2}50\.0 ms, 7 spans$/);
    expect(lines[1]).toMatch(/^gateway > GET \/ +\|={40}\| +50\.0 ms {2}200$/);
    expect(lines[4]).toMatch(/page > GET \/ +\| {16}={16} {8}\| +20\.0 ms {2}503 {2}server-error {2}URX {2}1 retry {2}reviews\.yaml:17$/);
    expect(lines.at(-1)).toMatch(/reviews \(app\) render +\| {25}-- {13}\| +2\.0 ms$/);
    expect(waterfall({ ...trace, spans: trace.spans.map((span) => ({ ...span, sampled: false })) })).toContain('None of these spans were sampled');
  });
});

describe('an app that drops trace headers', () => {
  /** `page` answers a request each 100 ms and asks `reviews` within, on the trace or on a new one. */
  const run = (count: number, keeps: (at: number) => boolean, offset = 5): readonly RequestRecord[] => Array.from({ length: count }, (_, at) => [
    report('gateway>page', 'destination', [`t${at}`, `i${at}`, `g${at}`], at * 100, 50),
    report('page>reviews', 'source', keeps(at) ? [`t${at}`, `o${at}`, `i${at}`] : [`n${at}`, `o${at}`, ''], at * 100 + offset, 20),
  ]).flat();

  it('is named, with whom it asked', () => {
    const [found, ...others] = droppedContexts(run(5, () => false));
    expect([found, others]).toEqual([{ app: 'page', namespace: 'default', sent: 5, without: 5, to: ['reviews'] }, []]);
    if (found !== undefined) expect(droppedWords(found).message).toMatch(/^page seems to drop trace headers: of 5 requests .* 5 came without/);
  });

  it.each<[string, readonly RequestRecord[]]>([
    ['passes them on', run(5, () => true)],
    ['did so too seldom to tell', run(2, () => false)],
    ['passes most on', run(10, (at) => at % 2 === 0 || at > 4)],
    ['asks when it answers nobody', run(5, () => false, 70)],
    ['makes spans of its own between', run(5, () => true).map((one) => (one.reporter === 'source' ? { ...one, parentSpanId: 'own' } : one))],
  ])('is not named when it %s', (_name, records) => {
    expect(droppedContexts(records)).toEqual([]);
  });
});

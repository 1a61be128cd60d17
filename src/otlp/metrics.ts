import { attributes, nanoseconds, type Attribute } from './spans.ts';

interface Point {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly points: readonly (Point & { readonly part: '' | '_bucket' | '_sum' | '_count' })[];
}

/** When counts began, and now; milliseconds since the epoch. */
export interface Span { readonly start: number; readonly now: number }

/** Metrics in Prometheus' text format as OTLP's JSON: the body of `/v1/metrics`. Counters are cumulative. */
export function metricsJson(text: string, resource: Readonly<Record<string, string>>, span: Span): { readonly resourceMetrics: readonly object[] } {
  const metrics = parse(text).filter(({ points }) => points.length > 0).map((metric) => ({ name: metric.name, description: metric.help, ...data(metric, span) }));
  return { resourceMetrics: [{ resource: { attributes: attributes(resource) }, scopeMetrics: [{ scope: { name: 'weft' }, metrics }] }] };
}

function data({ type, points }: Metric, { start, now }: Span): object {
  const times = { startTimeUnixNano: nanoseconds(start), timeUnixNano: nanoseconds(now) };
  if (type === 'histogram') return { histogram: { aggregationTemporality: 2, dataPoints: histograms(points).map((point) => ({ ...point, ...times })) } };
  const dataPoints = points.map(({ labels, value }) => ({ attributes: attributes(labels), asDouble: value, ...times }));
  return type === 'gauge' ? { gauge: { dataPoints } } : { sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } };
}

/** Prometheus' buckets add up, OTLP's stand alone. */
function histograms(points: Metric['points']): readonly { readonly attributes: readonly Attribute[]; readonly count: string; readonly sum: number; readonly bucketCounts: readonly string[]; readonly explicitBounds: readonly number[] }[] {
  const sets = new Map<string, { labels: Point['labels']; sum: number; buckets: { bound: number; upTo: number }[] }>();
  for (const { labels: { le, ...labels }, value, part } of points) {
    const key = JSON.stringify(labels);
    const set = sets.get(key) ?? { labels, sum: 0, buckets: [] };
    sets.set(key, set);
    if (part === '_bucket') set.buckets.push({ bound: le === '+Inf' ? Infinity : Number(le), upTo: value });
    else if (part === '_sum') set.sum = value;
  }
  return [...sets.values()].map(({ labels, sum, buckets }) => {
    const sorted = buckets.sort((one, other) => one.bound - other.bound);
    return {
      attributes: attributes(labels), sum, count: String(sorted.at(-1)?.upTo ?? 0), explicitBounds: sorted.map(({ bound }) => bound).filter(Number.isFinite),
      bucketCounts: sorted.map(({ upTo }, at) => String(upTo - (sorted[at - 1]?.upTo ?? 0))),
    };
  });
}

function parse(text: string): readonly Metric[] {
  const metrics = new Map<string, { name: string; help: string; type: Metric['type']; points: Metric['points'][number][] }>();
  const metric = (name: string): { name: string; help: string; type: Metric['type']; points: Metric['points'][number][] } => {
    const known = metrics.get(name) ?? { name, help: '', type: 'gauge' as const, points: [] };
    metrics.set(name, known);
    return known;
  };
  for (const line of text.split('\n')) {
    const [, what, of = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (what === 'HELP') metric(of).help = rest;
    else if (what === 'TYPE') metric(of).type = rest === 'counter' || rest === 'histogram' ? rest : 'gauge';
    const sample = line.startsWith('#') ? null : /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (sample === null) continue;
    const [, name = '', labels = '', value = ''] = sample;
    const [, base = name, part = ''] = /^(.*)(_bucket|_sum|_count)$/.exec(name) ?? [];
    const histogram = metrics.get(base)?.type === 'histogram';
    metric(histogram ? base : name).points.push({ labels: labelsOf(labels), value: Number(value), part: histogram ? (part as '_bucket' | '_sum' | '_count') : '' });
  }
  return [...metrics.values()];
}

function labelsOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, value.replace(/\\(.)/g, (_escape, letter: string) => (letter === 'n' ? '\n' : letter))]));
}

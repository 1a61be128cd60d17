import { object, objects } from '../../lab/rules.ts';
import type { FeaturePanel, Finding } from '../panel.ts';

/** What is traced, counted and logged of the service. */
export const panel: FeaturePanel = {
  feature: 'telemetry', title: 'Telemetry',
  read: rule => rule.kind !== 'Telemetry' ? [] : [
    ...objects(rule.spec['tracing']).map((entry, index): Finding => ({ text: tracing(entry), path: ['tracing', index] })),
    ...objects(rule.spec['metrics']).flatMap((entry, index) => objects(entry['overrides']).map((override, at): Finding => ({ text: metrics(override), path: ['metrics', index, 'overrides', at] }))),
    ...objects(rule.spec['accessLogging']).map((entry, index): Finding => ({ text: logging(entry), path: ['accessLogging', index] })),
  ],
};

type Fields = Readonly<Record<string, unknown>>;

const side = (match: unknown): string => ({ CLIENT: 'as a client: ', SERVER: 'as a server: ' }[String(object(match)?.['mode'])] ?? '');
const to = (entry: Fields): string => {
  const names = objects(entry['providers']).map(({ name }) => String(name));
  return names.length === 0 ? '' : ` to ${names.join(', ')}`;
};

function tracing(entry: Fields): string {
  if (entry['disableSpanReporting'] === true) return `${side(entry['match'])}spans are not reported`;
  const share = entry['randomSamplingPercentage'];
  const tags = Object.keys(object(entry['customTags']) ?? {});
  return `${side(entry['match'])}traces${share === undefined ? '' : ` ${Number(share)} % of requests`}${to(entry)}${tags.length === 0 ? '' : `, tags ${tags.join(', ')}`}`;
}

function metrics(override: Fields): string {
  const match = object(override['match']);
  const what = String(match?.['metric'] ?? match?.['customMetric'] ?? 'ALL_METRICS');
  if (override['disabled'] === true) return `${side(match)}${what} is not counted`;
  const tags = Object.entries(object(override['tagOverrides']) ?? {}).map(([name, tag]) => (object(tag)?.['operation'] === 'REMOVE' ? `without ${name}` : `${name} = ${String(object(tag)?.['value'])}`));
  return `${side(match)}${what} ${tags.join(', ')}`;
}

function logging(entry: Fields): string {
  const expression = object(entry['filter'])?.['expression'];
  const what = entry['disabled'] === true ? 'not logged' : `logged${to(entry)}`;
  return `${side(entry['match'])}${what}${expression === undefined ? '' : ` when ${String(expression)}`}`;
}

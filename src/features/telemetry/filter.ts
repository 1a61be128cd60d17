import { celEnv, isCelError, isCelUint, parse, plan, type CelInput } from '@bufbuild/cel';
import { RE2JS } from 're2js';

/** What expressions can read of a request or connection: `request`, `response`, `source`, …, each a map. Whole numbers are bigints. */
export type Attributes = ReadonlyMap<string, CelInput>;

/** The value of an expression for one request; `undefined` where it has none, as for a header that is not there. */
export type Expression = (attributes: Attributes) => string | boolean | undefined;

const regex = { compile: (pattern: string) => { const compiled = RE2JS.compile(pattern); return { test: (text: string) => compiled.matcher(text).find() }; } };

/** Reads an expression in CEL once. Throws on one that does not parse. Source: Envoy, "Attributes"; istio.io, Telemetry. */
export function readExpression(text: string): Expression {
  const run = plan(celEnv({ re2: regex }), parse(text)) as (variables: Readonly<Record<string, CelInput>>) => unknown;
  return (attributes) => {
    const value = run(Object.fromEntries(attributes));
    if (isCelError(value)) return undefined;
    if (typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'bigint' || typeof value === 'number') return String(value);
    return isCelUint(value) ? String(value.value) : undefined;
  };
}

/** One change to the metrics. Source: Istio's filter `istio.stats`, MetricConfig. */
export interface MetricConfig {
  /** Without Istio's prefix; absent for all. */
  readonly name?: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly tagsToRemove?: readonly string[];
  readonly drop?: boolean;
}

type Labels = Readonly<Record<string, string>>;

/** How rules change the labels of metrics. */
export interface MetricRules {
  /** The values of all expressions for one request: requests of different values are counted apart. */
  values(attributes: Attributes): readonly string[];
  /** The labels under which a metric is shown; `undefined` when it is not. */
  shown(metric: string, labels: Labels, values: readonly string[]): Labels | undefined;
}

/** Reads the rules of a filter `istio.stats`; a later one goes over an earlier one. Throws on an expression that does not parse. */
export function metricRules(configs: readonly MetricConfig[]): MetricRules {
  const sources = [...new Set(configs.flatMap(({ dimensions = {} }) => Object.values(dimensions)))];
  const expressions = sources.map(readExpression);
  return {
    // What cannot be worked out is unknown, as in Istio.
    values: (attributes) => expressions.map((expression) => String(expression(attributes) ?? 'unknown')),
    shown(metric, labels, values) {
      const rules = configs.filter(({ name }) => name === undefined || name === metric);
      if (rules.findLast(({ drop }) => drop !== undefined)?.drop === true) return undefined;
      const changed: Record<string, string> = { ...labels };
      for (const { dimensions = {}, tagsToRemove = [] } of rules) {
        for (const [tag, source] of Object.entries(dimensions)) changed[labelName(tag)] = values[sources.indexOf(source)] ?? 'unknown';
        for (const tag of tagsToRemove) Reflect.deleteProperty(changed, labelName(tag));
      }
      return changed;
    },
  };
}

/** A name that Prometheus takes for a label. */
function labelName(tag: string): string {
  return tag.replace(/^[^a-zA-Z_]|[^a-zA-Z0-9_]/g, '_');
}

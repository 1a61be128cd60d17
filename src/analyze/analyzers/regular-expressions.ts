import { RE2JS } from 're2js';
import type { Diagnostic, Resource } from '../../manifest/index.ts';
import { finding, type Analyzer } from '../analyzer.ts';

/** Regular expressions of VirtualServices that RE2 cannot read. In a lab validation has refused them already. */
export const regularExpressions: Analyzer = {
  name: 'virtualservice.RegexAnalyzer',
  codes: ['IST0122'],
  cluster: true,
  run: ({ resources }) => resources.filter(({ kind }) => kind === 'VirtualService').flatMap((rule) => within(rule, rule.body['spec'], ['spec'])),
};

/** Looks for `regex` at any depth: matches of every part of a request, allowed origins and rewrites have it. */
function within(rule: Resource, value: unknown, path: readonly (string | number)[]): readonly Diagnostic[] {
  if (typeof value !== 'object' || value === null) return [];
  const steps: readonly (readonly [string | number, unknown])[] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return steps.flatMap(([step, inner]) => {
    const at = [...path, step];
    if (typeof inner !== 'string' || step !== 'regex') return within(rule, inner, at);
    const problem = problemOf(inner);
    return problem === undefined ? [] : [finding(rule, at, { code: 'IST0122', level: 'warning', message: `${at.at(-2)}: “${inner}” is not a regular expression: ${problem}.`, help: 'Istio’s are those of RE2.' })];
  });
}

function problemOf(expression: string): string | undefined {
  try {
    RE2JS.compile(expression);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

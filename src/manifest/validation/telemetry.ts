import type { TypedResource } from '../guards.ts';
import { checkExpression } from './cel.ts';
import { each, type Report } from './report.ts';
import { checkTargets } from './targets.ts';

/** Istio's admission rules for a Telemetry. */
export function validateTelemetry({ spec }: TypedResource<'Telemetry'>, report: Report): void {
  checkTargets(spec, report);
  if (spec.tracing.length > 1) report.at('tracing').warning('Only the first tracing entry is used.', 'Keep one.');
  each(spec.tracing, report.at('tracing'), ({ providers, customTags }, place) => {
    if (providers.length > 1) place.at('providers').warning('Only the first provider is used for tracing.', 'Keep one.');
    for (const [name, tag] of Object.entries(customTags)) {
      if (name === '') place.at('customTags').error('A custom tag has no name.');
      if (Object.keys(tag).length === 0) place.at('customTags', name).error(`The tag “${name}” does not say where its value comes from.`, 'Write literal, header, environment or formatter.');
    }
  });
  each(spec.metrics, report.at('metrics'), ({ overrides }, place) => {
    each(overrides, place.at('overrides'), ({ tagOverrides }, at) => {
      for (const [name, tag] of Object.entries(tagOverrides)) {
        if (name === '') at.at('tagOverrides').error('A tag has no name.');
        if (tag.operation === 'UPSERT' && tag.value === '') at.at('tagOverrides', name).error(`The tag “${name}” is set to nothing.`, 'Write a value, or operation: REMOVE.');
        else if (tag.operation === 'UPSERT') checkExpression(tag.value, at.at('tagOverrides', name, 'value'));
      }
    });
  });
  each(spec.accessLogging, report.at('accessLogging'), ({ filter }, place) => {
    if (filter !== undefined) checkExpression(filter.expression, place.at('filter', 'expression'));
  });
}

import { ofKind, type Diagnostic, type TypedResource } from '../../manifest/index.ts';
import { finding, type Analysis, type Analyzer } from '../analyzer.ts';
import { destinationsOf, type DestinationUse } from '../destinations.ts';
import { hostsOverlap } from '../../compile/index.ts';

/** Subsets that no DestinationRule defines: requests to them get 503. */
export const subsets: Analyzer = {
  name: 'virtualservice.DestinationRuleAnalyzer',
  codes: ['IST0101'],
  run: (analysis) => ofKind(analysis.resources, 'VirtualService').flatMap((rule) =>
    destinationsOf(rule.spec).flatMap((use) => (use.subset === '' ? [] : (undefinedSubset(rule, use, analysis) ?? []))),
  ),
};

function undefinedSubset(rule: TypedResource<'VirtualService'>, use: DestinationUse, { resources, registry }: Analysis): Diagnostic | undefined {
  const host = registry.resolve(use.host, rule.metadata.namespace);
  const rules = ofKind(resources, 'DestinationRule').filter(({ spec, metadata }) => hostsOverlap(registry.resolve(spec.host, metadata.namespace), host));
  const defined = [...new Set(rules.flatMap(({ spec }) => spec.subsets.map(({ name }) => name)))];
  if (defined.includes(use.subset)) return undefined;
  return finding(rule, [...use.path, 'subset'], {
    code: 'IST0101', level: 'error',
    message: `No DestinationRule defines the subset ${use.subset} of ${use.host}, so requests to it fail with 503.`,
    help: defined.length > 0 ? `Use one of ${defined.join(', ')}, or add it to the DestinationRule.` : `Apply a DestinationRule for ${use.host} with this subset.`,
  });
}

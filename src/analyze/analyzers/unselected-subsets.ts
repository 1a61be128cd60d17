import { ofKind, type Diagnostic, type TypedResource } from '../../manifest/index.ts';
import { finding, type Analysis, type Analyzer } from '../analyzer.ts';

type Rule = TypedResource<'DestinationRule'>;

/** DestinationRules for hosts that nobody has, and subsets without a pod. In a lab such subsets wait for pods that a next step brings, as the samples' do. */
export const unselectedSubsets: Analyzer = {
  name: 'destinationrule.PodNotSelectedAnalyzer',
  codes: ['IST0173', 'IST0174'],
  cluster: true,
  run: (analysis) => ofKind(analysis.resources, 'DestinationRule').flatMap((rule) => check(rule, analysis)),
};

function check(rule: Rule, { registry }: Analysis): readonly Diagnostic[] {
  const { spec, metadata } = rule;
  const host = registry.resolve(spec.host, metadata.namespace);
  if (registry.findAnywhere(host) === undefined && !registry.any(host)) {
    return [finding(rule, ['spec', 'host'], { code: 'IST0174', level: 'warning', message: `No Service or ServiceEntry has the host ${spec.host}, so the rule is about nobody.`, help: `Apply it, or write the whole name (${host} was looked up).` })];
  }
  const service = registry.services.find((candidate) => registry.resolve(candidate.metadata.name, candidate.metadata.namespace) === host);
  if (service === undefined || Object.keys(service.spec.selector).length === 0) return [];
  const pods = registry.podsOf(service);
  return spec.subsets.flatMap(({ name, labels }, index) => {
    const wanted = Object.entries(labels).filter(([label]) => !isPlace(label));
    if (pods.some((pod) => wanted.every(([label, value]) => pod.labels[label] === value))) return [];
    return [finding(rule, ['spec', 'subsets', index, 'labels'], { code: 'IST0173', level: 'error', message: `No pod of ${spec.host} has the labels of subset ${name}, so requests to it fail with 503.`, help: 'Select labels that the pods have.' })];
  });
}

/** Labels of nodes, which endpoints have and pods do not. */
const isPlace = (label: string): boolean => /^(topology\.kubernetes\.io|topology\.istio\.io|kubernetes\.io|failure-domain\.beta\.kubernetes\.io)\//.test(label);

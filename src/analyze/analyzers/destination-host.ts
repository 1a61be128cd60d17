import { exportsOf } from '../../compile/index.ts';
import { ofKind, type Diagnostic, type TypedResource } from '../../manifest/index.ts';
import { finding, selects, type Analysis, type Analyzer } from '../analyzer.ts';
import { destinationsOf, type DestinationUse } from '../destinations.ts';

type Rule = TypedResource<'VirtualService'>;

/** Destinations that do not exist, are ambiguous, or skip the rules that the mesh has for them. */
export const destinationHost: Analyzer = {
  name: 'virtualservice.DestinationHostAnalyzer',
  codes: ['IST0101', 'IST0112', 'IST0140'],
  run: (analysis) => ofKind(analysis.resources, 'VirtualService').flatMap((rule) => [
    ...destinationsOf(rule.spec).flatMap((use) => unknownHost(rule, use, analysis) ?? []),
    ...ingressRules(rule, analysis),
  ]),
};

/** The namespaces whose sidecars apply the rule, as far as they are named. */
function appliesIn({ spec, metadata }: Rule, { exportTo }: Analysis): readonly string[] {
  const names = exportsOf(spec.exportTo, exportTo.virtualServices);
  const named = names.filter((name) => name !== '*' && name !== '.' && name !== '~');
  return names.length === 0 || named.length < names.length ? [metadata.namespace, ...named] : named;
}

function unknownHost(rule: Rule, use: DestinationUse, analysis: Analysis): Diagnostic | undefined {
  const { registry } = analysis;
  if (use.host === '') return finding(rule, use.path, { code: 'IST0101', level: 'error', message: 'The destination names no host, so there is nowhere to send requests.', help: 'Write destination.host.' });
  const host = registry.resolve(use.host, rule.metadata.namespace);
  const path = [...use.path, 'host'];
  for (const namespace of appliesIn(rule, analysis)) {
    const target = registry.find(host, namespace);
    if (target === undefined) {
      const hidden = registry.findAnywhere(host) !== undefined;
      const why = hidden ? `it is not exported to namespace ${namespace}` : 'no Service or ServiceEntry has it';
      return finding(rule, path, { code: 'IST0101', level: 'error', message: `The host ${use.host} is not known: ${why}, so requests to it fail.`, help: hidden ? 'Add the namespace to its exportTo.' : `Apply the Service, or write the whole name (${host} was looked up).` });
    }
    if (use.port !== undefined && target.ports.length > 0 && !target.ports.includes(use.port)) {
      return finding(rule, [...use.path, 'port'], { code: 'IST0101', level: 'error', message: `${use.host} has no port ${use.port}; it has ${target.ports.join(', ')}.`, help: 'Use one of these.' });
    }
    if (use.port === undefined && target.ports.length > 1) {
      return finding(rule, use.path, { code: 'IST0112', level: 'error', message: `${use.host} has several ports (${target.ports.join(', ')}), so the destination must say which.`, help: 'Write port.number.' });
    }
  }
  return undefined;
}

/** A gateway's rule that names a whole service goes past what mesh rules say about its subsets. */
function ingressRules(rule: Rule, analysis: Analysis): readonly Diagnostic[] {
  if (rule.spec.gateways.every((name) => name === 'mesh')) return [];
  const { resources, registry } = analysis;
  return rule.spec.http.flatMap(({ route }, index) =>
    route.flatMap(({ destination }, position) => {
      if (destination === undefined || destination.subset !== '') return [];
      const host = registry.resolve(destination.host, rule.metadata.namespace);
      const other = ofKind(resources, 'VirtualService').find((candidate) => candidate !== rule && narrows(candidate, host, analysis));
      if (other === undefined) return [];
      return [finding(rule, ['spec', 'http', index, 'route', position, 'destination'], {
        code: 'IST0140', level: 'warning',
        message: `Requests that come in here go to any pod of ${destination.host}: the rules of VirtualService ${other.metadata.namespace}/${other.metadata.name} are for calls inside the mesh.`,
        help: 'Name the subset here as well.',
      })];
    }),
  );
}

/** Whether a mesh rule for the host itself keeps traffic to a subset that leaves some of its pods out. */
function narrows(rule: Rule, host: string, analysis: Analysis): boolean {
  const { registry, resources } = analysis;
  const { spec, metadata } = rule;
  const mesh = spec.gateways.length === 0 || spec.gateways.includes('mesh');
  if (!mesh || !spec.hosts.some((name) => registry.resolve(name, metadata.namespace) === host)) return false;
  const service = registry.services.find((candidate) => registry.resolve(candidate.metadata.name, candidate.metadata.namespace) === host);
  const pods = service === undefined ? [] : registry.podsOf(service);
  const subsets = ofKind(resources, 'DestinationRule').filter((candidate) => registry.resolve(candidate.spec.host, candidate.metadata.namespace) === host).flatMap((candidate) => candidate.spec.subsets);
  return destinationsOf(spec).some((use) => {
    if (use.subset === '' || registry.resolve(use.host, metadata.namespace) !== host) return false;
    const labels = subsets.find(({ name }) => name === use.subset)?.labels;
    return pods.length === 0 || labels === undefined || pods.some((pod) => !selects(labels, pod.labels));
  });
}

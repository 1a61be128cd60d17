import { exportsOf } from '../../compile/index.ts';
import { ofKind, type TypedResource } from '../../manifest/index.ts';
import { finding, groupBy, type Analysis, type Analyzer } from '../analyzer.ts';

type Rule = TypedResource<'VirtualService'>;

/** Several VirtualServices for the same host inside the mesh: sidecars use only the oldest. */
export const conflictingHosts: Analyzer = {
  name: 'virtualservice.ConflictingMeshGatewayHostsAnalyzer',
  codes: ['IST0109'],
  run: (analysis) => {
    const uses = ofKind(analysis.resources, 'VirtualService').filter(inMesh).flatMap((rule) => rule.spec.hosts.map((host, index) => ({ rule, host: analysis.registry.resolve(host, rule.metadata.namespace), index })));
    return [...groupBy(uses, ({ host }) => host)].flatMap(([host, group]) =>
      group.flatMap(({ rule, index }) => {
        const others = group.filter((other) => other.rule !== rule && meet(rule, other.rule, analysis)).map((other) => `${other.rule.metadata.namespace}/${other.rule.metadata.name}`);
        if (others.length === 0) return [];
        return [finding(rule, ['spec', 'hosts', index], { code: 'IST0109', level: 'error', message: `${host} has several VirtualServices in the mesh (also ${[...new Set(others)].join(', ')}); only the oldest is used.`, help: 'Merge them, or export them to different namespaces.' })];
      }),
    );
  },
};

const inMesh = ({ spec }: Rule): boolean => spec.gateways.length === 0 || spec.gateways.includes('mesh');

/** Whether there is a namespace that sees both. */
function meet(left: Rule, right: Rule, { resources, exportTo }: Analysis): boolean {
  const scope = ({ spec, metadata }: Rule): readonly string[] => {
    const names = exportsOf(spec.exportTo, exportTo.virtualServices);
    return names.length === 0 ? ['*'] : names.map((name) => (name === '.' ? metadata.namespace : name));
  };
  const [a, b] = [scope(left), scope(right)];
  if (a.includes('*') || b.includes('*')) return resources.length > 0 && !a.includes('~') && !b.includes('~');
  return a.some((name) => b.includes(name));
}

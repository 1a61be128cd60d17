import { injected, ofKind, type Diagnostic, type Resource, type TypedResource } from '../../manifest/index.ts';
import { finding, selects, systemNamespaces, type Analysis, type Analyzer } from '../analyzer.ts';

/** AuthorizationPolicies that are about nobody: no workload, or callers of a namespace that is not there. */
export const authorizationPolicies: Analyzer = {
  name: 'auth.AuthorizationPoliciesAnalyzer',
  codes: ['IST0101', 'IST0127'],
  run: (analysis) => {
    const namespaces = namespacesOf(analysis);
    return ofKind(analysis.resources, 'AuthorizationPolicy').flatMap((policy) => [...unselected(policy, analysis), ...strangers(policy, namespaces)]);
  },
};

function unselected(policy: TypedResource<'AuthorizationPolicy'>, { resources, registry, gateways, rootNamespace }: Analysis): readonly Diagnostic[] {
  const { selector, targetRef, targetRefs } = policy.spec;
  if (targetRef !== undefined || targetRefs.length > 0) return [];
  const wanted = selector?.matchLabels ?? {};
  const all = Object.keys(wanted).length === 0;
  const { namespace } = policy.metadata;
  const namespaces = new Map(ofKind(resources, 'Namespace').map((one) => [one.metadata.name, one]));
  const members = [...registry.templates.filter((pod) => injected(pod, namespaces.get(pod.namespace))), ...gateways];
  const found = members.some((workload) => (namespace === rootNamespace || workload.namespace === namespace) && (all || selects(wanted, workload.labels)));
  if (found) return [];
  if (all) return [finding(policy, ['metadata', 'namespace'], { code: 'IST0127', level: 'warning', message: namespace === rootNamespace ? 'The mesh has no workload, so the policy judges nothing.' : `Namespace ${namespace} has no workload in the mesh, so the policy judges nothing.`, help: 'Write it in the namespace of the pods.' })];
  const words = Object.entries(wanted).map(([label, value]) => `${label}=${value}`).join(', ');
  return [finding(policy, ['spec', 'selector'], { code: 'IST0127', level: 'warning', message: `No workload${namespace === rootNamespace ? '' : ` in ${namespace}`} has the labels ${words}, so the policy judges nothing.`, help: 'Select labels that the pods have.' })];
}

/** Namespaces that there are: those that are written, and those that something is in. */
function namespacesOf({ resources, gateways }: Analysis): ReadonlySet<string> {
  return new Set(['default', ...systemNamespaces, ...gateways.map(({ namespace }) => namespace), ...resources.map(({ kind, metadata }) => (kind === 'Namespace' ? metadata.name : metadata.namespace))]);
}

function strangers(policy: TypedResource<'AuthorizationPolicy'>, namespaces: ReadonlySet<string>): readonly Diagnostic[] {
  return (policy.spec.rules ?? []).flatMap((rule, ruleIndex) => (rule.from ?? []).flatMap((from, fromIndex) => (['namespaces', 'notNamespaces'] as const).flatMap((field) => (from.source?.[field] ?? []).flatMap((written, index) => {
    if ([...namespaces].some((name) => meant(written, name))) return [];
    return [finding(policy, ['spec', 'rules', ruleIndex, 'from', fromIndex, 'source', field, index], { code: 'IST0101', level: 'error', message: `There is no namespace ${written}, so no caller is from it.`, help: `There are ${[...namespaces].filter((name) => !systemNamespaces.has(name)).join(', ')}.` })];
  }))));
}

function meant(written: string, name: string): boolean {
  if (written === '*') return true;
  if (written.startsWith('*')) return name.endsWith(written.slice(1));
  return written.endsWith('*') ? name.startsWith(written.slice(0, -1)) : name === written;
}

const gatewayName = 'gateway.networking.k8s.io/gateway-name';
const targeted: ReadonlySet<string> = new Set(['AuthorizationPolicy', 'RequestAuthentication', 'Telemetry', 'WasmPlugin']);

/** Policies that select the pods of a Gateway API gateway by labels: such a gateway only listens to `targetRefs`. */
export const ineffectiveSelectors: Analyzer = {
  name: 'k8sgateway.SelectorAnalyzer',
  codes: ['IST0166'],
  run: ({ resources, registry }) => {
    const gateways = [
      ...registry.templates.filter(({ labels }) => labels[gatewayName] !== undefined).map(({ namespace, labels }) => ({ namespace, labels })),
      ...ofKind(resources, 'KubernetesGateway').map(({ metadata: { name, namespace } }) => ({ namespace, labels: { [gatewayName]: name } as Readonly<Record<string, string>> })),
    ];
    return resources.filter(({ kind }) => targeted.has(kind)).flatMap((policy) => {
      const wanted = selectorOf(policy);
      const met = new Set(gateways.filter(({ namespace, labels }) => namespace === policy.metadata.namespace && selects(wanted, labels)).map(({ labels }) => labels[gatewayName] ?? ''));
      return [...met].map((gateway) => finding(policy, ['spec', 'selector'], { code: 'IST0166', level: 'warning', message: `The selector has no effect on the gateway ${gateway}, which is one of the Gateway API.`, help: 'Name it in targetRefs.' }));
    });
  },
};

/** The labels that a policy selects by; none when it names its targets too. */
function selectorOf(policy: Resource): Readonly<Record<string, string>> {
  const spec = policy.body['spec'] as { readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> | null } | null; readonly targetRef?: unknown; readonly targetRefs?: unknown } | null | undefined;
  return spec?.targetRef !== undefined || spec?.targetRefs !== undefined ? {} : spec?.selector?.matchLabels ?? {};
}

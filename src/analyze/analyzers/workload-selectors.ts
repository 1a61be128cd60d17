import type { Diagnostic, Resource } from '../../manifest/index.ts';
import { finding, groupBy, selects, type Analysis, type Analyzer } from '../analyzer.ts';

interface Overlap {
  readonly kind: string;
  readonly name: string;
  /** Several without a selector in one namespace. */
  readonly unselective: string;
  /** Several that select the same pod. */
  readonly selective: string;
}

/** Kinds of which one workload can only have one. */
const kinds: readonly Overlap[] = [
  { kind: 'Sidecar', name: 'sidecar', selective: 'IST0110', unselective: 'IST0111' },
  { kind: 'Telemetry', name: 'telemetry', selective: 'IST0159', unselective: 'IST0160' },
];

/** Several resources without selector in one namespace: which one applies is left to chance. */
export const defaultSelectors: readonly Analyzer[] = kinds.map(({ kind, name, unselective }) => ({
  name: `${name}.DefaultSelectorAnalyzer`,
  codes: [unselective],
  run: ({ resources }) => {
    const plain = resources.filter((resource) => resource.kind === kind && selectorOf(resource) === undefined && !hasTargets(resource));
    return [...groupBy(plain, ({ metadata }) => metadata.namespace).values()].filter((group) => group.length > 1).flatMap((group) =>
      group.map((resource) => finding(resource, ['metadata', 'name'], {
        code: unselective, level: 'error',
        message: `Namespace ${resource.metadata.namespace} has ${group.length} ${kind}s without a workload selector; only one can apply.`,
        help: 'Merge them, or give all but one a selector.',
      })),
    );
  },
}));

/** Several resources that select the same workload. */
export const conflictingSelectors: readonly Analyzer[] = kinds.map(({ kind, name, selective }) => ({
  name: `${name}.SelectorAnalyzer`,
  codes: ['IST0101', selective],
  run: (analysis) => analysis.resources.filter((resource) => resource.kind === kind).flatMap((resource) => conflict(resource, analysis, { kind, code: selective })),
}));

function conflict(resource: Resource, { resources, registry, gateways, rootNamespace }: Analysis, { kind, code }: { readonly kind: string; readonly code: string }): readonly Diagnostic[] {
  const selector = selectorOf(resource);
  if (selector === undefined) return [];
  const everywhere = kind === 'Telemetry' && resource.metadata.namespace === rootNamespace;
  if (![...gateways, ...registry.templates].some(({ namespace, labels }) => (everywhere || namespace === resource.metadata.namespace) && selects(selector, labels))) {
    const words = Object.entries(selector).map(([label, value]) => `${label}=${value}`).join(', ');
    return [finding(resource, ['spec'], { code: 'IST0101', level: 'error', message: `No workload of namespace ${resource.metadata.namespace} has the labels ${words}, so this ${kind} is for nobody.`, help: 'Select labels that the pods have.' })];
  }
  const pods = registry.templates.filter(({ namespace, labels }) => namespace === resource.metadata.namespace && selects(selector, labels));
  const others = resources.filter((other) => other !== resource && other.kind === kind && other.metadata.namespace === resource.metadata.namespace && pods.some(({ labels }) => selects(selectorOf(other) ?? {}, labels)));
  if (others.length === 0) return [];
  const names = others.map(({ metadata }) => metadata.name).join(', ');
  return [finding(resource, ['spec'], { code, level: 'error', message: `${kind} ${names} selects the same workload ${pods[0]?.workload ?? ''}; only one can apply.`, help: 'Make the selectors exclude each other.' })];
}

function selectorOf(resource: Resource): Readonly<Record<string, string>> | undefined {
  const spec = resource.body['spec'] as { readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> } | null; readonly workloadSelector?: { readonly labels?: Readonly<Record<string, string>> } | null } | null | undefined;
  const labels = spec?.workloadSelector?.labels ?? spec?.selector?.matchLabels;
  return labels === undefined || labels === null || Object.keys(labels).length === 0 ? undefined : labels;
}

/** Whether a resource names what it is for, instead of selecting it. */
function hasTargets(resource: Resource): boolean {
  const spec = resource.body['spec'] as { readonly targetRef?: unknown; readonly targetRefs?: unknown } | null | undefined;
  return spec?.targetRef !== undefined || spec?.targetRefs !== undefined;
}

import type { PolicyTargetReference } from '../kinds/security.ts';
import { checkSelector } from './names.ts';
import { each, type Report } from './report.ts';

/** What policies can be attached to. */
const kinds = new Set(['/Service', 'gateway.networking.k8s.io/Gateway', 'gateway.networking.k8s.io/GatewayClass', 'networking.istio.io/ServiceEntry']);

interface Targeted {
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly targetRef?: PolicyTargetReference;
  readonly targetRefs: readonly PolicyTargetReference[];
}

/** Istio's rules for what a policy applies to: a selector or references, not both. */
export function checkTargets({ selector, targetRef, targetRefs }: Targeted, report: Report): void {
  const ways = [selector !== undefined, targetRef !== undefined, targetRefs.length > 0].filter(Boolean).length;
  if (ways > 1) report.error('A policy applies by selector, targetRef or targetRefs; only one of them may be set.');
  if (selector !== undefined) {
    checkSelector(selector.matchLabels, report.at('selector', 'matchLabels'));
    if (Object.keys(selector.matchLabels).length === 0) report.at('selector').warning('The selector has no labels, so the policy applies to every workload of its namespace.', 'Leave it out if that is meant.');
  }
  if (targetRef !== undefined) checkReference(targetRef, report.at('targetRef'));
  each(targetRefs, report.at('targetRefs'), checkReference);
}

function checkReference({ group, kind, name, namespace }: PolicyTargetReference, report: Report): void {
  if (name === '') report.at('name').error('The reference has no name.');
  if (namespace !== '') report.at('namespace').error('A policy can only refer to its own namespace.', 'Leave namespace out.');
  if (!kinds.has(`${group === 'core' ? '' : group}/${kind}`)) report.at('kind').error(`A policy cannot be attached to ${group === '' ? kind : `${group}/${kind}`}.`, 'Use a Service, a ServiceEntry, or a Gateway of gateway.networking.k8s.io.');
}

import type { PolicyTargetReference } from '../../util/policy-target.ts';
import { each, type Report } from './report.ts';

/** What policies can be attached to. */
const kinds = new Set(['/Service', 'gateway.networking.k8s.io/Gateway', 'gateway.networking.k8s.io/GatewayClass', 'networking.istio.io/ServiceEntry']);

interface Targeted {
  readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly targetRef?: PolicyTargetReference;
  readonly targetRefs: readonly PolicyTargetReference[];
}

/** Istio's rules for what a policy applies to; that it has a selector or references, not both, its schema says. */
export function checkTargets({ selector, targetRef, targetRefs }: Targeted, report: Report): void {
  if (selector !== undefined) {
    if (Object.keys(selector.matchLabels).length === 0) report.at('selector').warning('The selector has no labels, so the policy applies to every workload of its namespace.', 'Leave it out if that is meant.');
  }
  if (targetRef !== undefined) checkReference(targetRef, report.at('targetRef'));
  checkReferences(targetRefs, report.at('targetRefs'));
}

/** Istio's rules for what a policy can refer to. */
export function checkReferences(references: readonly PolicyTargetReference[], report: Report): void {
  each(references, report, checkReference);
}

function checkReference({ group, kind }: PolicyTargetReference, report: Report): void {
  if (!kinds.has(`${group === 'core' ? '' : group}/${kind}`)) report.at('kind').error(`A policy cannot be attached to ${group === '' ? kind : `${group}/${kind}`}.`, 'Use a Service, a ServiceEntry, or a Gateway of gateway.networking.k8s.io.');
}

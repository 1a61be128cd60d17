import type { PolicyTargetReference } from '../util/policy-target.ts';
import { selects } from './model.ts';
import type { ProxyNode } from './types.ts';

/** A policy that says what it applies to. */
export interface Targeted {
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly targetRef?: PolicyTargetReference;
    readonly targetRefs: readonly PolicyTargetReference[];
  };
}

const gatewayGroup = 'gateway.networking.k8s.io';

/**
 * Whether a policy applies to a proxy: by namespace (the root namespace is everywhere) and labels, or by reference to the Gateway that the proxy belongs to.
 * References to services need a waypoint, so no sidecar follows them. Source: istio.io, AuthorizationPolicy, "targetRefs" and "selector".
 */
export function appliesTo({ metadata, spec }: Targeted, node: ProxyNode, rootNamespace: string): boolean {
  const { namespace } = metadata;
  const references = spec.targetRef === undefined ? spec.targetRefs : [spec.targetRef, ...spec.targetRefs];
  if (references.length > 0) return references.some((reference) => isGatewayOf(reference, namespace, node, rootNamespace));
  return (namespace === rootNamespace || namespace === node.namespace) && selects(spec.selector?.matchLabels ?? {}, node.labels);
}

function isGatewayOf({ group, kind, name }: PolicyTargetReference, namespace: string, node: ProxyNode, rootNamespace: string): boolean {
  if (group !== gatewayGroup) return false;
  if (kind === 'Gateway') return namespace === node.namespace && node.labels[`${gatewayGroup}/gateway-name`] === name;
  return kind === 'GatewayClass' && namespace === rootNamespace && node.labels[`${gatewayGroup}/gateway-class-name`] === name;
}

import { z } from 'zod';
import { Text, WorkloadSelector } from './manifest-fields.ts';
import { forText, length, matching, required, ruled } from './manifest-rules.ts';

/** Names another resource that a policy is attached to. Source: istio.io, PolicyTargetReference. */
export const PolicyTargetReference = ruled(
  z.object({
    group: ruled(Text, length({ max: 253 }), matching(/^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'an API group, such as gateway.networking.k8s.io')),
    kind: ruled(Text, length({ min: 1, max: 63 }), matching(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'a kind, such as Gateway')),
    name: ruled(Text, length({ min: 1, max: 253 })),
    namespace: ruled(Text, forText((namespace) => (namespace === '' ? undefined : 'must be left out: a policy can only refer to its own namespace'))),
  }),
  required('kind', 'name'),
);
export type PolicyTargetReference = z.output<typeof PolicyTargetReference>;

/** The references of a policy. */
export const TargetReferences = ruled(z.array(PolicyTargetReference).default([]), length({ max: 16 }));

/** How a policy says what it applies to: at most one of the three. */
export const policyTarget = { selector: WorkloadSelector.exactOptional(), targetRef: PolicyTargetReference.exactOptional(), targetRefs: TargetReferences };

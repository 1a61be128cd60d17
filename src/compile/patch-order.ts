import type { TypedResource } from '../manifest/index.ts';

/** Root namespace first, then the workload's own; by priority, then as they come, which is by age. Source: istio.io, EnvoyFilter. */
export function inPatchOrder(filters: readonly TypedResource<'EnvoyFilter'>[], rootNamespace: string): readonly TypedResource<'EnvoyFilter'>[] {
  const rank = ({ metadata }: TypedResource<'EnvoyFilter'>): number => (metadata.namespace === rootNamespace ? 0 : 1);
  return [...filters].sort((left, right) => rank(left) - rank(right) || left.spec.priority - right.spec.priority);
}

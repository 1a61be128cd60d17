import { groupOf, typedKinds, type KindName, type KindSpecs, type TypedKind } from './kinds/index.ts';
import type { Resource } from './types.ts';

/** A resource of a typed kind. */
export type TypedResource<Kind extends TypedKind> = Resource<KindName<Kind>, KindSpecs[Kind]>;

/** Whether a resource is of a typed kind, in that kind's API group: `Gateway` is Istio's, `KubernetesGateway` the Gateway API's. */
export function isKind<Kind extends TypedKind>(resource: Resource, kind: Kind): resource is TypedResource<Kind> {
  return resource.kind === typedKinds[kind].kind && groupOf(resource.apiVersion) === typedKinds[kind].group;
}

/** The resources of a typed kind, in their order. */
export function ofKind<Kind extends TypedKind>(resources: readonly Resource[], kind: Kind): readonly TypedResource<Kind>[] {
  return resources.filter((resource): resource is TypedResource<Kind> => isKind(resource, kind));
}

/** `Kind namespace/name`, or `Kind name` for cluster-scoped kinds: how messages name a resource. */
export function resourceName(resource: Pick<Resource, 'kind' | 'metadata'>): string {
  const { name, namespace } = resource.metadata;
  return `${resource.kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
}

/** The diagnostic's place and resource, for a field of a resource. */
export function at(resource: Resource, path: readonly (string | number)[]): { file: string; line: number; column: number; resource: string; path: string } {
  const { line, column } = resource.locate(path);
  return { file: resource.origin.file, line, column, resource: resourceName(resource), path: formatPath(path) };
}

/** A path as people write it: `spec.http[0].route`. Keys that are not plain names are quoted. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : /^[\w-]+$/.test(part) ? `${index === 0 ? '' : '.'}${part}` : `[${JSON.stringify(part)}]`)).join('');
}

import type { Origin } from '../xds/index.ts';
import { isKind, type TypedResource } from './guards.ts';
import type { PodSpec } from './kinds/pod-spec.ts';
import type { ObjectMeta, Resource } from './types.ts';

/** Kinds that pods are made from. */
export type WorkloadKind = 'Deployment' | 'ReplicaSet' | 'StatefulSet' | 'DaemonSet' | 'Pod';

/** What the lab makes pods from: a workload's template, with what it inherits filled in. */
export interface PodTemplate {
  readonly kind: WorkloadKind;
  /** The workload's name, e.g. the Deployment `reviews-v1`. */
  readonly workload: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** `default` when the manifest names none. */
  readonly serviceAccount: string;
  readonly spec: PodSpec;
  readonly origin: Origin;
  /** The path of the pod spec in the resource, for {@link Resource.locate}. */
  readonly specPath: readonly string[];
  readonly resource: Resource;
}

interface Template {
  readonly replicas: number;
  readonly metadata: Pick<ObjectMeta, 'labels' | 'annotations'>;
  readonly spec: PodSpec;
}

/** The pod templates of all workloads, in their order. */
export function podTemplates(resources: readonly Resource[]): readonly PodTemplate[] {
  return resources.flatMap((resource) => podTemplate(resource) ?? []);
}

/** The pod template of one resource; `undefined` when it makes no pods. */
export function podTemplate(resource: Resource): PodTemplate | undefined {
  if (isKind(resource, 'Pod')) return describe(resource, 'Pod', { replicas: 1, metadata: resource.metadata, spec: resource.spec });
  if (isKind(resource, 'DaemonSet')) return describe(resource, 'DaemonSet', { replicas: 1, ...resource.spec.template });
  for (const kind of ['Deployment', 'ReplicaSet', 'StatefulSet'] as const) {
    if (isKind(resource, kind)) return replicated(resource, kind);
  }
  return undefined;
}

function replicated(resource: TypedResource<'Deployment' | 'ReplicaSet' | 'StatefulSet'>, kind: WorkloadKind): PodTemplate {
  return describe(resource, kind, { replicas: Math.max(0, resource.spec.replicas), ...resource.spec.template });
}

function describe(resource: Resource, kind: WorkloadKind, { replicas, metadata, spec }: Template): PodTemplate {
  return {
    kind,
    workload: resource.metadata.name,
    namespace: resource.metadata.namespace,
    replicas,
    labels: metadata.labels,
    annotations: metadata.annotations,
    serviceAccount: spec.serviceAccountName || spec.serviceAccount || 'default',
    spec,
    origin: resource.origin,
    specPath: kind === 'Pod' ? ['spec'] : ['spec', 'template', 'spec'],
    resource,
  };
}

const injectLabel = 'sidecar.istio.io/inject';

/**
 * Whether a pod gets a sidecar. All of the lab's namespaces count as injected; a pod opts out with `sidecar.istio.io/inject: "false"`
 * (label or annotation), a namespace with `istio-injection: disabled`, and a pod's own word goes before its namespace's.
 * Pods on the host's network never get one. Source: istio.io, "Installing the Sidecar", automatic injection.
 */
export function injected(template: Pick<PodTemplate, 'labels' | 'annotations' | 'spec'>, namespace?: Pick<Resource, 'metadata'>): boolean {
  if (template.spec.hostNetwork) return false;
  const word = template.labels[injectLabel] ?? template.annotations[injectLabel];
  if (word !== undefined) return !['false', 'n', 'no', 'off', '0'].includes(word.toLowerCase());
  return namespace?.metadata.labels['istio-injection'] !== 'disabled';
}

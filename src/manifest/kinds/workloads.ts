import { z } from 'zod';
import { Accepted, Int32, Text, TextMap, notRun } from '../../util/manifest-fields.ts';
import { PodSpec, PodTemplate } from './pod-spec.ts';

const restarts = 'a change replaces all pods of the workload at once';

/** Which pods a workload owns. */
const LabelSelector = z.object({
  matchLabels: TextMap,
  matchExpressions: z.array(z.object({ key: Text, operator: Text, values: z.array(z.string()).default([]) })).default([]),
});
const replicated = { replicas: Int32.default(1), selector: LabelSelector.prefault({}), template: PodTemplate.prefault({}), minReadySeconds: Accepted };

/** Source: Kubernetes API, apps/v1. */
export const Deployment = z.object({ ...replicated, strategy: Accepted, revisionHistoryLimit: Accepted, paused: notRun(restarts), progressDeadlineSeconds: Accepted });
export type Deployment = z.output<typeof Deployment>;

/** Source: Kubernetes API, apps/v1. */
export const ReplicaSet = z.object(replicated);
export type ReplicaSet = z.output<typeof ReplicaSet>;

/** Source: Kubernetes API, apps/v1. Pods of a StatefulSet get names with ordinals. */
export const StatefulSet = z.object({
  ...replicated,
  serviceName: Text,
  podManagementPolicy: Accepted,
  updateStrategy: Accepted,
  revisionHistoryLimit: Accepted,
  volumeClaimTemplates: notRun('the lab has no persistent volumes'),
  persistentVolumeClaimRetentionPolicy: Accepted,
  ordinals: notRun('ordinals start at 0'),
});
export type StatefulSet = z.output<typeof StatefulSet>;

/** Source: Kubernetes API, apps/v1. The lab has one machine: one pod. */
export const DaemonSet = z.object({ selector: LabelSelector.prefault({}), template: PodTemplate.prefault({}), minReadySeconds: Accepted, updateStrategy: Accepted, revisionHistoryLimit: Accepted });
export type DaemonSet = z.output<typeof DaemonSet>;

/** Source: Kubernetes API, v1. */
export const Pod = PodSpec;
export type Pod = PodSpec;

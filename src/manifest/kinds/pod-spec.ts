import { z } from 'zod';
import { Accepted, Flag, Int32, Int64, IntOrString, Text, TextList, TextMap, notRun } from '../../util/manifest-fields.ts';
import { Volume } from './volume.ts';

const scheduling = 'the lab has one machine, so scheduling means nothing';
const debugging = 'the lab does not run it';

const KeyRef = z.object({ name: Text, key: Text, optional: Flag });

/** Where an environment variable comes from, when it is not a plain value. */
const EnvVarSource = z.object({
  fieldRef: z.object({ apiVersion: Accepted, fieldPath: Text }).exactOptional(),
  resourceFieldRef: z.object({ containerName: Text, resource: Text, divisor: z.union([z.string(), z.number()]).exactOptional() }).exactOptional(),
  configMapKeyRef: KeyRef.exactOptional(),
  secretKeyRef: KeyRef.exactOptional(),
  fileKeyRef: notRun(debugging),
});
/** An environment variable of a container. */
export const EnvVar = z.object({ name: Text, value: Text, valueFrom: EnvVarSource.exactOptional() });
export type EnvVar = z.output<typeof EnvVar>;

const EnvFrom = z.object({ prefix: Text, configMapRef: z.object({ name: Text, optional: Flag }).exactOptional(), secretRef: z.object({ name: Text, optional: Flag }).exactOptional() });

/** A port that a container declares. */
export const ContainerPort = z.object({ name: Text, containerPort: Int32.default(0), protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'), hostPort: notRun('publish through a Gateway'), hostIP: notRun('publish through a Gateway') });
export type ContainerPort = z.output<typeof ContainerPort>;

const HttpGet = z.object({ path: z.string().default('/'), port: IntOrString.default(0), host: Text, scheme: z.enum(['HTTP', 'HTTPS']).default('HTTP'), httpHeaders: z.array(z.object({ name: Text, value: Text })).default([]) });
const action = {
  exec: z.object({ command: TextList }).exactOptional(),
  httpGet: HttpGet.exactOptional(),
  tcpSocket: z.object({ port: IntOrString.default(0), host: Text }).exactOptional(),
};
/** A Kubernetes probe with its defaults. Seconds. */
export const Probe = z.object({
  ...action,
  grpc: z.object({ port: Int32.default(0), service: Text }).exactOptional(),
  initialDelaySeconds: Int32.default(0),
  periodSeconds: Int32.default(10),
  timeoutSeconds: Int32.default(1),
  successThreshold: Int32.default(1),
  failureThreshold: Int32.default(3),
  terminationGracePeriodSeconds: Int64.exactOptional(),
});
export type Probe = z.output<typeof Probe>;
const capabilities = z.object({ add: TextList, drop: TextList }).exactOptional();
/** A container's SecurityContext. */
export const SecurityContext = z.object({
  runAsUser: Int64.exactOptional(),
  runAsGroup: Int64.exactOptional(),
  runAsNonRoot: z.boolean().exactOptional(),
  privileged: Flag,
  allowPrivilegeEscalation: z.boolean().exactOptional(),
  readOnlyRootFilesystem: Flag,
  capabilities,
  procMount: Accepted,
  seccompProfile: Accepted,
  appArmorProfile: Accepted,
  seLinuxOptions: Accepted,
  windowsOptions: Accepted,
});
export type SecurityContext = z.output<typeof SecurityContext>;

const Quantity = z.union([z.string(), z.number()]);
const Resources = z.object({ limits: z.record(z.string(), Quantity).default({}), requests: z.record(z.string(), Quantity).default({}), claims: notRun(debugging) });

/** A mount of one of the pod's volumes. */
export const VolumeMount = z.object({ name: Text, mountPath: Text, subPath: Text, subPathExpr: notRun(debugging), readOnly: Flag, recursiveReadOnly: Accepted, mountPropagation: Accepted });
export type VolumeMount = z.output<typeof VolumeMount>;

/** A container as Kubernetes knows it. */
export const Container = z.object({
  name: Text,
  image: Text,
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).exactOptional(),
  command: TextList,
  args: TextList,
  workingDir: Text,
  ports: z.array(ContainerPort).default([]),
  env: z.array(EnvVar).default([]),
  envFrom: z.array(EnvFrom).default([]),
  resources: Resources.exactOptional(),
  volumeMounts: z.array(VolumeMount).default([]),
  volumeDevices: notRun('block devices are not given to containers'),
  livenessProbe: Probe.exactOptional(),
  readinessProbe: Probe.exactOptional(),
  startupProbe: Probe.exactOptional(),
  lifecycle: z.object({ postStart: notRun('lifecycle hooks do not run'), preStop: notRun('lifecycle hooks do not run'), stopSignal: Accepted }).exactOptional(),
  restartPolicy: z.string().exactOptional(),
  restartPolicyRules: notRun(debugging),
  resizePolicy: Accepted,
  securityContext: SecurityContext.exactOptional(),
  stdin: Flag,
  stdinOnce: Accepted,
  tty: Flag,
  terminationMessagePath: Accepted,
  terminationMessagePolicy: Accepted,
});
export type Container = z.output<typeof Container>;

/** A pod's spec as Kubernetes knows it. */
export const PodSpec = z.object({
  containers: z.array(Container).default([]),
  initContainers: z.array(Container).default([]),
  ephemeralContainers: notRun(debugging),
  volumes: z.array(Volume).default([]),
  serviceAccountName: Text,
  serviceAccount: Text,
  automountServiceAccountToken: z.boolean().exactOptional(),
  restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).default('Always'),
  terminationGracePeriodSeconds: Int64.default(30),
  activeDeadlineSeconds: notRun(debugging),
  hostNetwork: Flag,
  hostPID: Flag,
  hostIPC: Flag,
  hostUsers: Accepted,
  shareProcessNamespace: notRun(debugging),
  hostname: Text,
  subdomain: Text,
  hostnameOverride: notRun(debugging),
  setHostnameAsFQDN: Accepted,
  hostAliases: z.array(z.object({ ip: Text, hostnames: TextList })).default([]),
  dnsPolicy: Accepted,
  dnsConfig: notRun('the sidecar answers DNS'),
  securityContext: z
    .object({
      runAsUser: Int64.exactOptional(),
      runAsGroup: Int64.exactOptional(),
      runAsNonRoot: z.boolean().exactOptional(),
      fsGroup: Int64.exactOptional(),
      fsGroupChangePolicy: Accepted,
      supplementalGroups: z.array(Int64).default([]),
      supplementalGroupsPolicy: Accepted,
      sysctls: notRun('kernel parameters are not changed'),
      seccompProfile: Accepted,
      appArmorProfile: Accepted,
      seLinuxOptions: Accepted,
      seLinuxChangePolicy: Accepted,
      windowsOptions: Accepted,
    })
    .exactOptional(),
  imagePullSecrets: z.array(z.object({ name: Text })).default([]),
  nodeSelector: notRun(scheduling),
  nodeName: notRun(scheduling),
  affinity: notRun(scheduling),
  tolerations: notRun(scheduling),
  topologySpreadConstraints: notRun(scheduling),
  schedulerName: notRun(scheduling),
  schedulingGates: notRun(scheduling),
  priority: Accepted,
  priorityClassName: Accepted,
  preemptionPolicy: Accepted,
  runtimeClassName: notRun('containers run with the engine’s runtime'),
  overhead: Accepted,
  os: Accepted,
  resources: notRun(debugging),
  resourceClaims: notRun(debugging),
  readinessGates: notRun(debugging),
  enableServiceLinks: Accepted,
});
export type PodSpec = z.output<typeof PodSpec>;

/** ObjectMeta of a template: only what the lab reads. */
export const TemplateMetadata = z.object({ name: Text, generateName: Accepted, namespace: Text, labels: TextMap, annotations: TextMap, finalizers: Accepted, creationTimestamp: Accepted });
/** A pod template of a workload. */
export const PodTemplate = z.object({ metadata: TemplateMetadata.prefault({}), spec: PodSpec.prefault({}) });

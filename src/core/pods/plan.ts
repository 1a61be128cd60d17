import { captureProblems, captureSettings, LabFailure, type CaptureSettings, type Probe, type StandInSettings } from '../../contract/index.ts';
import type { Container, PodTemplate } from '../../manifest/index.ts';
import type { ContainerSpec } from '../docker/index.ts';
import type { ImageChoice } from './choose-images.ts';
import type { ConfigData } from './config-data.ts';
import { environment, expand, type PodIdentity } from './environment.ts';
import { safeName, type ContainerFacts } from './labels.ts';
import { podProbes, standInProbes } from './probes.ts';
import { confine, confineStandIn } from './security.ts';
import { planVolumes, type PlacedFile, type PlannedVolume } from './volumes.ts';

/** A container of a pod, ready for the engine but for its name, labels and network. */
export interface ContainerPlan {
  readonly facts: ContainerFacts;
  readonly spec: Omit<ContainerSpec, 'name' | 'labels' | 'network'>;
  /** Files that go into its own file system before it starts. */
  readonly copies: readonly PlacedFile[];
}

/** Everything that a pod is made of, besides its sandbox and sidecar. */
export interface PodPlan {
  readonly volumes: readonly PlannedVolume[];
  readonly init: readonly ContainerPlan[];
  readonly apps: readonly ContainerPlan[];
  readonly capture: CaptureSettings;
  readonly probes: readonly Probe[];
  readonly hosts: readonly string[];
}

/** What planning needs besides the template. */
export interface PlanInputs {
  readonly pod: PodIdentity;
  readonly data: ConfigData;
  readonly images: ReadonlyMap<string, ImageChoice>;
  /** The runtime image's reference, for stand-ins. */
  readonly runtime: string;
  /** The pod has a sidecar, which runs its probes. */
  readonly sidecar?: boolean;
}

/** The uid of stand-ins whose originals do not name one. */
const standInUid = 1000;

/** Plans a pod's containers. Pure. Throws a LabFailure for what keeps this pod from starting: a missing ConfigMap, a path that leads out, an image that cannot be had. */
export function planPod(template: PodTemplate, inputs: PlanInputs): PodPlan {
  const { spec, annotations } = template;
  const capture = captureSettings(annotations);
  const problems = captureProblems(capture);
  if (problems.length > 0) throw new LabFailure('manifest-invalid', problems.join(' '));
  const volumes = planVolumes(spec, inputs.pod, inputs.data);
  const plan = (container: Container, init: boolean): ContainerPlan => planContainer(container, init, template, inputs, volumes.forContainer(container));
  const init = spec.initContainers.map((container) => plan(container, true));
  const apps = spec.containers.map((container) => plan(container, false));
  if (apps.length === 0) throw new LabFailure('manifest-invalid', 'The pod has no containers.');
  const extra = spec.containers.flatMap((container) => {
    const choice = inputs.images.get(container.image);
    return choice?.kind === 'stand-in' ? standInProbes(container, choice.standIn.ports) : [];
  });
  return { volumes: volumes.volumes, init, apps, capture, probes: [...podProbes(spec.containers), ...extra], hosts: spec.hostAliases.flatMap(({ ip, hostnames }) => hostnames.map((name) => hostEntry(name, ip))) };
}

/** The containers of a pod as its manifest has them, for pods that could not be planned. */
export function containerFacts(template: PodTemplate, images: ReadonlyMap<string, ImageChoice>): readonly ContainerFacts[] {
  const facts = (container: Container, init: boolean): ContainerFacts => {
    const choice = images.get(container.image);
    return { name: container.name, image: container.image, init, ...(choice?.kind === 'stand-in' ? { standIn: choice.standIn.name } : {}) };
  };
  return [...template.spec.initContainers.map((container) => facts(container, true)), ...template.spec.containers.map((container) => facts(container, false))];
}

function planContainer(container: Container, init: boolean, template: PodTemplate, inputs: PlanInputs, volumes: { readonly mounts: ContainerSpec['mounts'] & object; readonly copies: readonly PlacedFile[]; readonly binds: readonly string[] }): ContainerPlan {
  safeName(container.name, 'The container');
  const choice = inputs.images.get(container.image) ?? { kind: 'none', why: 'it was not looked for' };
  if (choice.kind === 'none') throw new LabFailure('image-unavailable', `Image ${container.image} of container ${container.name} cannot be had: ${choice.why}`);
  const env = environment(container, inputs.pod, inputs.data);
  const values = new Map(Object.entries(env));
  const command = container.command.map((part) => expand(part, values));
  const args = container.args.map((part) => expand(part, values));
  const workingDir = container.workingDir === '' ? {} : { workingDir: container.workingDir };
  const shared = {
    ...workingDir, mounts: volumes.mounts, ...(volumes.binds.length === 0 ? {} : { binds: volumes.binds }), tty: container.tty, openStdin: container.stdin,
    restart: init ? 'no' as const : restartOf(template), stopSeconds: Math.min(template.spec.terminationGracePeriodSeconds, 30), ...(inputs.sidecar === true ? {} : healthOf(container)),
  };
  const facts: ContainerFacts = { name: container.name, image: container.image, init, ...(choice.kind === 'stand-in' ? { standIn: choice.standIn.name } : {}) };
  if (choice.kind === 'stand-in') {
    const { standIn } = choice;
    const settings: StandInSettings = { name: standIn.name, args };
    const asIs = standIn.runsCommand && command.length > 0;
    const { user, ...confinement } = confineStandIn(container, template.spec, standIn.uid ?? standInUid);
    return {
      facts, copies: volumes.copies,
      spec: { ...shared, ...confinement, ...(user === undefined ? {} : { user }), image: inputs.runtime, ...(asIs ? { entrypoint: command, command: args, env } : { command: ['stand-in'], env: { ...env, WEFT: JSON.stringify(settings) } }) },
    };
  }
  const { user, ...confinement } = confine(container, template.spec);
  refuseRoot(container, template, choice.info.user, user);
  return {
    facts, copies: volumes.copies,
    // A command without args runs without the image's own arguments, as in Kubernetes.
    spec: { ...shared, ...confinement, ...(user === undefined ? {} : { user }), image: choice.info.id, env, ...(command.length > 0 ? { entrypoint: command, command: args } : args.length > 0 ? { command: args } : {}) },
  };
}

function restartOf(template: PodTemplate): ContainerSpec['restart'] {
  return ({ Always: 'always', OnFailure: 'on-failure', Never: 'no' } as const)[template.spec.restartPolicy];
}

/** Without a sidecar, readiness by command is the engine's health check. */
function healthOf(container: Container): Pick<ContainerSpec, 'health'> {
  const probe = container.readinessProbe;
  if (probe?.exec === undefined || probe.exec.command.length === 0) return {};
  return { health: { command: probe.exec.command, interval: Math.max(1, probe.periodSeconds), timeout: Math.max(1, probe.timeoutSeconds), retries: Math.max(1, probe.failureThreshold), startPeriod: probe.initialDelaySeconds } };
}

function refuseRoot(container: Container, template: PodTemplate, imageUser: string, user: string | undefined): void {
  const nonRoot = container.securityContext?.runAsNonRoot ?? template.spec.securityContext?.runAsNonRoot;
  const effective = (user ?? imageUser).split(':')[0] ?? '';
  if (nonRoot === true && ['', '0', 'root'].includes(effective)) {
    throw new LabFailure('manifest-invalid', `Container ${container.name} must not run as root (runAsNonRoot), but its image ${container.image} does.`, { help: 'Set runAsUser.' });
  }
}

/** A line of /etc/hosts; whatever could break out of it is refused. */
function hostEntry(name: string, ip: string): string {
  if (!/^[\w.-]{1,253}$/.test(name) || !/^[\da-fA-F.:]{2,45}$/.test(ip)) throw new LabFailure('manifest-invalid', `hostAliases: “${name.slice(0, 60)}” or “${ip.slice(0, 60)}” is not a name or address.`);
  return `${name}:${ip}`;
}

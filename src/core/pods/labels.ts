import { createHash } from 'node:crypto';
import { LabFailure, type PodRegistration, type Probe } from '../../contract/index.ts';
import type { Labels } from '../docker/index.ts';

/** Docker labels: they are the lab's memory on the engine. All containers, networks and volumes of a lab have the first. */
export const label = {
  lab: 'dev.weft.lab', role: 'dev.weft.role',
  /** `namespace/pod`. */
  pod: 'dev.weft.pod',
  /** The container's name in its pod. */
  container: 'dev.weft.container',
  /** JSON of {@link PodFacts}, on the sandbox. */
  facts: 'dev.weft.facts',
  /** Hash of everything that the pod was made from; another hash means another pod. */
  hash: 'dev.weft.hash',
  /** On the control plane: core's token, the mesh root (PEM), where images come from, what the user agreed to. */
  token: 'dev.weft.token', root: 'dev.weft.root', images: 'dev.weft.images', consent: 'dev.weft.consent',
  /** On the network: the range of virtual IPs. */
  virtualIps: 'dev.weft.virtual-ips',
} as const;

/** What a container of a lab is for. */
export type ContainerRole = 'control-plane' | 'sandbox' | 'sidecar' | 'app' | 'init';

/** What the engine remembers of a pod, so that any host program can register it with the control plane again. */
export interface PodFacts extends Omit<PodRegistration, 'ready'> {
  /** When the pod could not be made: why. */
  readonly problem?: string;
  /** Names and images of its containers, in order; those that could not be made too. */
  readonly containers: readonly ContainerFacts[];
  /** Its probes by command; whoever has the engine runs them. */
  readonly commands?: readonly Probe[];
}

/** A container as the manifest has it. */
export interface ContainerFacts {
  readonly name: string;
  readonly image: string;
  readonly standIn?: string;
  readonly init: boolean;
}

/** Labels of one container of a pod. */
export function podLabels(lab: string, pod: string, role: ContainerRole, container: string, hash: string): Labels {
  return { [label.lab]: lab, [label.role]: role, [label.pod]: pod, [label.container]: container, [label.hash]: hash };
}

/** Reads what was written with JSON into a label of ours; another program's label of that name is a bug of theirs that we name. */
export function readLabel<Value>(labels: Labels, name: string): Value | undefined {
  const text = labels[name];
  if (text === undefined) return undefined;
  try { return JSON.parse(text) as Value; } catch (cause) { throw new LabFailure('internal', `The label ${name} of a container is not what Weft wrote.`, { cause, help: 'Remove the lab and start it again.' }); }
}

/** SHA-256, hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const nameRule = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

/** A name of a manifest, before it becomes part of a container's name, a path or a label: a DNS subdomain as in Kubernetes, or `manifest-invalid`. */
export function safeName(name: string, what: string): string {
  if (!nameRule.test(name) || name.includes('..')) throw new LabFailure('manifest-invalid', `${what} “${name.slice(0, 100)}” is not a name: lower-case letters, digits, dashes and dots.`);
  return name;
}

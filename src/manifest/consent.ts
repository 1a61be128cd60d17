import { resourceName } from './guards.ts';
import { podTemplate, type PodTemplate } from './pod-templates.ts';
import type { Container } from './kinds/pod-spec.ts';
import type { Resource } from './types.ts';
import type { Path } from './yaml.ts';

/** Something that a manifest may only do when the user agrees to this very item. */
export interface ConsentItem {
  /** Stable words for the item; consent is given by repeating them. */
  readonly item: string;
  /** What it would be able to do. */
  readonly why: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Istio's proxy runs as this user, and its own traffic is not captured. */
export const proxyUser = 1337;

interface Ask {
  readonly what: string;
  readonly why: string;
  readonly path: Path;
}

/** What a resource asks for beyond an unprivileged container of its own; empty for ordinary manifests. */
export function consentNeeded(resource: Resource): readonly ConsentItem[] {
  const template = podTemplate(resource);
  if (template === undefined) return [];
  const asks = [...podAsks(template), ...volumeAsks(template), ...containers(template).flatMap(([container, path]) => containerAsks(container, path))];
  return asks.map(({ what, why, path }) => {
    const { line, column } = resource.locate([...template.specPath, ...path]);
    return { item: `${resourceName(resource)}: ${what}`, why, file: resource.origin.file, line, column };
  });
}

function containers({ spec }: PodTemplate): readonly (readonly [Container, Path])[] {
  return [
    ...spec.initContainers.map((container, index) => [container, ['initContainers', index]] as const),
    ...spec.containers.map((container, index) => [container, ['containers', index]] as const),
  ];
}

function podAsks({ spec }: PodTemplate): readonly Ask[] {
  const asks: Ask[] = [];
  if (spec.hostNetwork) asks.push({ what: 'hostNetwork', why: 'it shares this computer’s network, so it reaches every local service and bypasses the mesh', path: ['hostNetwork'] });
  if (spec.hostPID) asks.push({ what: 'hostPID', why: 'it sees and signals every process of the Docker host', path: ['hostPID'] });
  if (spec.hostIPC) asks.push({ what: 'hostIPC', why: 'it shares memory with processes of the Docker host', path: ['hostIPC'] });
  if (spec.securityContext?.runAsUser === proxyUser) asks.push({ what: 'runAsUser 1337', why: 'traffic of this user is the sidecar’s own, so the pod bypasses the mesh and its policies', path: ['securityContext', 'runAsUser'] });
  return asks;
}

function volumeAsks({ spec }: PodTemplate): readonly Ask[] {
  return spec.volumes.flatMap((volume, index): Ask[] => {
    if (volume.hostPath === undefined) return [];
    const { path } = volume.hostPath;
    const socket = /(docker|podman|containerd|crio)[\w.-]*\.sock$/.test(path);
    const why = socket ? 'whoever holds the engine’s socket controls this computer' : 'it reads and writes files of the Docker host';
    return [{ what: `hostPath ${path}`, why, path: ['volumes', index, 'hostPath'] }];
  });
}

function containerAsks(container: Container, base: Path): readonly Ask[] {
  const asks: Ask[] = [];
  const context = container.securityContext;
  const path = [...base, 'securityContext'];
  if (context?.privileged === true) asks.push({ what: `privileged container ${container.name}`, why: 'it is root on the Docker host', path: [...path, 'privileged'] });
  context?.capabilities?.add.forEach((capability, index) => {
    asks.push({ what: `capability ${capability} of container ${container.name}`, why: 'it may do what unprivileged containers may not', path: [...path, 'capabilities', 'add', index] });
  });
  if (context?.runAsUser === proxyUser) asks.push({ what: `runAsUser 1337 of container ${container.name}`, why: 'traffic of this user is the sidecar’s own, so the container bypasses the mesh and its policies', path: [...path, 'runAsUser'] });
  if (container.volumeDevices !== undefined) asks.push({ what: `devices of container ${container.name}`, why: 'it reads and writes raw devices of the Docker host', path: [...base, 'volumeDevices'] });
  return asks;
}

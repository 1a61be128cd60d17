import type Docker from 'dockerode';
import type { ContainerInfo, ContainerState, ContainerSummary, ImageInfo, Labels, NetworkInfo } from './engine.ts';

/** Docker's filter for labels: all of them must be there; an empty value asks for the label with any value. */
export function labelFilter(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => (value === '' ? name : `${name}=${value}`));
}

/** What the lab reads of an image's inspection. */
export function imageInfo(image: Docker.ImageInspectInfo): ImageInfo {
  const config = image.Config;
  return {
    id: image.Id, references: image.RepoTags ?? [], labels: config.Labels ?? {}, architecture: image.Architecture, size: image.Size,
    created: Date.parse(image.Created), user: config.User ?? '', entrypoint: list(config.Entrypoint), command: list(config.Cmd), workingDir: config.WorkingDir ?? '',
  };
}

/** What the lab reads of a network. */
export function networkInfo(network: Docker.NetworkInspectInfo): NetworkInfo {
  const subnets = (network.IPAM?.Config ?? []).map(({ Subnet }) => Subnet).filter((subnet) => subnet !== undefined);
  return { id: network.Id, name: network.Name, labels: network.Labels ?? {}, subnets };
}

/** What the lab reads of a container in a list. */
export function containerSummary(container: Docker.ContainerInfo): ContainerSummary {
  return {
    id: container.Id, name: (container.Names[0] ?? '').replace(/^\//, ''), image: container.Image, imageId: container.ImageID, labels: container.Labels ?? {},
    state: container.State as ContainerState, status: container.Status, ips: ips(container.NetworkSettings?.Networks), created: container.Created * 1000,
    ports: (container.Ports ?? []).filter(({ PublicPort }) => PublicPort !== undefined).map(({ PrivatePort, PublicPort }) => ({ container: PrivatePort, host: PublicPort })),
    volumes: (container.Mounts ?? []).filter(({ Type }) => Type === 'volume').map(({ Name }) => Name ?? ''),
  };
}

/** What the lab reads of a container's inspection. */
export function containerInfo(container: Docker.ContainerInspectInfo): ContainerInfo {
  const { State: state, NetworkSettings: network } = container;
  const started = Date.parse(state.StartedAt);
  return {
    id: container.Id, name: container.Name.replace(/^\//, ''), labels: container.Config.Labels ?? {}, state: state.Status as ContainerState, exitCode: state.ExitCode,
    oomKilled: state.OOMKilled, error: state.Error, health: healthOf(state.Health?.Status), restart: restartOf(container.HostConfig.RestartPolicy?.Name), restarts: container.RestartCount, started: started > 0 ? started : 0, ips: ips(network.Networks), ports: published(network.Ports), pid: state.Pid,
  };
}

function healthOf(status: string | undefined): ContainerInfo['health'] {
  return status === 'starting' || status === 'healthy' || status === 'unhealthy' ? status : 'none';
}

function restartOf(policy: string | undefined): ContainerInfo['restart'] {
  return policy === 'always' || policy === 'unless-stopped' ? 'always' : policy === 'on-failure' ? 'on-failure' : 'no';
}

type Networks = Readonly<Record<string, { readonly IPAddress?: string }>> | undefined;

function ips(networks: Networks): Labels {
  return Object.fromEntries(Object.entries(networks ?? {}).map(([name, { IPAddress }]) => [name, IPAddress ?? '']));
}

type Ports = Readonly<Record<string, readonly { readonly HostPort: string }[] | null>> | undefined;

function published(ports: Ports): ContainerInfo['ports'] {
  return Object.entries(ports ?? {}).flatMap(([key, bindings]) => (bindings ?? []).map(({ HostPort }) => ({ container: Number.parseInt(key, 10), host: Number(HostPort) })));
}

function list(value: string | readonly string[] | null | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  return typeof value === 'string' ? [value] : value;
}

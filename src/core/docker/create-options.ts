import type Docker from 'dockerode';
import type { ContainerSpec, HealthCheck, Mount } from './engine.ts';

/**
 * Docker's request for a container. Whatever the spec, ports bind 127.0.0.1 and logs are bounded. Name and body are kept apart:
 * dockerode would say all of it in the URL too, which is logged and has a limit that a large environment exceeds.
 */
export function createOptions(spec: ContainerSpec): Docker.ContainerCreateOptions {
  return { _query: { name: spec.name }, _body: createBody(spec) } as Docker.ContainerCreateOptions;
}

function createBody(spec: ContainerSpec): Docker.ContainerCreateOptions {
  const { network, publish = [] } = spec;
  const named = typeof network === 'object' && 'name' in network ? network : undefined;
  return {
    Image: spec.image, Labels: { ...spec.labels }, Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    ...(spec.entrypoint === undefined ? {} : { Entrypoint: [...spec.entrypoint] }),
    ...(spec.command === undefined ? {} : { Cmd: [...spec.command] }),
    ...(spec.user === undefined ? {} : { User: spec.user }),
    ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
    ...(spec.hostname === undefined ? {} : { Hostname: spec.hostname }),
    ...(spec.stopSeconds === undefined ? {} : { StopTimeout: spec.stopSeconds }),
    ...(spec.health === undefined ? {} : { Healthcheck: healthCheck(spec.health) }),
    Tty: spec.tty === true, OpenStdin: spec.openStdin === true,
    ExposedPorts: Object.fromEntries(publish.map(({ container, protocol }) => [`${container}/${protocol}`, {}])),
    ...(named === undefined ? {} : {
      NetworkingConfig: { EndpointsConfig: { [named.name]: { Aliases: [...named.aliases], ...(named.ip === undefined ? {} : { IPAMConfig: { IPv4Address: named.ip } }) } } },
    }),
    HostConfig: hostConfig(spec),
  };
}

function hostConfig(spec: ContainerSpec): Docker.HostConfig {
  const { network, publish = [] } = spec;
  return {
    NetworkMode: typeof network === 'string' ? network : 'name' in network ? network.name : `container:${network.container}`,
    PortBindings: Object.fromEntries(publish.map(({ container, protocol, host }) => [`${container}/${protocol}`, [{ HostIp: '127.0.0.1', HostPort: host === 0 ? '' : String(host) }]])),
    Mounts: (spec.mounts ?? []).map(volumeMount),
    ...(spec.binds === undefined ? {} : { Binds: [...spec.binds] }),
    Tmpfs: Object.fromEntries(Object.entries(spec.tmpfs ?? {}).map(([path, size]) => [path, `size=${size},mode=1777`])),
    ...(spec.extraHosts === undefined ? {} : { ExtraHosts: [...spec.extraHosts] }),
    ...(spec.dnsSearch === undefined ? {} : { DnsSearch: [...spec.dnsSearch], DnsOptions: ['ndots:5'] }),
    ...(spec.hostNamespaces?.pid === true ? { PidMode: 'host' } : {}),
    ...(spec.sysctls === undefined ? {} : { Sysctls: { ...spec.sysctls } }),
    ReadonlyRootfs: spec.readOnlyRoot === true, Privileged: spec.privileged === true,
    CapDrop: ['ALL'], CapAdd: [...spec.capabilities],
    SecurityOpt: spec.noNewPrivileges ? ['no-new-privileges'] : [],
    ...(spec.groups === undefined ? {} : { GroupAdd: [...spec.groups] }),
    Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes, PidsLimit: spec.pids,
    ...(spec.cpus === undefined || spec.cpus === 0 ? {} : { NanoCpus: Math.round(spec.cpus * 1e9) }),
    RestartPolicy: { Name: spec.restart }, Init: false, IpcMode: spec.hostNamespaces?.ipc === true ? 'host' : 'private',
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
  };
}

/** What an image has at the place of a mount is not copied into the volume: Kubernetes' volumes hide it. */
function volumeMount(mount: Mount): Docker.MountSettings {
  return { Type: 'volume', Source: mount.volume, Target: mount.target, ReadOnly: mount.readOnly, VolumeOptions: { NoCopy: mount.copy !== true, Labels: {}, DriverConfig: { Name: 'local', Options: {} } } };
}

function healthCheck({ command, interval, timeout, retries, startPeriod }: HealthCheck): Docker.HealthConfig {
  const nanoseconds = (seconds: number): number => seconds * 1e9;
  return { Test: ['CMD', ...command], Interval: nanoseconds(interval), Timeout: nanoseconds(timeout), Retries: retries, StartPeriod: nanoseconds(startPeriod) };
}

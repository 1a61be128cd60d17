import type { Duplex, Readable } from 'node:stream';

/**
 * The local container engine in the lab's words: the verbs that the lab needs and no more, so that a fake can stand in.
 * Every verb rejects with a LabFailure for what is expected to happen (engine gone, disk full, port taken, image unavailable);
 * verbs that remove or stop are content when there is nothing left to do.
 */
export interface Engine {
  readonly endpoint: Endpoint;
  info(): Promise<EngineInfo>;
  diskUse(): Promise<DiskUse>;

  /** `undefined` when there is no such image. */
  image(reference: string): Promise<ImageInfo | undefined>;
  images(labels: Labels): Promise<readonly ImageInfo[]>;
  pullImage(reference: string, options?: LongCall): Promise<void>;
  /** Makes an image of one layer from a tar of a root file system; returns its id. */
  importImage(reference: string, tar: Readable, options: LongCall & { readonly changes: readonly string[] }): Promise<string>;
  /** Builds from a tar that holds a Dockerfile. */
  buildImage(reference: string, context: Readable, options: LongCall & { readonly labels: Labels }): Promise<void>;
  /** Makes an image of a container's file system; returns its id. */
  commitImage(container: string, reference: string, changes: readonly string[]): Promise<string>;
  /** False when the image is still in use. */
  removeImage(reference: string): Promise<boolean>;

  networks(): Promise<readonly NetworkInfo[]>;
  createNetwork(spec: NetworkSpec): Promise<string>;
  removeNetwork(network: string): Promise<void>;
  volumes(labels: Labels): Promise<readonly VolumeInfo[]>;
  createVolume(spec: VolumeSpec): Promise<void>;
  removeVolume(name: string): Promise<void>;

  containers(labels: Labels): Promise<readonly ContainerSummary[]>;
  /** `undefined` when there is no such container. */
  container(id: string): Promise<ContainerInfo | undefined>;
  createContainer(spec: ContainerSpec): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** TERM, and KILL after `seconds`, or after the container's own `stopSeconds`. */
  stopContainer(id: string, seconds?: number): Promise<void>;
  killContainer(id: string, signal: string): Promise<void>;
  /** By force, with its anonymous volumes. */
  removeContainer(id: string): Promise<void>;
  /** Resolves with the exit code when it has ended. */
  waitContainer(id: string, signal?: AbortSignal): Promise<number>;
  /** Unpacks a tar below `path`; works before the first start too. */
  putArchive(id: string, path: string, tar: Readable | Buffer): Promise<void>;
  logs(id: string, options: LogOptions): Promise<LogStream>;
  exec(id: string, options: ExecOptions): Promise<ExecSession>;
  /** Calls back for each event; resolves once listening. The stream ends with the engine: `ended` says so. */
  events(labels: Labels, onEvent: (event: EngineEvent) => void): Promise<EventStream>;
}

export type Labels = Readonly<Record<string, string>>;

/** Where an engine listens. */
export interface Endpoint {
  /** How people know it: `DOCKER_HOST`, `context desktop-linux`, `Colima`. */
  readonly source: string;
  /** A socket or named pipe, or host and port. */
  readonly address: { readonly socket: string } | { readonly host: string; readonly port: number; readonly tls?: TlsFiles };
}

/** Folder-relative names are the docker CLI's: ca.pem, cert.pem, key.pem. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** For calls that take seconds: progress in words, and a way to end them. */
export interface LongCall {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((text: string) => void) | undefined;
}

export interface EngineInfo {
  /** `Docker Desktop`, `Debian GNU/Linux 12 (bookworm)` …: what the engine calls its system. */
  readonly system: string;
  readonly version: string;
  /** Highest API version that it speaks, e.g. `1.41`. */
  readonly apiVersion: string;
  /** As in image references: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly memory: number;
  readonly cpus: number;
  /** The engine's data folder, as the engine sees it. */
  readonly rootFolder: string;
  readonly rootless: boolean;
  readonly podman: boolean;
}

/** Bytes. */
export interface DiskUse {
  readonly layers: number;
}

export interface ImageInfo {
  readonly id: string;
  readonly references: readonly string[];
  readonly labels: Labels;
  readonly architecture: string;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly created: number;
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDir: string;
}

export interface NetworkInfo {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly subnets: readonly string[];
}

export interface NetworkSpec {
  readonly name: string;
  readonly labels: Labels;
  readonly subnet: string;
  /** The part of the subnet that containers get addresses from. */
  readonly ipRange: string;
  readonly gateway: string;
}

export interface VolumeInfo {
  readonly name: string;
  readonly labels: Labels;
}

export interface VolumeSpec {
  readonly name: string;
  readonly labels: Labels;
  /** Kept in memory, with this limit; else on the engine's disk. */
  readonly memory?: { readonly bytes: number; readonly mode: string };
}

/** A container port published on the host; always on 127.0.0.1. */
export interface PublishedPort {
  readonly container: number;
  readonly protocol: 'tcp' | 'udp';
  /** 0: any free one. */
  readonly host: number;
}

export interface Mount {
  readonly volume: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** A new volume starts with what the image has there, owner included. */
  readonly copy?: boolean;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly labels: Labels;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly workingDir?: string;
  readonly hostname?: string;
  readonly tty?: boolean;
  readonly openStdin?: boolean;
  /** A network with aliases, or another container whose network is joined. */
  readonly network: { readonly name: string; readonly aliases: readonly string[]; readonly ip?: string } | { readonly container: string } | 'none' | 'host';
  readonly publish?: readonly PublishedPort[];
  readonly extraHosts?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly mounts?: readonly Mount[];
  /** Size in bytes by path. */
  readonly tmpfs?: Readonly<Record<string, number>>;
  readonly readOnlyRoot?: boolean;
  readonly privileged?: boolean;
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
  readonly groups?: readonly string[];
  readonly memoryBytes: number;
  readonly pids: number;
  /** In CPUs; 0 for no limit. */
  readonly cpus?: number;
  readonly restart: 'no' | 'always' | 'on-failure';
  readonly stopSeconds?: number;
  /** Host folders (`host:container[:ro]`), where the user has agreed to them. */
  readonly binds?: readonly string[];
  /** Run by the engine in the container; seconds. */
  readonly health?: HealthCheck;
  /** Domains that names without enough dots are tried in. */
  readonly dnsSearch?: readonly string[];
  /** Shares the host's process or IPC namespace, where the user has agreed to it. */
  readonly hostNamespaces?: { readonly pid: boolean; readonly ipc: boolean };
}

/** A command that says by its exit code whether a container is well. */
export interface HealthCheck {
  readonly command: readonly string[];
  readonly interval: number;
  readonly timeout: number;
  readonly retries: number;
  readonly startPeriod: number;
}

/** Docker's own words for a container's life. */
export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface ContainerSummary {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly imageId: string;
  readonly labels: Labels;
  readonly state: ContainerState;
  /** `Exited (137) 2 minutes ago`. */
  readonly status: string;
  /** IP by network name. */
  readonly ips: Labels;
  readonly ports: readonly { readonly container: number; readonly host: number }[];
  readonly volumes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly created: number;
}

export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  readonly state: ContainerState;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  /** What the health check says; `none` without one. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly restart: ContainerSpec['restart'];
  readonly restarts: number;
  /** Milliseconds since the epoch; 0 for never. */
  readonly started: number;
  readonly ips: Labels;
  readonly ports: readonly { readonly container: number; readonly host: number }[];
  readonly pid: number;
}

export interface LogOptions {
  readonly tail: number;
  readonly follow: boolean;
  readonly timestamps?: boolean;
  /** Only what was written since, milliseconds since the epoch. */
  readonly since?: number;
}

/** Text of a container's output, standard output and error in one. */
export interface LogStream {
  readonly output: Readable;
  close(): void;
}

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly size?: { readonly columns: number; readonly rows: number };
}

/** A command that runs in a container. */
export interface ExecSession {
  /** Standard output and error in one. */
  readonly output: Readable;
  readonly input: Duplex;
  resize(columns: number, rows: number): Promise<void>;
  /** Resolves when the command has ended. */
  readonly exitCode: Promise<number>;
  close(): void;
}

export interface EngineEvent {
  readonly type: string;
  readonly action: string;
  readonly id: string;
  readonly labels: Labels;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export interface EventStream {
  /** Settles when the engine has ended the stream, or {@link close} was called. */
  readonly ended: Promise<void>;
  close(): void;
}

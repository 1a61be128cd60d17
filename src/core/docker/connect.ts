import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { LabFailure } from '../../contract/index.ts';
import { createOptions } from './create-options.ts';
import type { ContainerInfo, ContainerSummary, Endpoint, Engine, EngineInfo, ImageInfo, Labels, LongCall, NetworkInfo } from './engine.ts';
import { engineFailure, statusOf } from './failures.ts';
import { containerInfo, containerSummary, imageInfo, labelFilter, networkInfo } from './shapes.ts';
import { lines, openEvents, openExec, openLogs } from './streams.ts';

/** The lowest API version that has all verbs: Docker 20.10. */
export const minimumApi = '1.40';

/**
 * Connects to the engine at this endpoint. Nothing is sent before the first verb is called; the environment is not read.
 * dockerode is loaded here and not earlier, because it takes a noticeable part of the CLI's start.
 */
export async function connectEngine(endpoint: Endpoint): Promise<Engine> {
  const { default: Client } = await import('dockerode');
  return engineOver(new Client(clientOptions(endpoint)), endpoint);
}

/** All fields are said, because docker-modem fills in from DOCKER_HOST what is not. */
function clientOptions({ address }: Endpoint): Docker.DockerOptions {
  const none = { host: undefined, port: undefined, socketPath: undefined, ca: undefined, cert: undefined, key: undefined, username: undefined, pathPrefix: undefined };
  if ('socket' in address) return { ...none, protocol: 'http', socketPath: address.socket } as unknown as Docker.DockerOptions;
  const { host, port, tls } = address;
  if (tls === undefined) return { ...none, protocol: 'http', host, port } as unknown as Docker.DockerOptions;
  const files = { ca: readFileSync(tls.ca), cert: readFileSync(tls.cert), key: readFileSync(tls.key) };
  return { ...none, protocol: 'https', host, port, ...files } as unknown as Docker.DockerOptions;
}

/** The verbs over dockerode. */
function engineOver(docker: Docker, endpoint: Endpoint): Engine {
  return {
    endpoint,
    info: () => attempt('ask what it is', () => info(docker)),
    diskUse: () => attempt('measure disk use', async () => ({ layers: Number(((await docker.df()) as { LayersSize?: number }).LayersSize ?? 0) })),
    ...imageVerbs(docker),
    ...networkVerbs(docker),
    ...containerVerbs(docker),
    putArchive: (id, path, tar) => attempt('copy files', async () => { await docker.getContainer(id).putArchive(tar, { path }); }),
    logs: (id, options) => attempt('read the log', () => openLogs(docker, id, options)),
    exec: (id, options) => attempt('run a command', () => openExec(docker, id, options)),
    events: (labels, onEvent) => attempt('watch events', () => openEvents(docker, labels, onEvent)),
  };
}

type ImageVerbs = Pick<Engine, 'image' | 'images' | 'pullImage' | 'importImage' | 'buildImage' | 'commitImage' | 'removeImage'>;

function imageVerbs(docker: Docker): ImageVerbs {
  return {
    image: (reference) => attempt('look at an image', () => orUndefined<ImageInfo>(async () => imageInfo(await docker.getImage(reference).inspect()))),
    images: (labels) => attempt('list images', () => listImages(docker, labels)),
    pullImage: (reference, options = {}) => attempt(`pull image ${reference}`, async () => {
      await follow(await docker.pull(reference, { ...(options.signal === undefined ? {} : { abortSignal: options.signal }) }), options);
    }),
    importImage: (reference, tar, options) => attempt('import the base image', async () => {
      const [repo, tag] = splitReference(reference);
      const answer = await docker.importImage(tar, { fromSrc: '-', repo, tag, changes: options.changes });
      const last = await follow(answer, options);
      return last.status ?? reference;
    }),
    buildImage: (reference, context, options) => attempt(`build image ${reference}`, async () => {
      const answer = await docker.buildImage(context, { t: reference, labels: options.labels, forcerm: true, ...(options.signal === undefined ? {} : { abortSignal: options.signal }) });
      await follow(answer, options);
    }),
    commitImage: (container, reference, changes) => attempt('store the runtime image', async () => {
      const [repo, tag] = splitReference(reference);
      const { Id } = (await docker.getContainer(container).commit({ repo, tag, changes: changes.join('\n'), pause: false })) as { Id: string };
      return Id;
    }),
    removeImage: (reference) => attempt('remove an image', async () => {
      try { await docker.getImage(reference).remove(); return true; } catch (error) {
        if (statusOf(error) === 404) return true;
        if (statusOf(error) === 409) return false;
        throw error;
      }
    }),
  };
}

type NetworkVerbs = Pick<Engine, 'networks' | 'createNetwork' | 'removeNetwork' | 'volumes' | 'createVolume' | 'removeVolume'>;

function networkVerbs(docker: Docker): NetworkVerbs {
  return {
    networks: () => attempt('list networks', async () => (await docker.listNetworks()).map<NetworkInfo>(networkInfo)),
    createNetwork: (spec) => attempt('make a network', async () => {
      const ipam = { Driver: 'default', Config: [{ Subnet: spec.subnet, IPRange: spec.ipRange, Gateway: spec.gateway }] };
      return (await docker.createNetwork({ Name: spec.name, Driver: 'bridge', CheckDuplicate: true, EnableIPv6: false, Labels: { ...spec.labels }, IPAM: ipam })).id;
    }),
    removeNetwork: (network) => attempt('remove a network', () => unlessGone(() => docker.getNetwork(network).remove())),
    volumes: (labels) => attempt('list volumes', async () => {
      const { Volumes } = await docker.listVolumes({ filters: { label: labelFilter(labels) } });
      return (Volumes ?? []).map(({ Name, Labels }) => ({ name: Name, labels: Labels ?? {} }));
    }),
    createVolume: (spec) => attempt('make a volume', async () => {
      const memory = spec.memory === undefined ? {} : { DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: `size=${spec.memory.bytes},mode=${spec.memory.mode}` } };
      await docker.createVolume({ Name: spec.name, Labels: { ...spec.labels }, ...memory });
    }),
    removeVolume: (name) => attempt('remove a volume', () => unlessGone(() => docker.getVolume(name).remove())),
  };
}

type ContainerVerbs = Pick<Engine, 'containers' | 'container' | 'createContainer' | 'startContainer' | 'stopContainer' | 'killContainer' | 'removeContainer' | 'waitContainer'>;

function containerVerbs(docker: Docker): ContainerVerbs {
  return {
    containers: (labels) => attempt('list containers', async () => (await docker.listContainers({ all: true, filters: { label: labelFilter(labels) } })).map<ContainerSummary>(containerSummary)),
    container: (id) => attempt('look at a container', () => orUndefined<ContainerInfo>(async () => containerInfo(await docker.getContainer(id).inspect()))),
    createContainer: (spec) => attempt(`create a container of image ${spec.image}`, async () => (await docker.createContainer(createOptions(spec))).id),
    startContainer: (id) => attempt('start a container', () => unless(304, () => docker.getContainer(id).start())),
    stopContainer: (id, seconds) => attempt('stop a container', () => unless(304, () => unlessGone(() => docker.getContainer(id).stop(seconds === undefined ? {} : { t: seconds })))),
    killContainer: (id, signal) => attempt('signal a container', () => unless(409, () => unlessGone(() => docker.getContainer(id).kill({ signal })))),
    removeContainer: (id) => attempt('remove a container', () => unless(409, () => unlessGone(() => docker.getContainer(id).remove({ force: true, v: true })))),
    waitContainer: (id, signal) => attempt('wait for a container', async () => {
      const { StatusCode } = (await docker.getContainer(id).wait(signal === undefined ? {} : { abortSignal: signal })) as { StatusCode: number };
      return StatusCode;
    }),
  };
}

async function info(docker: Docker): Promise<EngineInfo> {
  const [version, system] = (await Promise.all([docker.version(), docker.info()])) as [Docker.DockerVersion & { Components?: { Name: string }[] }, Record<string, unknown>];
  const security = Array.isArray(system['SecurityOptions']) ? system['SecurityOptions'].map(String) : [];
  return {
    system: String(system['OperatingSystem'] ?? ''), version: version.Version, apiVersion: version.ApiVersion,
    architecture: architecture(String(system['Architecture'] ?? version.Arch)),
    memory: Number(system['MemTotal'] ?? 0), cpus: Number(system['NCPU'] ?? 0), rootFolder: String(system['DockerRootDir'] ?? ''),
    rootless: security.some((option) => option.includes('name=rootless')),
    podman: version.Components?.some(({ Name }) => Name.includes('Podman')) === true,
  };
}

async function listImages(docker: Docker, labels: Labels): Promise<readonly ImageInfo[]> {
  const found = await docker.listImages({ filters: { label: labelFilter(labels) } });
  return found.map((image) => ({
    id: image.Id, references: (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'), labels: image.Labels ?? {}, architecture: '',
    size: image.Size, created: image.Created * 1000, user: '', entrypoint: [], command: [], workingDir: '',
  }));
}

/** The engine's words for processors are uname's or Go's. */
function architecture(name: string): string {
  return ({ x86_64: 'amd64', aarch64: 'arm64' } as Readonly<Record<string, string>>)[name] ?? name;
}

function splitReference(reference: string): [string, string] {
  const at = reference.lastIndexOf(':');
  return at > reference.lastIndexOf('/') ? [reference.slice(0, at), reference.slice(at + 1)] : [reference, 'latest'];
}

interface ProgressLine { readonly status?: string; readonly stream?: string; readonly progress?: string; readonly error?: string }

/** Reads an answer of JSON lines to its end; an `error` line is the failure. Resolves with the last line. */
async function follow(stream: NodeJS.ReadableStream, { onProgress, signal }: LongCall): Promise<ProgressLine> {
  const source = stream as Readable;
  const abort = (): void => { source.destroy(new LabFailure('cancelled', 'Cancelled.')); };
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  let last: ProgressLine = {};
  try {
    for await (const text of lines(source)) {
      last = JSON.parse(text) as ProgressLine;
      if (last.error !== undefined) throw new Error(last.error);
      const progress = (last.stream ?? [last.status, last.progress].filter((part) => part !== undefined).join(' ')).trim();
      if (progress !== '') onProgress?.(progress);
    }
    return last;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

async function attempt<Result>(task: string, run: () => Promise<Result>): Promise<Result> {
  try { return await run(); } catch (error) { throw engineFailure(error, task); }
}

async function orUndefined<Result>(run: () => Promise<Result>): Promise<Result | undefined> {
  try { return await run(); } catch (error) { if (statusOf(error) === 404) return undefined; throw error; }
}

/** The engine's refusals that mean: there is nothing to do. */
async function unless(status: number, run: () => Promise<unknown>): Promise<void> {
  try { await run(); } catch (error) { if (statusOf(error) !== status) throw error; }
}

function unlessGone(run: () => Promise<unknown>): Promise<void> {
  return unless(404, run);
}

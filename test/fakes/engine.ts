import { PassThrough, type Readable } from 'node:stream';
import { LabFailure } from '../../src/contract/index.ts';
import type { ContainerInfo, ContainerSpec, ContainerSummary, Engine, EngineEvent, EngineInfo, ImageInfo, Labels, NetworkInfo, VolumeInfo } from '../../src/core/docker/index.ts';

/** A container of the fake engine, open to the test. */
export interface FakeContainer {
  readonly id: string;
  readonly spec: ContainerSpec;
  state: ContainerInfo['state'];
  exitCode: number;
  started: number;
  readonly files: string[];
}

/** An engine in memory, behind the real interface: what was made is to be looked at, and any verb can be made to fail. */
export interface FakeEngine extends Engine {
  readonly all: Map<string, FakeContainer>;
  readonly nets: NetworkInfo[];
  readonly vols: VolumeInfo[];
  readonly imgs: ImageInfo[];
  readonly calls: string[];
  /** The next call of this verb rejects with it. */
  fail(verb: keyof Engine, error: Error, times?: number): void;
  emit(event: Partial<EngineEvent>): void;
  /** Ends all event streams, as an engine that goes away does. */
  drop(): void;
  /** What a container prints. */
  print: (container: FakeContainer) => string;
  /** The exit code of a container that is waited for. */
  exit: (container: FakeContainer) => number;
}

const info: EngineInfo = { system: 'Fake', version: '28.0.0', apiVersion: '1.48', architecture: 'amd64', memory: 8 * 2 ** 30, cpus: 4, rootFolder: '/var/lib/docker', rootless: false, podman: false };

/** An engine with nothing on it. */
export function fakeEngine(overrides: Partial<EngineInfo> = {}): FakeEngine {
  const all = new Map<string, FakeContainer>();
  const nets: NetworkInfo[] = [{ id: 'bridge', name: 'bridge', labels: {}, subnets: ['172.17.0.0/16'] }];
  const vols: VolumeInfo[] = [];
  const imgs: ImageInfo[] = [];
  const calls: string[] = [];
  const failures = new Map<string, Error[]>();
  const listeners = new Map<(event: EngineEvent) => void, () => void>();
  let clock = Date.now();
  let hostPort = 32_768;
  const ports = new Map<string, ContainerInfo['ports']>();

  const has = (labels: Labels, wanted: Labels): boolean => Object.entries(wanted).every(([name, value]) => (value === '' ? labels[name] !== undefined : labels[name] === value));
  const find = (id: string): FakeContainer => {
    const found = all.get(id) ?? [...all.values()].find(({ spec }) => spec.name === id);
    if (found === undefined) throw new LabFailure('internal', `No such container: ${id}`);
    return found;
  };
  const verb = (name: keyof Engine): void => {
    calls.push(name);
    const failure = failures.get(name)?.shift();
    if (failure !== undefined) throw failure;
  };
  const ipsOf = ({ spec }: FakeContainer): Labels => (typeof spec.network === 'object' && 'name' in spec.network ? { [spec.network.name]: spec.network.ip ?? '10.0.0.9' } : {});
  const summary = (container: FakeContainer): ContainerSummary => ({
    id: container.id, name: container.spec.name, image: container.spec.image, imageId: container.spec.image, labels: container.spec.labels, state: container.state, status: container.state,
    ips: ipsOf(container), ports: ports.get(container.id) ?? [], volumes: [], created: container.started,
  });
  const engine: FakeEngine = {
    all, nets, vols, imgs, calls, endpoint: { source: 'test', address: { socket: '/fake.sock' } },
    fail(name, error, times = 1) { failures.set(name, [...failures.get(name) ?? [], ...Array.from({ length: times }, () => error)]); },
    emit(event) { for (const listener of [...listeners.keys()]) listener({ type: 'container', action: '', id: '', labels: {}, time: clock, ...event }); },
    drop() { for (const end of [...listeners.values()]) end(); listeners.clear(); },
    print: () => 'weft: the sandbox is ready\n',
    exit: () => 0,
    async info() { verb('info'); return { ...info, ...overrides }; },
    async diskUse() { verb('diskUse'); return { layers: 0 }; },
    async image(reference) { verb('image'); return imgs.find(({ id, references }) => id === reference || references.includes(reference)); },
    async images(labels) { verb('images'); return imgs.filter((image) => has(image.labels, labels)); },
    async pullImage(reference) { verb('pullImage'); imgs.push(fakeImage(reference)); },
    async importImage(reference, tar, { changes }) {
      verb('importImage');
      for await (const chunk of tar) void chunk;
      const labels = Object.fromEntries(changes.filter((change) => change.startsWith('LABEL ')).map((change) => change.slice(6).split('=') as [string, string]));
      imgs.push(fakeImage(reference, labels));
      return reference;
    },
    async buildImage(reference, context, { labels }) { verb('buildImage'); for await (const chunk of context) void chunk; imgs.push(fakeImage(reference, labels)); },
    async commitImage(_container, reference, changes) {
      verb('commitImage');
      const labels = Object.fromEntries(changes.filter((change) => change.startsWith('LABEL ')).map((change) => change.slice(6).split('=') as [string, string]));
      imgs.push(fakeImage(reference, labels));
      return reference;
    },
    async removeImage(reference) {
      verb('removeImage');
      const index = imgs.findIndex(({ id, references }) => id === reference || references.includes(reference));
      if (index >= 0) imgs.splice(index, 1);
      return true;
    },
    async networks() { verb('networks'); return [...nets]; },
    async createNetwork(spec) { verb('createNetwork'); nets.push({ id: spec.name, name: spec.name, labels: spec.labels, subnets: [spec.subnet] }); return spec.name; },
    async removeNetwork(id) { verb('removeNetwork'); const index = nets.findIndex((net) => net.id === id); if (index >= 0) nets.splice(index, 1); },
    async volumes(labels) { verb('volumes'); return vols.filter((volume) => has(volume.labels, labels)); },
    async createVolume(spec) { verb('createVolume'); vols.push({ name: spec.name, labels: spec.labels }); },
    async removeVolume(name) { verb('removeVolume'); const index = vols.findIndex((volume) => volume.name === name); if (index >= 0) vols.splice(index, 1); },
    async containers(labels) { verb('containers'); return [...all.values()].filter(({ spec }) => has(spec.labels, labels)).map(summary); },
    async container(id) {
      verb('container');
      const found = all.get(id);
      if (found === undefined) return undefined;
      return { ...summary(found), exitCode: found.exitCode, oomKilled: false, error: '', health: 'none', restart: found.spec.restart, restarts: 0, started: found.started, pid: 1 };
    },
    async createContainer(spec) {
      verb('createContainer');
      if ([...all.values()].some((other) => other.spec.name === spec.name)) throw new LabFailure('internal', `The container name ${spec.name} is already in use.`);
      const id = `c${all.size + 1}-${spec.name}`;
      all.set(id, { id, spec, state: 'created', exitCode: 0, started: 0, files: [] });
      return id;
    },
    async startContainer(id) {
      verb('startContainer');
      const found = find(id);
      found.state = 'running';
      found.started = ++clock;
      ports.set(found.id, (found.spec.publish ?? []).map(({ container, host }) => ({ container, host: host === 0 ? hostPort++ : host })));
    },
    async stopContainer(id) { verb('stopContainer'); const found = all.get(id); if (found !== undefined) { found.state = 'exited'; found.exitCode = 143; } },
    async killContainer(id) { verb('killContainer'); const found = all.get(id); if (found !== undefined) { found.state = 'exited'; found.exitCode = 137; } },
    async removeContainer(id) { verb('removeContainer'); all.delete(id); },
    async waitContainer(id) { verb('waitContainer'); const found = find(id); found.exitCode = engine.exit(found); found.state = 'exited'; return found.exitCode; },
    async putArchive(id, path, tar) { verb('putArchive'); if (!Buffer.isBuffer(tar)) for await (const chunk of tar as Readable) void chunk; find(id).files.push(path); },
    async logs(id) { verb('logs'); const output = new PassThrough(); output.end(engine.print(find(id))); return { output, close: () => { output.destroy(); } }; },
    async exec() {
      verb('exec');
      const output = new PassThrough();
      return { output, input: new PassThrough(), resize: async () => undefined, exitCode: Promise.resolve(0), close: () => { output.destroy(); } };
    },
    async events(_labels, onEvent) {
      verb('events');
      let end: () => void = () => undefined;
      const ended = new Promise<void>((resolve) => { end = resolve; });
      listeners.set(onEvent, end);
      return { ended, close: () => { listeners.delete(onEvent); end(); } };
    },
  };
  return engine;
}

/** An image that is there. */
export function fakeImage(reference: string, labels: Labels = {}): ImageInfo {
  return { id: `sha256:${reference}`, references: [reference], labels, architecture: 'amd64', size: 1, created: 0, user: '', entrypoint: [], command: [], workingDir: '' };
}

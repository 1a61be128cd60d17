import { LabFailure, type Lab, type LabStatus, type LoadStatus } from '../../contract/index.ts';
import { connectControl, type ControlClient } from '../control/connect.ts';
import type { Sample, Tutorial, TutorialState } from '../../contract/index.ts';
import type { Backend, ContainerStream, Work } from './backend.ts';
import { explainCall } from './explain.ts';
import { createHub, type Hub } from './hub.ts';
import { apply, examine, get, remove, throwIn, type Reconcile } from './manifests.ts';
import { createOperations, type Operations } from './operations.ts';
import { createSession, type Session } from './session.ts';
import { createStreams, type Streams } from './streams.ts';
import { runUp, upSteps } from './up.ts';

/** What starts and ends with core. */
export interface Core extends Lab {
  /** Ends connections, streams and operations; labs go on. Not `close`: that one ends a stream. */
  stop(): Promise<void>;
}

/** The traffic generator, for one lab. */
export interface LoadGenerator {
  status(): LoadStatus;
  stop(): void;
}

export interface CoreOptions {
  readonly backend: Backend;
  readonly samples: () => Promise<readonly Sample[]>;
  readonly load: (url: string, request: Parameters<Lab['load']>[0], changed: (status: ReturnType<LoadGenerator['status']>) => void) => LoadGenerator;
  /** Made with the finished API, since tutorials do things for the learner; `emit` tells who watches. */
  readonly tutorials: (lab: Lab, emit: (state: TutorialState) => void) => TutorialRunner;
}

/** Tutorials as the API offers them. */
export interface TutorialRunner {
  list(): Promise<readonly Tutorial[]>;
  state: Lab['tutorial'];
  start: Lab['tutorialStart'];
  doIt: Lab['tutorialDo'];
  close(): void;
}

interface Parts extends CoreOptions {
  readonly hub: Hub;
  readonly operations: Operations;
  readonly streams: Streams;
  readonly sessions: Sessions;
}

/** Sessions by lab, made when first asked for. */
interface Sessions {
  get(lab: string): Promise<Session>;
  drop(lab: string): void;
  closeAll(): void;
}

/** The whole lab without a window: LabApi and its events over one backend. */
export function createCore(options: CoreOptions): Core {
  const hub = createHub();
  const parts: Parts = { ...options, hub, operations: createOperations(hub), streams: createStreams(hub), sessions: createSessions(options.backend, hub) };
  let tutorials: TutorialRunner | undefined;
  const lab: Lab = {
    ...lifecycle(parts), ...manifests(parts), ...observation(parts), ...containers(parts),
    tutorials: async () => await runner().list(),
    tutorial: (request) => runner().state(request),
    tutorialStart: (request) => runner().start(request),
    tutorialDo: (request) => runner().doIt(request),
    on: hub.on,
  };
  const runner = (): TutorialRunner => {
    tutorials ??= options.tutorials({ ...lab, on: hub.on }, (state) => { hub.emit('tutorial', state); });
    return tutorials;
  };
  return {
    ...lab,
    async stop() {
      tutorials?.close();
      await parts.operations.close();
      parts.streams.closeAll();
      parts.sessions.closeAll();
    },
  };
}

function createSessions(backend: Backend, hub: Hub): Sessions {
  const all = new Map<string, Promise<Session>>();
  const open = async (lab: string): Promise<Session> => {
    const address = await backend.control(lab);
    if (address === undefined) throw new LabFailure('lab-not-found', `There is no lab named ${lab}.`, { help: 'weft status lists what runs; weft up starts one.' });
    const control: ControlClient = await connectControl(async () => await backend.control(lab) ?? address);
    return await createSession(lab, control, { list: () => backend.pods(lab), ingress: () => backend.ingress(lab), watch: (changed) => backend.watch(lab, changed, control), images: await backend.images(lab) }, hub);
  };
  const drop = (lab: string): void => {
    const session = all.get(lab);
    all.delete(lab);
    session?.then((opened) => { opened.close(); }, () => undefined);
  };
  return {
    get(lab) {
      const known = all.get(lab);
      if (known !== undefined) return known;
      const opening = open(lab);
      all.set(lab, opening);
      opening.catch(() => { all.delete(lab); });
      return opening;
    },
    drop,
    closeAll() { for (const lab of [...all.keys()]) drop(lab); },
  };
}

function lifecycle({ backend, hub, operations, sessions, samples }: Parts): Pick<Lab, 'preflight' | 'samples' | 'labs' | 'up' | 'down' | 'operation' | 'cancel' | 'status'> {
  const tellLabs = async (): Promise<void> => { hub.emit('labs', await backend.labs()); };
  return {
    preflight: () => backend.preflight(),
    samples: () => samples(),
    labs: () => backend.labs(),
    up: async (request) => operations.start(request.lab, `Start ${request.lab}`, upSteps, async (progress) => {
      sessions.drop(request.lab);
      try {
        await runUp(backend, request, progress, async (name) => (await sessions.get(name)).control);
      } catch (error) {
        if (!(error instanceof LabFailure && error.code === 'lab-exists')) sessions.drop(request.lab);
        throw error;
      } finally {
        await tellLabs().catch(() => undefined);
      }
    }),
    down: async ({ lab }) => operations.start(lab, `Remove ${lab}`, [{ id: 'remove', title: 'Remove containers, networks and volumes' }], async (progress) => {
      sessions.drop(lab);
      await progress.step('remove', () => backend.remove(lab));
      await tellLabs();
    }),
    operation: async ({ id }) => operations.get(id),
    cancel: ({ id }) => operations.cancel(id),
    status: async ({ lab }): Promise<LabStatus> => await (await sessions.get(lab)).status(),
  };
}

function manifests({ backend, sessions }: Parts): Pick<Lab, 'files' | 'apply' | 'delete' | 'get' | 'analyze' | 'explain' | 'switch'> {
  const never = new AbortController().signal;
  const reconcile = (session: Session, consent: readonly string[] = []): Reconcile => (resources) => backend.reconcile(session.lab, resources, session.control, { signal: never, detail: () => undefined } satisfies Work, consent);
  return {
    files: async ({ lab }) => await (await sessions.get(lab)).files(),
    async apply({ lab, files, dryRun = false, consent = [] }) {
      const session = await sessions.get(lab);
      return await apply(session, files, { dryRun, consent, reconcile: reconcile(session, consent) });
    },
    async delete({ lab, files }) {
      const session = await sessions.get(lab);
      return await remove(session, files, { reconcile: reconcile(session) });
    },
    get: async ({ lab, ...query }) => await get(await sessions.get(lab), query),
    async analyze({ lab, files }) {
      if (files !== undefined) return examine(files).diagnostics;
      if (lab === undefined) throw new LabFailure('usage', 'Name a lab or give files.');
      return examine(await (await sessions.get(lab)).files()).diagnostics;
    },
    async explain({ lab, files, call }) {
      if (files !== undefined) return await explainCall(files, call, undefined);
      if (lab === undefined) throw new LabFailure('usage', 'Name a lab or give files.');
      const { control } = await sessions.get(lab);
      const [held, pods, virtualIps, keySets] = await Promise.all([control.files(), control.pods(), control.virtualIps(), control.keySets()]);
      return await explainCall(held, call, { pods, virtualIps, keySets });
    },
    async switch({ lab, action, dryRun = false }) {
      const session = await sessions.get(lab);
      return await throwIn(session, action, { dryRun, reconcile: reconcile(session) });
    },
  };
}

function observation({ sessions, hub, load }: Parts): Pick<Lab, 'proxyConfig' | 'records' | 'trace' | 'graph' | 'upstreams' | 'metrics' | 'load' | 'stopLoad' | 'watch' | 'unwatch'> {
  return {
    proxyConfig: async ({ lab, proxy, section }) => await (await sessions.get(lab)).control.proxyConfig(proxy, section),
    records: async ({ lab, ...query }) => await (await sessions.get(lab)).control.records(query),
    async trace({ lab, id = '' }) {
      const trace = await (await sessions.get(lab)).control.trace(id);
      if (trace !== null) return trace;
      throw new LabFailure('not-found', id === '' ? 'No request was traced yet.' : `No trace or request ${id} is remembered.`, { help: id === '' ? 'Send some traffic: weft load' : 'The lab remembers the newest 20,000 reports. weft traffic lists requests with their traces.' });
    },
    graph: async ({ lab }) => (await sessions.get(lab)).traffic.graph(),
    upstreams: async ({ lab }) => await (await sessions.get(lab)).control.upstreams(),
    metrics: async ({ lab }) => await (await sessions.get(lab)).control.metricsText(),
    async load(request) {
      const session = await sessions.get(request.lab);
      session.load?.stop();
      const url = await loadUrl(session, request.url);
      session.load = load(url, request, (status) => { hub.emit('load', { lab: request.lab, load: status }); });
      return session.load.status();
    },
    async stopLoad({ lab }) {
      const session = await sessions.get(lab);
      session.load?.stop();
      return session.load?.status() ?? { running: false, rps: 0, url: '', sent: 0, ok: 0, failed: 0, p50: 0, p99: 0, byStatus: {} };
    },
    watch: async ({ lab }) => { (await sessions.get(lab)).watch(); },
    unwatch: async ({ lab }) => { (await sessions.get(lab)).unwatch(); },
  };
}

/** Where load goes: a path on the ingress, by the routes where none is said, or a URL of this machine. */
async function loadUrl(session: Session, url: string | undefined): Promise<string> {
  if (url !== undefined && /^https?:\/\//.test(url)) {
    const { hostname } = new URL(url);
    if (hostname !== '127.0.0.1' && hostname !== 'localhost' && hostname !== '[::1]') throw new LabFailure('usage', `Load goes to this machine only, not to ${hostname}.`, { help: 'Name a path on the ingress, such as /productpage.' });
    return url;
  }
  const { ingressUrl, ingressPath } = await session.status();
  if (ingressUrl === '') throw new LabFailure('usage', 'No Gateway opens an HTTP port, so there is no ingress to send traffic to.', { help: 'Apply a Gateway, or name a full URL on 127.0.0.1.' });
  return new URL(url ?? ingressPath, ingressUrl).href;
}

function containers({ backend, sessions, streams }: Parts): Pick<Lab, 'logs' | 'exec' | 'write' | 'resize' | 'close' | 'restart'> {
  const opened = async (stream: Promise<ContainerStream>): Promise<string> => streams.open(await stream);
  return {
    logs: ({ lab, pod, container, tail, follow = false }) => opened(backend.logs(lab, pod, container, { follow, ...(tail === undefined ? {} : { tail }) })),
    exec: ({ lab, pod, container, command, tty, columns, rows }) => opened(backend.exec(lab, pod, container, { command, tty, ...(columns === undefined ? {} : { columns }), ...(rows === undefined ? {} : { rows }) })),
    write: async ({ stream, data }) => { streams.write(stream, data); },
    resize: ({ stream, columns, rows }) => streams.resize(stream, columns, rows),
    close: async ({ stream }) => { streams.close(stream); },
    restart: async ({ lab, pod }) => { await backend.restartPod(lab, pod, (await sessions.get(lab)).control); },
  };
}

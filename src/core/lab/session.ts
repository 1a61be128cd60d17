import { LabFailure, type ControlStatus, type LabPhase, type LabStatus, type LoadStatus, type PodStatus } from '../../contract/index.ts';
import { ingressGateways } from '../../compile/index.ts';
import { ofKind, parseManifests, readingOnce, type ParsedManifests, type Resource, type SourceFile } from '../../manifest/index.ts';
import { suggestedPath } from '../load/index.ts';
import type { ControlClient } from '../control/connect.ts';
import { currentSwitches } from '../switches/index.ts';
import { createTraffic, type Traffic } from '../traffic/index.ts';
import type { Hub } from './hub.ts';
import { servicesOf } from './services.ts';

/** What a session asks of the engine about its own lab. */
export interface SessionPods {
  list(): Promise<readonly PodStatus[]>;
  ingress(): Promise<LabStatus['ingress']>;
  /** Calls back when a container of the lab changes; the promise is for the stop. */
  watch(changed: () => void): Promise<() => void>;
  readonly images: LabStatus['images'];
}

/** One lab that core is connected to: what is known of it, and who watches. */
export interface Session {
  readonly lab: string;
  readonly control: ControlClient;
  readonly traffic: Traffic;
  files(): Promise<readonly SourceFile[]>;
  /** What files hold; a file that was read before is not read again. */
  read(files: readonly SourceFile[]): ParsedManifests;
  resources(): Promise<readonly Resource[]>;
  /** The whole state, read anew. */
  status(): Promise<LabStatus>;
  /** Something changed: listeners are told once things have settled. */
  changed(): void;
  watch(): void;
  unwatch(): void;
  load: { status(): LoadStatus; stop(): void } | undefined;
  close(): void;
}

const settle = 60;
const graphPeriod = 1000;
/** How long what the engine said is believed without an event, in milliseconds. */
const trustFor = 2000;

/** Connects events of the control plane and the engine to the hub; nothing is sent while nobody watches. */
export async function createSession(lab: string, control: ControlClient, pods: SessionPods, hub: Hub): Promise<Session> {
  const traffic = createTraffic({ now: () => Date.now() });
  let watchers = 0;
  let pending: NodeJS.Timeout | undefined;
  let graphTimer: NodeJS.Timeout | undefined;
  let closed = false;

  const parse = readingOnce(parseManifests);
  // The engine is asked again only when it has said that something changed, or when that may have been missed.
  let known: { readonly at: number; readonly state: Promise<[readonly PodStatus[], LabStatus['ingress']]> } | undefined;
  const engineState = (): Promise<[readonly PodStatus[], LabStatus['ingress']]> => {
    if (known !== undefined && Date.now() - known.at < trustFor) return known.state;
    const asked = { at: Date.now(), state: Promise.all([pods.list(), pods.ingress()]) };
    known = asked;
    asked.state.catch(() => { if (known === asked) known = undefined; });
    return asked.state;
  };

  // Manifests are read again only when the control plane has a new version.
  let read: { readonly version: string; readonly written: Written } | undefined;
  const writtenAt = async (version: string | undefined): Promise<Written> => {
    if (version === undefined || read?.version === version) return read?.written ?? nothing;
    const files = await control.files();
    const written = readWritten(files, parse(files).resources);
    read = { version, written };
    return written;
  };

  const session: Session = {
    lab, control, traffic, load: undefined,
    files: () => control.files(),
    read: parse,
    resources: async () => parse(await control.files()).resources,
    async status() {
      const [state, [list, ingress]] = await Promise.all([controlStatus(control), engineState()]);
      const status = labStatus({ lab, state, pods: list, ingress, written: await writtenAt(state?.version), images: pods.images });
      traffic.setPods(status.pods);
      return status;
    },
    changed() {
      if (pending !== undefined || watchers === 0 || closed) return;
      pending = setTimeout(() => {
        pending = undefined;
        session.status().then((status) => { if (!closed) hub.emit('status', status); }, (error: unknown) => { if (!closed && !(error instanceof LabFailure)) throw error; });
      }, settle);
    },
    watch() {
      watchers += 1;
      session.changed();
      graphTimer ??= setInterval(() => { hub.emit('graph', { lab, graph: traffic.graph() }); }, graphPeriod);
    },
    unwatch() {
      watchers = Math.max(0, watchers - 1);
      if (watchers > 0) return;
      clearInterval(graphTimer);
      graphTimer = undefined;
    },
    close() {
      closed = true;
      clearTimeout(pending);
      clearInterval(graphTimer);
      session.load?.stop();
      for (const stop of stops) stop();
      control.close();
    },
  };
  const stops = [
    control.on('records', (records) => {
      traffic.addRecords(records);
      if (watchers > 0) hub.emit('records', { lab, records });
    }),
    control.on('metrics', (deltas) => { traffic.addMetrics(deltas); }),
    control.on('upstreams', (upstreams) => { if (watchers > 0) hub.emit('upstreams', { lab, upstreams }); }),
    control.on('status', () => { session.changed(); }),
    control.onState(() => { session.changed(); }),
    await pods.watch(() => {
      known = undefined;
      session.changed();
    }),
  ];
  await control.subscribe();
  return session;
}

/** Without a control plane the last known is better than nothing: pods still run on their last config. */
async function controlStatus(control: ControlClient): Promise<ControlStatus | undefined> {
  try {
    return await control.status();
  } catch (error) {
    if (error instanceof LabFailure && error.code === 'control-plane-gone') return undefined;
    throw error;
  }
}

/** What the manifests say, as far as a status tells it. */
interface Written {
  readonly resources: readonly Resource[];
  readonly switches: LabStatus['switches'];
  /** Servers of all Gateways. */
  readonly servers: readonly { readonly port: number; readonly protocol: string }[];
}

const nothing: Written = { resources: [], switches: { faults: [], weights: [], mtls: {} }, servers: [] };

function readWritten(files: readonly SourceFile[], resources: readonly Resource[]): Written {
  const servers = [...ofKind(resources, 'Gateway'), ...ingressGateways(resources, 'istio-system')].flatMap(({ spec }) => spec.servers).flatMap(({ port }) => (port === undefined ? [] : [{ port: port.number, protocol: port.protocol.toUpperCase() }]));
  const listeners = ofKind(resources, 'KubernetesGateway').flatMap(({ spec }) => spec.listeners.map(({ port, protocol }) => ({ port, protocol })));
  return { resources, servers: [...servers, ...listeners], switches: currentSwitches(files) };
}

interface Known {
  readonly lab: string;
  readonly state: ControlStatus | undefined;
  readonly pods: readonly PodStatus[];
  readonly ingress: LabStatus['ingress'];
  readonly written: Written;
  readonly images: LabStatus['images'];
}

function labStatus({ lab, state, pods: listed, ingress, written, images }: Known): LabStatus {
  const pods = listed.map((pod): PodStatus => {
    const key = `${pod.namespace}/${pod.name}`;
    const reported = state?.readiness[key];
    const containers = pod.containers.map((container) => ({ ...container, restarts: container.restarts + (state?.restarts[`${key}/${container.name}`] ?? 0) }));
    if (reported === undefined) return { ...pod, containers };
    return { ...pod, containers, ready: pod.phase === 'Running' && reported.ready, ...(reported.message === undefined ? {} : { message: reported.message }) };
  });
  const open = ingress.filter(({ port }) => written.servers.some((server) => server.port === port));
  const http = open.find(({ port }) => port === 80) ?? open.find(({ port }) => written.servers.some((server) => server.port === port && server.protocol === 'HTTP'));
  const { phase, message } = phaseOf(state, pods);
  return {
    name: lab, phase, ...(message === undefined ? {} : { message }), ingress: open, ingressUrl: http === undefined ? '' : `http://127.0.0.1:${http.hostPort}`, ingressPath: suggestedPath(written.resources), images, pods,
    proxies: state?.proxies ?? [], version: state?.version ?? '', diagnostics: state?.diagnostics ?? [], switches: written.switches, services: servicesOf(written.resources, pods),
  };
}

function phaseOf(state: ControlStatus | undefined, pods: readonly PodStatus[]): { phase: LabPhase; message?: string } {
  if (state === undefined) return { phase: 'degraded', message: 'The control plane does not answer; proxies go on with their last config.' };
  const failed = pods.find((pod) => pod.phase === 'Failed');
  if (failed !== undefined) return { phase: 'degraded', message: `${failed.name}: ${failed.message ?? 'failed'}` };
  const waiting = pods.filter((pod) => !pod.ready);
  if (waiting.length > 0) return { phase: 'starting', message: `${pods.length - waiting.length} of ${pods.length} pods are ready` };
  return { phase: 'running' };
}

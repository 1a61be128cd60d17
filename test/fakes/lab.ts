import { assembleTrace, LabFailure, type AppSpan } from '../../src/contract/index.ts';
import type { ApplyResult, Lab, LabApi, LabEvents, LabStatus, LabSummary, LoadStatus, ProxyStatus, RequestRecord, SwitchAction, Switches } from '../../src/contract/index.ts';
import type { SourceFile } from '../../src/manifest/index.ts';
import { filesOf } from './bookinfo.ts';
import { parseManifests } from '../../src/manifest/index.ts';
import { ejectedReviews, graphOf } from './graph.ts';
import { bigScenario, bookinfoScenario, type Scenario } from './scenario.ts';
import { playViews } from './views.ts';

/** How the fake lab plays. */
export interface FakeOptions {
  readonly name?: string;
  readonly rps?: number;
  /** A mesh of this size instead of Bookinfo. */
  readonly size?: { readonly nodes: number; readonly edges: number };
  readonly switches?: Switches;
  /** No lab at all: the first run. */
  readonly empty?: boolean;
  /** A host of reviews is ejected. */
  readonly ejected?: boolean;
  /** What goes wrong or is asked for in the first run: `engine`, `start` or `consent`. */
  readonly broken?: string | undefined;
  /** Milliseconds between batches of records; 0 plays nothing by itself. */
  readonly every?: number;
  readonly now?: () => number;
}

/** A lab in memory that plays lively traffic; it serves the window in development and in tests. */
export interface FakeLab {
  readonly lab: Lab;
  /** Sends records by hand. */
  emit(records: readonly RequestRecord[]): void;
  stop(): void;
}

const initialSwitches: Switches = {
  faults: [{ host: 'ratings', namespace: 'default', delay: { milliseconds: 2000, percent: 8 }, abort: { status: 500, percent: 12 } }],
  weights: [{ host: 'reviews', namespace: 'default', weights: { v1: 50, v3: 50 } }],
  mtls: { '': 'STRICT' },
};

/** What an instrumented application would tell: the work of the callee inside of each request that reached it. */
function appSpans(records: readonly RequestRecord[]): readonly AppSpan[] {
  return records.filter(({ reporter, destination }) => reporter === 'destination' && destination.app === 'reviews').map(({ traceId, spanId, time, duration, status }) => ({
    traceId, spanId: spanId.replace(/^./, 'f'), parentSpanId: spanId, service: 'reviews', name: 'render reviews', kind: 'internal', time: time + duration * 0.1, duration: duration * 0.7, error: status >= 500, tags: {},
  }));
}

type Listeners = { [Name in keyof LabEvents]: Set<LabEvents[Name]> };

/** Starts a fake lab. */
export function createFakeLab(options: FakeOptions = {}): FakeLab {
  const now = options.now ?? (() => Date.now());
  const name = options.name ?? 'bookinfo';
  const listeners: Listeners = { labs: new Set(), operation: new Set(), status: new Set(), graph: new Set(), records: new Set(), upstreams: new Set(), load: new Set(), tutorial: new Set(), stream: new Set() };
  const tell = <Name extends keyof LabEvents>(event: Name, value: Parameters<LabEvents[Name]>[0]): void => {
    for (const listener of listeners[event]) (listener as (value: Parameters<LabEvents[Name]>[0]) => void)(value);
  };
  let switches = options.switches ?? (options.size === undefined ? initialSwitches : { faults: [], weights: [], mtls: { '': 'STRICT' } });
  const scenario: Scenario = options.size === undefined ? bookinfoScenario(() => switches) : bigScenario(options.size.nodes, options.size.edges);
  const started = now() - 600_000;
  const written = new Map<string, string>();
  let version = 12;
  let behind: ReadonlySet<string> = new Set();
  let load: LoadStatus = { running: true, rps: options.rps ?? 12, url: 'http://127.0.0.1:8080/productpage', sent: 0, ok: 0, failed: 0, p50: 24, p99: 61, byStatus: {} };
  let recent: RequestRecord[] = [];
  const timers: ReturnType<typeof setTimeout>[] = [];

  const files = (): readonly SourceFile[] => {
    const all = new Map(filesOf(switches).map(file => [file.path, file.text]));
    for (const [path, text] of written) all.set(path, text);
    return [...all].map(([path, text]) => ({ path, text }));
  };
  const status = (): LabStatus => statusOf({ name, scenario, switches, version, behind, started, now: now() });
  const summary = (): LabSummary => ({ name, phase: 'running', pods: scenario.pods.length, ready: scenario.pods.length });

  /** Pushes a new version: the proxies take it one after another. */
  const push = (): void => {
    version += 1;
    behind = new Set(scenario.pods.map(pod => `default/${pod.name}`));
    tell('status', status());
    scenario.pods.forEach((pod, index) => timers.push(setTimeout(() => {
      behind = new Set([...behind].filter(each => each !== `default/${pod.name}`));
      tell('status', status());
    }, 120 + index * 60)));
  };
  const changeTo = (next: Switches, dryRun: boolean): ApplyResult => {
    const before = new Map(files().map(file => [file.path, file.text]));
    const old = switches;
    switches = next;
    const after = new Map(files().map(file => [file.path, file.text]));
    const paths = [...new Set([...before.keys(), ...after.keys()])];
    const changes = paths.filter(path => before.get(path) !== after.get(path)).map(path => ({ path, before: before.get(path) ?? '', after: after.get(path) ?? '' }));
    if (dryRun) switches = old;
    else push();
    return { applied: !dryRun, version: String(version), changes, diagnostics: [] };
  };
  const send = (records: readonly RequestRecord[]): void => {
    if (records.length === 0) return;
    const oldest = now() - 10_000;
    recent = [...recent.filter(record => record.time > oldest), ...records];
    tell('records', { lab: name, records });
  };

  let due = 0;
  const every = options.every ?? 50;
  const play = (): void => {
    if (!load.running) return;
    due += (load.rps * every) / 1000;
    const batch: RequestRecord[] = [];
    for (; due >= 1; due -= 1) batch.push(...scenario.page(now() - Math.random() * every));
    if (Math.random() < every / 900) batch.push(...scenario.background(now()));
    load = { ...load, sent: load.sent + Math.round((load.rps * every) / 1000), ok: load.ok };
    send(batch);
  };
  if (every > 0) {
    timers.push(setInterval(play, every), setInterval(() => {
      tell('graph', { lab: name, graph: graphOf(recent, scenario, now()) });
      tell('load', { lab: name, load });
      if (options.ejected === true) tell('upstreams', { lab: name, upstreams: ejectedReviews(scenario, started, now()) });
    }, 1000));
    for (let past = 4000; past > 0; past -= 1000 / load.rps) recent.push(...scenario.page(now() - past));
  }

  let empty = options.empty === true;
  const offered: Partial<LabApi> = {
    preflight: async () => ({ ok: true, checks: [] }),
    samples: async () => [{ name: 'bookinfo', title: 'Bookinfo', summary: 'A book shop of four services.', files: filesOf(switches), path: '/productpage' }],
    labs: async () => (empty ? [] : [summary(), { name: 'httpbin', phase: 'stopped', pods: 3, ready: 0 }]),
    status: async () => status(),
    graph: async () => graphOf(recent, scenario, now()),
    upstreams: async () => [],
    records: async () => recent,
    trace: async ({ id = recent.at(-1)?.traceId ?? '' }) => {
      const found = assembleTrace(id, recent, appSpans(recent.filter(({ traceId }) => traceId === id)), [{ app: 'details', namespace: 'default', sent: 12, without: 12, to: ['www.googleapis.com'] }]);
      if (found === undefined) throw new LabFailure('not-found', `No trace or request ${id} is remembered.`);
      return found;
    },
    watch: async () => { tell('status', status()); tell('load', { lab: name, load }); },
    unwatch: async () => undefined,
    files: async () => files(),
    get: async () => [],
    analyze: async ({ files: given }) => parseManifests(given ?? files()).diagnostics,
    metrics: async () => '',
    tutorials: async () => [],
    switch: async ({ action, dryRun }) => changeTo(thrown(switches, action), dryRun === true),
    apply: async ({ files: changed, dryRun }) => {
      const next = undone(switches, changed);
      if (next !== undefined) return changeTo(next, dryRun === true);
      const before = new Map(files().map(file => [file.path, file.text]));
      const changes = changed.filter(file => before.get(file.path) !== file.text).map(file => ({ path: file.path, before: before.get(file.path) ?? '', after: file.text }));
      const { diagnostics } = parseManifests(changed);
      if (dryRun === true) return { applied: false, version: String(version), changes, diagnostics };
      for (const file of changed) written.set(file.path, file.text);
      push();
      return { applied: true, version: String(version), changes, diagnostics };
    },
    delete: async ({ files: removed }) => changeTo({ ...switches, faults: switches.faults.filter(each => !removed.some(file => file.path.includes(each.host))) }, false),
    load: async request => { load = { ...load, running: true, rps: request.rps, url: request.url ?? load.url }; tell('load', { lab: name, load }); return load; },
    stopLoad: async () => { load = { ...load, running: false }; tell('load', { lab: name, load }); return load; },
  };
  Object.assign(offered, playViews({ tell, name, broken: options.broken, started: () => { empty = false; return [summary()]; } }));
  const api = new Proxy(offered as LabApi, {
    get: (target, method) => target[method as keyof LabApi] ?? (() => Promise.reject(new LabFailure('not-found', `The fake lab does not play ${String(method)}.`))),
  });
  const lab = new Proxy(api as Lab, {
    get: (target, key) => key === 'on'
      ? <Name extends keyof LabEvents>(event: Name, listener: LabEvents[Name]) => { listeners[event].add(listener); return () => { listeners[event].delete(listener); }; }
      : target[key as keyof LabApi],
  });
  return { lab, emit: send, stop: () => { for (const timer of timers) clearTimeout(timer); } };
}

/** The switches after an action. The fake knows hosts by their short names. */
function thrown(switches: Switches, asked: SwitchAction): Switches {
  const action = 'host' in asked ? { ...asked, host: asked.host.split('.')[0] ?? asked.host } : asked;
  switch (action.kind) {
    case 'clear': return action.what === 'all' ? { faults: [], weights: [], mtls: {} } : { ...switches, faults: [] };
    case 'weights': return { ...switches, weights: [...switches.weights.filter(each => each.host !== action.host), { host: action.host, namespace: action.namespace, weights: action.weights }] };
    case 'mtls': {
      const { [action.namespace]: _old, ...rest } = switches.mtls;
      return { ...switches, mtls: action.mode === undefined ? rest : { ...rest, [action.namespace]: action.mode } };
    }
    case 'fault': {
      const { kind: _kind, ...fault } = action;
      const others = switches.faults.filter(each => each.host !== action.host);
      return { ...switches, faults: fault.delay === undefined && fault.abort === undefined ? others : [...others, fault] };
    }
  }
}

/** Reads back what an undo writes: good enough for the switches' own files. */
function undone(switches: Switches, files: readonly SourceFile[]): Switches | undefined {
  const file = files[0];
  const host = /virtual-service-(.+)\.yaml$/.exec(file?.path ?? '')?.[1];
  if (file !== undefined && host !== undefined) {
    const weights = Object.fromEntries([...file.text.matchAll(/subset: (\S+)\s+weight: (\d+)/g)].map(match => [match[1] ?? '', Number(match[2])]));
    const faults = file.text.includes('fault:') ? switches.faults : switches.faults.filter(each => each.host !== host);
    return { ...switches, faults, weights: Object.keys(weights).length === 0 ? switches.weights : [...switches.weights.filter(each => each.host !== host), { host, namespace: 'default', weights }] };
  }
  const mode = /mode: (\S+)/.exec(file?.text ?? '')?.[1];
  return mode === undefined ? undefined : { ...switches, mtls: { ...switches.mtls, '': mode as 'STRICT' } };
}

interface StatusParts {
  readonly name: string;
  readonly scenario: Scenario;
  readonly switches: Switches;
  readonly version: number;
  readonly behind: ReadonlySet<string>;
  readonly started: number;
  readonly now: number;
}

function statusOf({ name, scenario, switches, version, behind, started, now }: StatusParts): LabStatus {
  const services = [...new Set(scenario.workloads.filter(each => each.kind === 'workload' && each.app !== 'curl').map(each => each.app))];
  return {
    name, phase: 'running', ingress: [{ name: 'http', port: 80, hostPort: 8080 }], ingressUrl: 'http://127.0.0.1:8080', ingressPath: '/productpage', images: 'stand-in', version: String(version), diagnostics: [], switches,
    pods: scenario.pods.map(pod => ({
      name: pod.name, namespace: 'default', workload: pod.workload, app: pod.app, version: pod.version, ip: pod.ip, kind: pod.app === 'istio-ingressgateway' ? 'gateway' : 'workload',
      sidecar: pod.app !== 'istio-ingressgateway', phase: 'Running', ready: true, containers: [{ name: pod.app, image: `istio/examples-bookinfo-${pod.workload}`, standIn: 'weft', state: 'running', restarts: 0 }], started,
    })),
    proxies: scenario.pods.map((pod): ProxyStatus => ({
      proxy: `default/${pod.name}`, connected: true, sent: String(version), acknowledged: String(behind.has(`default/${pod.name}`) ? version - 1 : version), certificateExpires: now + 86_000_000,
    })),
    services: services.map(app => ({ name: app, namespace: 'default', host: `${app}.default.svc.cluster.local`, ports: [{ name: app === 'mongodb' ? 'tcp' : 'http', port: 9080, protocol: app === 'mongodb' ? 'TCP' : 'HTTP' }], versions: scenario.workloads.filter(each => each.app === app).map(each => each.version), apps: [app] })),
  };
}

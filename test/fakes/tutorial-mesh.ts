import { parseAllDocuments } from 'yaml';
import type { LabEvents, LabStatus, LoadStatus, PodStatus, RequestRecord } from '../../src/contract/index.ts';
import { applyFiles, deleteFiles } from '../../src/core/lab/merge-files.ts';
import { throwSwitch } from '../../src/core/switches/index.ts';
import type { Clock, TutorialLab } from '../../src/core/tutorials/index.ts';
import type { SourceFile } from '../../src/manifest/index.ts';
import { askHttpbin, isAllowed, storeFor, stores } from './tutorial-httpbin.ts';

type Json = Readonly<Record<string, unknown>>;
interface Rule { readonly fault?: { readonly delay?: Json; readonly abort?: { readonly httpStatus?: number } }; readonly timeout?: string; readonly mirror?: Json; readonly retries?: { readonly attempts: number }; readonly route?: readonly { readonly destination: { readonly subset?: string }; readonly weight?: number }[] }

/** A Bookinfo or an httpbin in memory, on a clock of its own: the rules in its files decide what its requests come to. Enough of a mesh for tutorials, and no more. */
export interface TutorialMesh {
  readonly lab: TutorialLab;
  readonly clock: Clock;
  /** Lets time pass: traffic flows, then who watches looks at it. */
  pass(milliseconds: number): Promise<void>;
}

const name = 'shop';
const step = 100;

export function createTutorialMesh(files: readonly SourceFile[]): TutorialMesh {
  let held = files;
  let now = 1_000_000;
  let load: { rps: number; url: string; authorization: string | undefined; until: number } | undefined;
  let serial = 0;
  const asked = new Map<string, number>();
  /** How many requests a host has had: a die that never cheats. */
  const turn = (host: string): number => {
    const count = (asked.get(host) ?? 0) + 1;
    asked.set(host, count);
    return count;
  };
  let due = 0;
  const timers = new Set<{ every: number; next: number; run: () => void }>();
  const listeners = { records: new Set<LabEvents['records']>() };

  let parsed: { readonly of: readonly SourceFile[]; readonly bodies: readonly Json[] } | undefined;
  const bodies = (kind: string): readonly Json[] => {
    if (parsed?.of !== held) parsed = { of: held, bodies: held.flatMap((file) => parseAllDocuments(file.text).map((document) => document.toJS() as Json | null)).filter((body) => body !== null) };
    return parsed.bodies.filter((body) => body['kind'] === kind);
  };
  const rule = (host: string): Rule => {
    const found = bodies('VirtualService').find((body) => (body['spec'] as { hosts: string[]; gateways?: string[] }).hosts.some((each) => each === host || each.startsWith(`${host}.`)));
    return (found?.['spec'] as { http: Rule[] } | undefined)?.http.at(-1) ?? {};
  };
  const strict = (app: string): boolean => {
    const modes = bodies('PeerAuthentication').map((body) => body['spec'] as { selector?: { matchLabels: { app: string } }; mtls: { mode: string } });
    return (modes.find(({ selector }) => selector?.matchLabels.app === app) ?? modes.find(({ selector }) => selector === undefined))?.mtls.mode === 'STRICT';
  };
  const deployed = (of: string): Json | undefined => bodies('Deployment').find((body) => (body['metadata'] as { name: string }).name === of);
  const legacy = (): Json | undefined => deployed('legacy');
  const faulty = (): boolean => bodies('Deployment').some((body) => (body['metadata'] as { name: string }).name === 'ratings-faulty');

  const record = (from: string, to: string, version: string, more: Partial<RequestRecord>): RequestRecord => {
    const peer = (app: string, of: string) => ({ pod: app === '' ? '' : `default/${app}-${of}`, workload: `${app}-${of}`, namespace: 'default', app, version: of, principal: '', ip: '' });
    serial += 1;
    return {
      key: String(serial), time: now, reporter: 'source', proxy: `default/${from}`, requestId: '', traceId: '', spanId: '', parentSpanId: '', sampled: true, source: peer(from, 'v1'), destination: peer(to, version),
      service: `${to}.default.svc.cluster.local`, protocol: 'http', method: 'GET', authority: to, path: '/', status: 200, flags: [], details: 'via_upstream', duration: 5, upstreamDuration: 4, bytesReceived: 0, bytesSent: 0,
      retries: 0, mtls: true, listener: '', route: '', cluster: '', endpoint: '', decision: [], requestHeaders: [], responseHeaders: [], ...more,
    };
  };
  /** Versions in turn by weight: exact over a hundred requests, and no die. */
  const version = (host: string, all: readonly string[]): string => {
    const split = (rule(host).route ?? []).filter((part) => part.destination.subset !== undefined);
    const count = turn(host);
    if (split.length === 0) return all[count % all.length] ?? '';
    let at = (count * 37) % 100;
    for (const { destination, weight = 100 } of split) {
      at -= weight;
      if (at < 0) return destination.subset ?? '';
    }
    return split.at(-1)?.destination.subset ?? '';
  };
  const ratings = (from: string): readonly RequestRecord[] => {
    if (!allowed('reviews', 'ratings')) return [record(from, 'ratings', 'v1', { status: 403 })];
    const { fault, retries } = rule('ratings');
    const count = turn('ratings');
    if (fault?.abort !== undefined && count % 2 === 0) return [record(from, 'ratings', 'v1', { status: fault.abort.httpStatus ?? 500, flags: ['FI'] })];
    if (fault?.delay !== undefined) return [record(from, 'ratings', 'v1', { flags: ['DI'], duration: 2004 })];
    const failed = faulty() && count % 3 === 0;
    return [record(from, 'ratings', 'v1', failed ? retries === undefined ? { status: 503 } : { retries: 1 } : {})];
  };
  const accounts: Readonly<Record<string, string>> = { 'istio-ingressgateway': 'istio-ingressgateway-service-account', productpage: 'bookinfo-productpage', reviews: 'bookinfo-reviews', visitor: 'visitor' };
  const allowed = (from: string, to: string): boolean => isAllowed(bodies('AuthorizationPolicy'), accounts[from] ?? from, to);
  const page = (url: string): readonly RequestRecord[] => {
    if (deployed('httpbin') !== undefined) {
      const [route] = (rule('*').route ?? []);
      const answered = askHttpbin({ bodies, url, authorization: load?.authorization, now, count: turn('httpbin') });
      const copied = rule('*').mirror === undefined ? [] : [record('istio-ingressgateway', 'httpbin', 'v2', { ...answered, reporter: 'destination', ...(JSON.stringify(bodies('AuthorizationPolicy')).includes('v2-fails') ? { status: 403 } : {}) })];
      const chosen = route?.destination.subset ?? 'v1';
      return [record('istio-ingressgateway', 'httpbin', chosen, answered), record('istio-ingressgateway', 'httpbin', chosen, { ...answered, reporter: 'destination' }), ...copied];
    }
    if (url !== '/productpage') return [record('istio-ingressgateway', '', '', { service: '', path: url, status: 404, flags: ['NR'], details: 'route_not_found' })];
    const chosen = version('reviews', ['v1', 'v2', 'v3']);
    if (!allowed('istio-ingressgateway', 'productpage')) return [record('istio-ingressgateway', 'productpage', 'v1', { path: url, status: 403 })];
    const may = (to: string): Partial<RequestRecord> => (allowed('productpage', to) ? {} : { status: 403 });
    const slow = chosen !== 'v1' && rule('ratings').fault?.delay !== undefined && rule('reviews').timeout !== undefined;
    return [
      record('istio-ingressgateway', 'productpage', 'v1', { path: url }),
      record('productpage', 'details', 'v1', may('details')), record('productpage', 'details', 'v1', { reporter: 'destination', ...may('details') }),
      record('productpage', 'reviews', chosen, slow ? { status: 504, flags: ['UT'] } : may('reviews')),
      ...(chosen === 'v1' || !allowed('productpage', 'reviews') ? [] : ratings('reviews')),
    ];
  };
  const old = (): readonly RequestRecord[] => {
    const deployment = legacy();
    if (deployment === undefined || now % 500 !== 0) return [];
    const injected = !JSON.stringify(deployment).includes('"sidecar.istio.io/inject":"false"');
    if (injected) return [record('legacy', 'details', 'v1', { reporter: 'destination' })];
    return strict('details') ? [] : [record('', 'details', 'v1', { reporter: 'destination', mtls: false })];
  };
  const play = (): void => {
    now += step;
    if (load !== undefined && now >= load.until) load = undefined;
    due += load === undefined ? 0 : (load.rps * step) / 1000;
    const records: RequestRecord[] = [...old()];
    if (deployed('visitor') !== undefined && now % 500 === 0) records.push(record('visitor', 'ratings', 'v1', allowed('visitor', 'ratings') ? {} : { status: 403 }));
    if (deployed('shopper') !== undefined && now % 200 === 0) records.push(record('shopper', 'store', storeFor(bodies, turn('store')), {}));
    for (; due >= 1; due -= 1) records.push(...page(load?.url ?? '/'));
    for (const listener of listeners.records) listener({ lab: name, records });
  };
  const pod = (app: string, of: string): PodStatus => ({ name: `${app}-${of}`, namespace: 'default', workload: app, app, version: of, ip: '', kind: 'workload', sidecar: true, phase: 'Running', ready: true, containers: [], started: 0 });
  const status = (): LabStatus => ({ name, phase: 'running', pods: [pod('details', 'v1'), ...(legacy() === undefined ? [] : [pod('legacy', 'latest')]), ...(faulty() ? [pod('ratings', 'v-faulty')] : []), ...(deployed('visitor') === undefined ? [] : [pod('visitor', 'latest')]), ...(deployed('httpbin-dead') === undefined ? [] : [pod('httpbin', 'dead')]), ...(deployed('httpbin-v2') === undefined ? [] : [pod('httpbin', 'v2')]), ...stores(bodies).map((of) => pod('store', of))] } as unknown as LabStatus);
  const result = { applied: true, version: '1', changes: [], diagnostics: [] };
  const loadStatus: LoadStatus = { running: true, rps: 0, url: '', sent: 0, ok: 0, failed: 0, p50: 0, p99: 0, byStatus: {} };
  const statusListeners = new Set<LabEvents['status']>();
  const change = (next: readonly SourceFile[]): typeof result => {
    held = next;
    for (const listener of statusListeners) listener(status());
    return result;
  };

  const lab = {
    watch: async () => {}, unwatch: async () => {}, status: async () => status(), files: async () => held,
    get: async ({ kind }: { kind: string }) => bodies(kind),
    load: async (request: { rps: number; url?: string; seconds?: number; headers?: Readonly<Record<string, string>> }) => { load = { rps: request.rps, url: request.url ?? '/', authorization: request.headers?.['authorization'], until: request.seconds === undefined ? Infinity : now + request.seconds * 1000 }; return loadStatus; },
    stopLoad: async () => { load = undefined; return loadStatus; },
    switch: async ({ action }: { action: Parameters<typeof throwSwitch>[1] }) => change(throwSwitch(held, action)),
    apply: async (request: { files: readonly SourceFile[] }) => change(applyFiles(held, request.files)),
    delete: async (request: { files: readonly SourceFile[] }) => change(deleteFiles(held, request.files)),
    on: (event: string, listener: never) => {
      const set: Set<unknown> = event === 'records' ? listeners.records : event === 'status' ? statusListeners : new Set();
      set.add(listener);
      return () => { set.delete(listener); };
    },
  } as unknown as TutorialLab;
  const clock: Clock = {
    now: () => now,
    every: (milliseconds, run) => {
      const timer = { every: milliseconds, next: now + milliseconds, run };
      timers.add(timer);
      return () => { timers.delete(timer); };
    },
  };
  const pass = async (milliseconds: number): Promise<void> => {
    for (const end = now + milliseconds; now < end;) {
      play();
      for (const timer of timers) if (timer.next <= now) { timer.next = now + timer.every; timer.run(); }
      // A look takes a few turns of the loop.
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { lab, clock, pass };
}

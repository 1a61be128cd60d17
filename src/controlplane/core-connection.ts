import { z } from 'zod';
import { LabFailure, type ControlApi, type ControlStatus } from '../contract/index.ts';
import { createPeer, type Channel } from '../rpc/index.ts';
import type { Keepers } from './keepers.ts';
import type { KeySets } from './key-sets.ts';
import type { Mesh } from './mesh.ts';
import type { Problems } from './problems.ts';
import type { Proxies } from './proxies.ts';
import type { RotatingAuthority } from './rotation.ts';
import { podSchema, sourceFileSchema } from './state/state.ts';
import type { TelemetryIntake } from './telemetry/intake.ts';
import type { Upstreams } from './telemetry/upstreams.ts';

/** What serving core needs. */
export interface CoreServices {
  readonly mesh: Mesh;
  readonly proxies: Proxies;
  readonly telemetry: TelemetryIntake;
  readonly upstreams: Upstreams;
  readonly problems: Problems;
  readonly authority: RotatingAuthority;
  readonly keepers: Keepers;
  readonly keySets: Pick<KeySets, 'known'>;
  /** Resolves when the mesh is on the disk, or when it is known that it cannot be. */
  saved(): Promise<void>;
  /** All metrics, in Prometheus' text format. */
  metricsText(): Promise<string>;
  /** Calls when the status may have changed; returns how to stop. */
  onStatus(listener: () => void): () => void;
}

const none = z.tuple([]);
const argumentsOf: { readonly [Name in keyof ControlApi]: z.ZodType<Parameters<ControlApi[Name]>> } = {
  files: none, pods: none, status: none, metricsText: none, virtualIps: none, keySets: none, upstreams: none, subscribe: none,
  trace: z.tuple([z.string().max(256)]),
  setFiles: z.tuple([z.array(sourceFileSchema).max(10_000)]),
  setPods: z.tuple([z.array(podSchema).max(10_000)]),
  setNetwork: z.tuple([z.strictObject({ virtualIpCidr: z.string().regex(/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/) })]),
  rotateRoot: z.tuple([z.union([
    z.strictObject({ step: z.literal('introduce'), root: z.strictObject({ certificate: z.string().max(65_536), key: z.string().max(65_536) }) }), z.strictObject({ step: z.enum(['replace', 'retire']) }),
  ])]),
  probed: z.tuple([z.string(), z.strictObject({ id: z.number(), problem: z.string().max(1024).nullable() })]),
  containerNews: z.tuple([z.string(), z.strictObject({ name: z.string().max(256), running: z.boolean(), started: z.number(), restarts: z.number().int().exactOptional() })]),
  proxyConfig: z.tuple([z.string(), z.enum(['listeners', 'routes', 'clusters', 'endpoints', 'secrets'])]),
  records: z.tuple([z.strictObject({
    limit: z.number().int().min(0).max(20_000).exactOptional(), before: z.number().exactOptional(),
    text: z.string().exactOptional(), outcome: z.string().exactOptional(), service: z.string().exactOptional(),
  })]),
};

/** The state of the control plane as core sees it. */
export function controlStatus({ mesh, proxies, problems }: Pick<CoreServices, 'mesh' | 'proxies' | 'problems'>): ControlStatus {
  return { version: mesh.version, diagnostics: [...problems.diagnostics, ...mesh.diagnostics], proxies: proxies.status(), readiness: mesh.readiness, restarts: mesh.restarts };
}

/** Serves ControlApi on one connection that core has opened. */
export function serveCore(channel: Channel, services: CoreServices): void {
  const stops: (() => void)[] = [];
  const api = controlApi(services, () => { if (stops.length === 0) stops.push(...subscribe()); });
  const peer = createPeer(channel, {
    resolve: (name) => (Object.hasOwn(argumentsOf, name) ? (...args) => call(api, name as keyof ControlApi, args) : undefined),
    timeout: -1,
    gone: () => new LabFailure('cancelled', 'Core has gone.'),
  });

  function subscribe(): readonly (() => void)[] {
    peer.event('status', [controlStatus(services)]);
    peer.event('upstreams', [services.upstreams.all()]);
    return [
      services.telemetry.listen({ records: (records) => peer.event('records', [records]), metrics: (deltas) => peer.event('metrics', [deltas]) }),
      services.upstreams.listen((upstreams) => peer.event('upstreams', [upstreams])),
      services.keepers.join((event, value) => peer.event(event, [value])),
      services.onStatus(() => peer.event('status', [controlStatus(services)])),
    ];
  }

  channel.onClose(() => { for (const stop of stops) stop(); });
}

async function call(api: ControlApi, name: keyof ControlApi, args: readonly unknown[]): Promise<unknown> {
  const checked = argumentsOf[name].safeParse(args);
  if (!checked.success) throw new LabFailure('usage', `“${name}” was called wrongly: ${z.prettifyError(checked.error)}`);
  return (api[name] as (...args: unknown[]) => Promise<unknown>)(...checked.data);
}

function controlApi(services: CoreServices, subscribe: () => void): ControlApi {
  const { mesh, proxies, telemetry, problems } = services;
  return {
    files: () => Promise.resolve(mesh.files),
    setFiles: async (files) => {
      const { applied, diagnostics } = mesh.setFiles(files);
      const { version } = mesh;
      if (applied) await services.saved();
      return { applied, version, diagnostics: [...problems.diagnostics, ...diagnostics] };
    },
    pods: () => Promise.resolve(mesh.pods),
    setPods: async (pods) => {
      mesh.setPods(pods);
      await services.saved();
    },
    setNetwork: async ({ virtualIpCidr }) => {
      mesh.setNetwork(virtualIpCidr);
      await services.saved();
    },
    status: () => Promise.resolve(controlStatus(services)),
    rotateRoot: (step) => services.authority.rotate(step),
    probed: (proxy, probed) => {
      proxies.tell(proxy, { probed });
      return Promise.resolve();
    },
    containerNews: (proxy, { restarts = 0, ...container }) => {
      if (restarts > 0) mesh.countRestarts(proxy, container.name, restarts);
      proxies.tell(proxy, { container });
      return Promise.resolve();
    },
    proxyConfig: (proxy, section) => Promise.resolve(proxies.config(proxy, section)),
    records: (query) => Promise.resolve(telemetry.records(query)),
    trace: (id) => Promise.resolve(telemetry.trace(id)),
    metricsText: () => services.metricsText(),
    upstreams: () => Promise.resolve(services.upstreams.all()),
    virtualIps: () => Promise.resolve(mesh.virtualIps),
    keySets: () => Promise.resolve(Object.fromEntries(services.keySets.known)),
    subscribe: () => {
      subscribe();
      return Promise.resolve();
    },
  };
}

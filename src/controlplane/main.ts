import type { ControlPlaneSettings } from '../contract/index.ts';
import { ports } from '../contract/index.ts';
import type { Compiler } from './compiler.ts';
import { createCollectorIntake } from './collector/intake.ts';
import { serveCollectors, type CollectorPorts } from './collector/serve.ts';
import { serveCore } from './core-connection.ts';
import { keySources } from '../compile/index.ts';
import { createKeepers } from './keepers.ts';
import { createKeySets } from './key-sets.ts';
import type { Log } from './log.ts';
import { createGrpcServer } from './grpc/serve.ts';
import type { StreamLimits } from './grpc/stream.ts';
import { createMesh, podKey, type Mesh } from './mesh.ts';
import { incrementalCompiler } from './istio-compiler.ts';
import { createPlugIn } from './plug-in.ts';
import { pluggedRoot } from './plugged-root.ts';
import { createProblems } from './problems.ts';
import { createProxies } from './proxies.ts';
import { serveProxy } from './proxy-connection.ts';
import { createRateLimits } from './rate-limits.ts';
import { rotatingAuthority, storedRotation } from './rotation.ts';
import { createSchedule } from './schedule.ts';
import { defaultServerLimits, serveControlPlane, type ServerLimits } from './server.ts';
import { createSignal } from './signal.ts';
import { loadState, openStateFile } from './state/state-file.ts';
import { emptyState, storedStateSchema } from './state/state.ts';
import { callersIn } from './telemetry/callers.ts';
import { watchDropped } from './telemetry/dropped.ts';
import { createTelemetryIntake, defaultIntakeLimits } from './telemetry/intake.ts';
import { serveMetrics } from './telemetry/metrics-server.ts';
import { createUpstreams } from './telemetry/upstreams.ts';
import { createPilotMetrics } from './telemetry/pilot.ts';

/** What differs from a control plane in its container; for tests and for labs in one process. */
export interface ControlPlaneOptions {
  readonly host?: string;
  /** 0: any free port. */
  readonly port?: number;
  readonly metricsPort?: number;
  /** The plaintext port of the binary wire. */
  readonly discoveryPort?: number;
  readonly streamLimits?: Partial<StreamLimits>;
  readonly limits?: Partial<ServerLimits>;
  readonly compiler?: Compiler;
  readonly log?: Log;
  readonly now?: () => number;
}

/** A control plane that runs. */
export interface RunningControlPlane {
  readonly port: number;
  readonly metricsPort: number;
  readonly discoveryPort: number;
  readonly collectorPorts: CollectorPorts;
  /** Closes all connections and waits for what is being written. */
  stop(): Promise<void>;
}

const stateName = 'state';
const rotationName = 'roots';
const statusQuiet = 50;
/** How long proxies may take to come back after a restart before their pods count as not ready. */
const returnWithin = 15_000;

/** Starts the lab's control plane: store, CA, config for every proxy, telemetry. Rejects when a port is taken or the root does not read. */
export async function start(settings: ControlPlaneSettings, options: ControlPlaneOptions = {}): Promise<RunningControlPlane> {
  const log: Log = options.log ?? ((line) => process.stdout.write(`${new Date().toISOString()} ${line}\n`));
  const now = options.now ?? Date.now;
  const host = options.host ?? '0.0.0.0';
  const compiler = options.compiler ?? incrementalCompiler();
  let stopping = false;

  const loaded = await loadState(settings.stateDir, stateName, storedStateSchema);
  const file = openStateFile(settings.stateDir, stateName);
  const status = createSignal(statusQuiet);
  const problems = createProblems(status.fire);
  const metrics = createPilotMetrics();
  const upstreams = createUpstreams();

  if (loaded.problem !== undefined) {
    log(`state: ${loaded.problem}`);
    problems.set('state', `The stored state could not be read: ${loaded.problem}.`, 'Apply the manifests again to be sure that nothing is missing.');
  }

  let saving: Promise<void> = Promise.resolve();
  const save = (mesh: Mesh): void => {
    saving = file.save(mesh.stored).then(() => problems.clear('save'), (error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      log(`state could not be saved: ${reason}`);
      problems.set('save', `The change is in force but could not be stored (${reason}): a restart of the control plane would forget it.`, 'Make room on the engine’s disk.');
    });
  };

  const mesh = createMesh(loaded.value ?? emptyState, compiler, settings.trustDomain, (urgency) => {
    save(mesh);
    schedule.request(urgency);
    plugIn.look();
    status.fire();
  });
  const telemetry = createTelemetryIntake(defaultIntakeLimits, callersIn(() => mesh.pods));
  const rotation = await loadState(settings.stateDir, rotationName, storedRotation);
  if (rotation.problem !== undefined) throw new Error(`The state of the mesh’s roots could not be read: ${rotation.problem}`);
  const rotationFile = openStateFile(settings.stateDir, rotationName);
  const authority = await rotatingAuthority({
    anchor: settings.ca, stored: rotation.value, now, save: (next) => rotationFile.save(next), behind: () => proxies.behind(),
    changed: () => {
      server.renew();
      proxies.trust();
      proxies.push();
    },
  });
  const keySets = createKeySets({
    fetch, changed: () => schedule.request('now'),
    failing: (reasons) => {
      if (reasons.length === 0) problems.clear('keys');
      else problems.set('keys', `Keys that verify tokens cannot be fetched, and tokens are refused where there are none: ${reasons.join('; ')}.`, 'Make the address reachable from the control plane, or write the keys into the rule as jwks.');
    },
  });
  const keyed: Compiler = {
    ...compiler,
    prepare: (snapshot) => {
      keySets.want(keySources(snapshot.resources));
      return compiler.prepare({ ...snapshot, keySets: keySets.known });
    },
  };
  const proxies = createProxies({ mesh, compiler: keyed, authority, metrics, problems, changed: status.fire, now });
  const schedule = createSchedule(() => proxies.push());
  const plugIn = createPlugIn({
    authority, anchor: settings.ca, wanted: () => pluggedRoot(mesh.resources, mesh.config.rootNamespace, now()), proxies: () => proxies.following(),
    problem: (reason) => {
      if (reason === undefined) problems.clear('authority');
      else problems.set('authority', `The Secret cacerts does not become the mesh’s authority: ${reason}. What signed before goes on signing.`, 'Write root-cert.pem, ca-cert.pem, ca-key.pem and cert-chain.pem as istio.io/latest/docs/tasks/security/cert-management/plugin-ca-cert says.');
    },
  });
  const collected = createCollectorIntake(telemetry, log);
  const stopWatching = watchDropped(telemetry, problems);
  const metricsText = async (): Promise<string> => `${await metrics.text()}${collected.text()}${telemetry.text()}`;
  const keepers = createKeepers();
  const proxyServices = { mesh, proxies, authority, telemetry, upstreams, rateLimits: createRateLimits(() => mesh.resources, now), keepers, metrics, log, stopping: () => stopping };
  const coreServices = { mesh, proxies, authority, keepers, keySets, telemetry, upstreams, problems, saved: () => saving, metricsText, onStatus: status.listen };

  proxies.push();
  const grpc = createGrpcServer({ mesh, proxies, authority, metrics, log, now, limits: options.streamLimits ?? {} });
  const server = await serveControlPlane({
    host, port: options.port ?? ports.controlPlane, limits: { ...defaultServerLimits, ...options.limits },
    authority, coreTokenHash: settings.coreTokenHash, mesh, log, now,
    proxy: (pod, channel) => serveProxy(pod, channel, proxyServices),
    core: (channel) => serveCore(channel, coreServices),
    grpc: (socket) => grpc.take(socket, true),
  });
  const giveUp = async (error: unknown): Promise<never> => {
    await Promise.all([server.stop(), grpc.stop()]);
    throw error;
  };
  const discoveryPort = await grpc.listen(host, options.discoveryPort ?? ports.discovery).catch(giveUp);
  const metricsServer = await serveMetrics({ host, port: options.metricsPort ?? ports.controlPlaneMetrics }, metricsText).catch(giveUp);
  // As the other ports: any free ones where the caller chooses ports.
  const collectors = await serveCollectors(host, options.port === undefined ? { grpc: ports.otlpGrpc, http: ports.otlpHttp, zipkin: ports.zipkin } : { grpc: 0, http: 0, zipkin: 0 }, collected).catch(giveUp);
  const returning = setTimeout(() => {
    const { readiness } = mesh;
    for (const pod of mesh.pods) {
      const proxy = podKey(pod);
      if (readiness[proxy]?.ready === true && pod.tokenHash !== '' && !proxies.connected(proxy)) mesh.setReadiness(proxy, { ready: false, message: 'The sidecar is not connected.' });
    }
  }, returnWithin);
  plugIn.look();
  log(`control plane of lab ${settings.lab} serves on ${server.port}, gRPC on ${discoveryPort}, metrics on ${metricsServer.port}; ${mesh.files.length} files, ${mesh.pods.length} pods, version ${mesh.version}`);

  return {
    port: server.port,
    metricsPort: metricsServer.port,
    discoveryPort,
    collectorPorts: collectors.ports,
    stop: async () => {
      stopping = true;
      clearTimeout(returning);
      schedule.stop();
      plugIn.stop();
      keySets.stop();
      stopWatching();
      telemetry.stop();
      upstreams.stop();
      status.stop();
      await Promise.all([grpc.stop(), server.stop(), metricsServer.stop(), collectors.stop()]);
      await file.settled();
    },
  };
}

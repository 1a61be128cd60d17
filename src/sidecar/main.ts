import { lookup } from 'node:dns/promises';
import type { Server } from 'node:net';
import { defaultDrain, ports, proxyReadyLine, type FromControlPlane, type SidecarSettings } from '../contract/index.ts';
import { adminActions, adminPages, healthPages, logLevels, metricsPages, type AdminSources } from './admin/pages.ts';
import { servePages } from './admin/server.ts';
import { kernelOriginalDestination, type OriginalDestination } from './capture/original-destination.ts';
import { passthroughSource } from './capture/rules.ts';
import type { Resolve } from './config/dns-cluster.ts';
import { ConfigInForce } from './config/in-force.ts';
import { startDns } from './dns/server.ts';
import { createSystemClock } from './config/system-clock.ts';
import type { Clock } from './hooks.ts';
import { createWorkloadCertificate } from './identity/workload-certificate.ts';
import type { Address } from './link/index.ts';
import { createDownstream } from './listener/accept.ts';
import { createListenSockets, type Bind } from './listener/sockets.ts';
import { startProbes, type Prober, type ProbeVerdict } from '../util/prober.ts';
import { createCommandProbes, type CommandProbes } from './probes/commands.ts';
import { memoryRelease } from './process/release.ts';
import { startRest } from './process/rest.ts';
import { tryProbe } from './probes/try.ts';
import type { ProxyRuntime } from './tcp/runtime.ts';
import { createExportQueue, lazyCodec } from './telemetry/export.ts';
import { reportingOf } from './telemetry/reporting.ts';
import { createTelemetry } from './telemetry/telemetry.ts';
import { reportUpstreams } from './telemetry/upstreams.ts';
import { createConnector } from './tls/connector.ts';
import { TlsContexts } from './tls/context.ts';
import { createSecretStore } from './tls/secrets.ts';
import { createCluster } from './upstream/index.ts';
import { createSubscriptions } from './xds/subscription.ts';
import { createRateLimitClient, type RateLimitClient } from './xds/rate-limits.ts';
import { createWire, type Wire } from './xds/wire.ts';

/** What differs from a sidecar in its container; for tests and for labs in one process. */
export interface SidecarEnvironment {
  readonly clock: Clock;
  /** In [0, 1). */
  random(): number;
  readonly originalDestination: OriginalDestination;
  readonly resolve: Resolve;
  /** Docker's DNS. */
  readonly dns: Address;
  /** Where a port of the proxy is really bound. */
  readonly bind: Bind;
  /** Source address of probes; `undefined` for any. */
  readonly probeSource: string | undefined;
  /** Lines for a human, and of the access log. */
  output(text: string): void;
}

/** A proxy that runs. */
export interface Sidecar {
  /** The port that is really bound for a port of the proxy (15001, 15006, 15000, 15021, 15053, 15090, a gateway's). */
  port(port: number): number | undefined;
  readonly ready: boolean;
  /** Settles what is under way for at most `drainMs` (else as the settings say), then closes everything. */
  stop(drainMs?: number): Promise<void>;
}

/** Starts a sidecar or gateway: data plane, identity, telemetry, DNS, admin and probes around one connection to the control plane. */
export async function startSidecar(settings: SidecarSettings, environment: SidecarEnvironment): Promise<Sidecar> {
  const { clock } = environment;
  const drain = settings.drain ?? defaultDrain;
  const logging: AdminSources['logging'] = { level: 'info' };
  const log = (line: string): void => { if (logLevels.indexOf(logging.level) <= logLevels.indexOf('info')) environment.output(`${new Date(clock.now()).toISOString()}\tinfo\t${line}\n`); };
  const started = clock.now();
  const secrets = createSecretStore();
  secrets.setOwn('ROOTCA', { roots: settings.roots });
  const contexts = new TlsContexts(secrets);
  const connectorOf = (speaks: 'http' | 'tcp'): ReturnType<typeof createConnector> => createConnector({ contexts, trustDomain: settings.trustDomain, speaks });
  const connector = connectorOf('http');
  let wire: Wire | undefined;
  const telemetry = createTelemetry({
    clock, recordsPerSecond: settings.recordsPerSecond, connected: () => wire?.connected === true, send: (batch) => { wire?.send({ telemetry: batch }); }, log: environment.output,
  });
  const codec = lazyCodec();
  const exportQueue = createExportQueue(() => runtime, log);
  const config = new ConfigInForce({
    clock, secrets, resolve: environment.resolve,
    createCluster: (cluster, assignment, before) => createCluster(cluster, assignment, { connector, clock, random: environment.random }, before),
    async bind(listeners) {
      telemetry.reporting(reportingOf(listeners, { queue: exportQueue, codec, resource: resourceOf(settings) }));
      return await sockets.reconcile(listeners);
    },
    listenersChanged: () => { downstream.reconsider(drain.change * 1000); },
  });
  const rateLimits = createRateLimitClient({ clock, send: (message) => wire?.send(message) === true });
  const commands = createCommandProbes({ clock, send: (message) => wire?.send(message) === true });
  const runtime = runtimeOf(settings, environment, config, { connector, tcpConnector: connectorOf('tcp'), telemetry, rateLimits: (domain, descriptors, timeout) => rateLimits.ask(domain, descriptors, timeout) });
  const downstream = createDownstream({ config, runtime, contexts, trustDomain: settings.trustDomain, type: settings.type, originalDestination: environment.originalDestination, log });
  const sockets = createListenSockets(environment.bind, downstream.accept);

  const upstreams = reportUpstreams({
    clock, clusters: () => config.current.clusters.values(), connected: () => wire?.connected === true, send: (states) => { wire?.send({ upstreams: states }); },
  });

  let probes: ProbeVerdict = { ready: settings.probes.length === 0 };
  let said = '';
  let saidReady = false;
  const proxyReady = (): boolean => config.complete && certificate.ready;
  const health = { failed: false, set(failed: boolean): void { health.failed = failed; sayReadiness(); } };
  const sayReadiness = (again = false): void => {
    const readiness = health.failed ? { ready: false, message: 'The proxy drains.' } : proxyReady() ? probes : { ready: false, message: 'The proxy has no config or certificate yet.' };
    const text = JSON.stringify(readiness);
    if (text === said && !again) return;
    if (!saidReady && proxyReady()) {
      saidReady = true;
      log(proxyReadyLine);
    }
    said = text;
    wire?.send({ readiness });
  };
  const certificate = createWorkloadCertificate({
    secrets, clock, random: environment.random, trustDomain: settings.trustDomain, identity: `spiffe://${settings.trustDomain}/ns/${settings.namespace}/sa/${settings.serviceAccount}`,
    send: (csr) => { wire?.send({ csr }); }, changed: sayReadiness, log,
  });
  const subscriptions = createSubscriptions({
    send: (request) => { wire?.send({ request }); },
    async apply(type, resources) {
      await config.apply(type, resources);
      sayReadiness();
    },
    log,
  });
  const sources: AdminSources = {
    config, secrets, logging, health, metrics: telemetry.metrics, downstream: runtime.downstream, subscriptions, node: settings.node, uptime: () => clock.now() - started, ready: proxyReady, connections: () => downstream.connections,
    drain(inboundOnly) { if (!inboundOnly) health.set(true); sockets.drain(inboundOnly); downstream.drain(inboundOnly, drain.change * 1000); },
  };
  const fixed = await openFixedPorts(settings, environment, sources);
  wire = createWire({
    ...settings.controlPlane, roots: () => secrets.get('ROOTCA')?.roots ?? settings.roots, hello: { hello: { node: settings.node, proxy: settings.proxy, token: settings.token } },
    clock, random: environment.random, log,
    opened() {
      subscriptions.subscribe();
      certificate.connected();
      sayReadiness(true);
      upstreams.again();
    },
    received(message) { receive(message, { subscriptions, certificate, rateLimits, commands, prober, log }); },
  });
  const prober = startProbes({
    probes: settings.probes, clock, attempt: (probe) => ('exec' in probe.action ? commands.ask(probe) : tryProbe(probe, probe.action, { host: settings.ip, localAddress: environment.probeSource }, clock)),
    changed(verdict) { probes = verdict; sayReadiness(); },
    failed({ kind, container, grace }, why) {
      log(`container ${container} failed its ${kind} probe (${why}), so it is to be restarted`);
      wire?.send({ restart: { container, why: why.slice(0, 1000), ...(grace === undefined ? {} : { grace }) } });
    },
  });
  const close = async (patience: number): Promise<void> => {
    prober.stop();
    health.set(true);
    // Whoever has not heard of it yet may still come; a sidecar's application may still call out.
    downstream.drain(settings.type === 'sidecar', Infinity);
    await downstream.close(patience);
    sockets.close();
    telemetry.close();
    exportQueue.stop();
    upstreams.stop();
    certificate.close();
    config.close();
    wire?.close();
    fixed.close();
  };
  let stopping: Promise<void> | undefined;
  return {
    port: (port) => sockets.boundPort(port) ?? fixed.port(port),
    get ready() { return proxyReady(); },
    stop(patience = drain.untilNoConnections ? Infinity : drain.termination * 1000) {
      stopping ??= close(patience);
      return stopping;
    },
  };
}

function receive(message: FromControlPlane, to: { subscriptions: ReturnType<typeof createSubscriptions>; certificate: ReturnType<typeof createWorkloadCertificate>; rateLimits: RateLimitClient; commands: CommandProbes; prober: Prober; log(line: string): void }): void {
  if ('response' in message) {
    to.subscriptions.received(message.response).catch((error: unknown) => { to.log(`a response could not be handled: ${String(error)}`); });
  } else if ('certificate' in message) to.certificate.issued(message.certificate);
  else if ('rateLimit' in message) to.rateLimits.answered(message.rateLimit.id, message.rateLimit.answer);
  else if ('probed' in message) to.commands.answered(message.probed);
  else if ('container' in message) to.prober.heard(message.container);
  else if ('roots' in message) to.certificate.trust(message.roots, message.renew);
  else to.log(`the control plane says: ${message.error.code}: ${message.error.message}`);
}

function runtimeOf(
  settings: SidecarSettings, { clock, random }: SidecarEnvironment, config: ConfigInForce, parts: Pick<ProxyRuntime, 'connector' | 'tcpConnector' | 'telemetry' | 'rateLimits'>,
): ProxyRuntime {
  const { labels, workload, namespace, proxy, ip, trustDomain, serviceAccount } = settings;
  return {
    ...parts, clock, random, derived: new WeakMap(), downstream: new Map(),
    routeTable: (name) => config.current.routeTables.get(name),
    cluster: (name) => config.current.clusters.get(name),
    peerAt: (address, principal) => config.peerAt(address, principal),
    environment: {
      POD_NAME: proxy.slice(proxy.indexOf('/') + 1), POD_NAMESPACE: namespace, INSTANCE_IP: ip, SERVICE_ACCOUNT: serviceAccount, TRUST_DOMAIN: trustDomain, ISTIO_META_WORKLOAD_NAME: workload, ISTIO_META_CLUSTER_ID: 'Kubernetes', ISTIO_META_MESH_ID: trustDomain,
      CANONICAL_SERVICE: labels['service.istio.io/canonical-name'] ?? labels['app'] ?? workload, CANONICAL_REVISION: labels['service.istio.io/canonical-revision'] ?? labels['version'] ?? 'latest',
    },
    serviceAt: (address) => config.serviceAt(address),
    self: {
      pod: proxy, workload, namespace, ip, app: labels['service.istio.io/canonical-name'] ?? labels['app'] ?? workload,
      version: labels['service.istio.io/canonical-revision'] ?? labels['version'] ?? 'latest', principal: `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`,
    },
  };
}

/** Who the proxy is, by OpenTelemetry's names. */
function resourceOf({ proxy, namespace, workload, labels }: SidecarSettings): Readonly<Record<string, string>> {
  return { 'service.name': `${labels['service.istio.io/canonical-name'] ?? labels['app'] ?? workload}.${namespace}`, 'k8s.pod.name': proxy.slice(proxy.indexOf('/') + 1), 'k8s.namespace.name': namespace };
}

/** Ports that do not come from config: admin on loopback only, metrics and health for all, DNS where capture redirects it. */
async function openFixedPorts(settings: SidecarSettings, environment: SidecarEnvironment, sources: AdminSources): Promise<{ port(port: number): number | undefined; close(): void }> {
  const { clock, bind } = environment;
  const open: [number, Server][] = await Promise.all(([
    [ports.admin, '127.0.0.1', adminPages(sources)], [ports.prometheus, '0.0.0.0', metricsPages(sources)], [ports.health, '0.0.0.0', healthPages(sources)],
  ] as const).map(async ([port, ip, pages]) => [port, await servePages(bind({ ip, port }), pages, clock, port === ports.admin ? adminActions(sources) : {})]));
  const dns = settings.type === 'router' ? undefined : await startDns({
    ...bind({ ip: '127.0.0.1', port: ports.dns }), scope: { namespace: settings.namespace, domainSuffix: settings.domainSuffix },
    names: () => sources.config.current.resources.names, upstream: environment.dns, clock,
  });
  return {
    port(port) {
      if (port === ports.dns) return dns?.port;
      const address = open.find(([known]) => known === port)?.[1].address();
      return typeof address === 'object' ? address?.port : undefined;
    },
    close() {
      for (const [, server] of open) server.close();
      dns?.close();
    },
  };
}

/** The environment of a sidecar in its container. */
export function containerEnvironment(type: SidecarSettings['type']): SidecarEnvironment {
  return {
    clock: createSystemClock(), random: Math.random,
    originalDestination: type === 'sidecar' ? kernelOriginalDestination() : () => undefined,
    // With a dot at its end the name is whole: no search domain is tried, under which the mesh's own names would be found.
    resolve: async (host) => (await lookup(`${host.replace(/\.$/, '')}.`, { all: true, family: 4 })).map(({ address }) => address),
    dns: { ip: '127.0.0.11', port: 53 }, bind: ({ ip, port }) => ({ host: ip, port }), probeSource: type === 'sidecar' ? passthroughSource : undefined,
    output: (text) => { process.stdout.write(text); },
  };
}

/** Starts a sidecar in its container, where it has the process for itself and gives back what it does not need while it has nothing to do. */
export async function startInContainer(settings: SidecarSettings): Promise<Pick<Sidecar, 'stop'>> {
  const environment = containerEnvironment(settings.type);
  const sidecar = await startSidecar(settings, environment);
  const release = memoryRelease();
  const stopRest = release === undefined ? () => undefined : startRest({ clock: environment.clock, used: () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; }, release });
  return {
    stop() {
      stopRest();
      return sidecar.stop();
    },
  };
}

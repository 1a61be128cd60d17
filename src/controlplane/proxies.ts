import { LabFailure, type PodRegistration, type ProxyConfigSection, type ProxyStatus } from '../contract/index.ts';
import type { ProxyConfig, Secret } from '../xds/index.ts';
import { createSerializer, type ConfigSet } from './ads/resources.ts';
import { createAdsSession, type AdsSession, type SessionStatus } from './ads/session.ts';
import type { Issued } from './ca.ts';
import type { Compiler } from './compiler.ts';
import { podKey, proxyNode, type Mesh } from './mesh.ts';
import type { Problems } from './problems.ts';
import { redacted, rootSecret, secretFor, secretNames } from './secrets.ts';
import type { PilotMetrics } from './telemetry/pilot.ts';

/** The wire to one connected proxy, as far as pushing needs it. */
export interface ProxyWire {
  /** Sends a DiscoveryResponse, given as JSON. */
  send(response: string): void;
  close(): void;
}

/** All proxies of the lab: what each runs on, and who is connected. */
export interface Proxies {
  /** Takes a proxy's connection on; an older one of the same proxy is closed. */
  attach(pod: PodRegistration, wire: ProxyWire): { readonly session: AdsSession; issued(certificate: Issued): void; detach(): void };
  /** Compiles the mesh as it is now and gives every connected proxy what changed for it. */
  push(): void;
  connected(proxy: string): boolean;
  status(): readonly ProxyStatus[];
  /** What a proxy is to run on, without private keys. Throws LabFailure `pod-not-found`. */
  config(proxy: string, section: ProxyConfigSection): readonly unknown[];
  closeAll(): void;
}

interface Connection {
  readonly wire: ProxyWire;
  readonly session: AdsSession;
}

/** Dependencies of {@link createProxies}. */
export interface ProxiesOptions {
  readonly mesh: Mesh;
  readonly compiler: Compiler;
  readonly roots: string;
  readonly metrics: PilotMetrics;
  readonly problems: Problems;
  /** The status of a proxy has changed. */
  changed(): void;
  now(): number;
}

const none: SessionStatus = { sent: '', acknowledged: '' };

/** Makes the hub; nothing is compiled before the first `push`. */
export function createProxies(options: ProxiesOptions): Proxies {
  const { mesh, metrics, problems } = options;
  const serialize = createSerializer();
  const connections = new Map<string, Connection>();
  const lastStatus = new Map<string, SessionStatus>();
  const certificates = new Map<string, Issued>();
  const missing = new Map<string, readonly string[]>();
  const convergence = createConvergence(metrics, options.now);
  let version = '';
  let compile: ((pod: PodRegistration) => ProxyConfig) | undefined;
  let configs = new Map<string, ProxyConfig>();

  function prepare(): void {
    const compileNode = options.compiler.prepare(mesh.snapshot());
    const { domainSuffix } = mesh.config;
    configs = new Map();
    version = mesh.version;
    compile = (pod) => {
      const key = podKey(pod);
      let config = configs.get(key);
      if (config === undefined) configs.set(key, config = compileNode(proxyNode(pod, domainSuffix)));
      return config;
    };
  }

  /** The secrets of a proxy; what one of them lacks is remembered, and only the server or host that needs it goes without. */
  function secretsFor(pod: PodRegistration, config: ProxyConfig): readonly Secret[] {
    const found: Secret[] = [rootSecret(options.roots)];
    const lacking: string[] = [];
    for (const name of secretNames(config)) {
      const secret = secretFor(name, pod, mesh.resources);
      if ('missing' in secret) lacking.push(secret.missing);
      else found.push(secret);
    }
    if (lacking.length === 0) missing.delete(podKey(pod));
    else missing.set(podKey(pod), lacking);
    return found;
  }

  function tellMissing(): void {
    const lines = [...missing].filter(([proxy]) => mesh.pod(proxy) !== undefined).flatMap(([proxy, reasons]) => reasons.map((reason) => `${proxy}: ${reason}`));
    if (lines.length === 0) problems.clear('secrets');
    else problems.set('secrets', `Connections that need these certificates are refused: ${lines.join('; ')}.`, 'Add the Secret to the namespace of the proxy that needs it.');
  }

  function target(pod: PodRegistration): ConfigSet | undefined {
    if (compile === undefined) return undefined;
    const config = compile(pod);
    return serialize(config, secretsFor(pod, config));
  }

  /** A failure of compile is a bug of ours: proxies keep what they have, and the lab says so. */
  function guarded(run: () => void): void {
    try {
      run();
      problems.clear('compile');
    } catch (error) {
      problems.set('compile', `The config could not be compiled: ${error instanceof Error ? error.stack ?? error.message : String(error)}`, 'Proxies stay on their last config. Undo the last change, and report this.');
    }
  }

  return {
    attach: (pod, wire) => {
      const proxy = podKey(pod);
      connections.get(proxy)?.wire.close();
      const session = createAdsSession({
        send: (response) => wire.send(response),
        pushed: (type) => metrics.pushed(type),
        rejected: (type) => metrics.rejected(type),
        changed: () => {
          convergence.acknowledged(proxy, session.status().acknowledged);
          options.changed();
        },
      });
      const connection: Connection = { wire, session };
      connections.set(proxy, connection);
      metrics.connected(connections.size);
      guarded(() => {
        const config = target(pod);
        if (config !== undefined) session.update(config, version);
        tellMissing();
      });
      options.changed();
      return {
        session,
        issued: (certificate) => {
          certificates.set(proxy, certificate);
          options.changed();
        },
        detach: () => {
          if (connections.get(proxy) !== connection) return;
          connections.delete(proxy);
          lastStatus.set(proxy, session.status());
          metrics.connected(connections.size);
          options.changed();
        },
      };
    },
    push: () => guarded(() => {
      prepare();
      convergence.changed(version);
      for (const [proxy, { session, wire }] of connections) {
        const pod = mesh.pod(proxy);
        const config = pod === undefined ? undefined : target(pod);
        if (config === undefined) wire.close();
        else session.update(config, version);
      }
      tellMissing();
      options.changed();
    }),
    connected: (proxy) => connections.has(proxy),
    status: () => mesh.pods.filter((pod) => pod.tokenHash !== '').map((pod): ProxyStatus => {
      const proxy = podKey(pod);
      const connection = connections.get(proxy);
      return {
        proxy, connected: connection !== undefined,
        ...(connection?.session.status() ?? lastStatus.get(proxy) ?? none),
        certificateExpires: certificates.get(proxy)?.expires ?? 0,
      };
    }),
    config: (proxy, section) => {
      const pod = mesh.pod(proxy);
      if (pod === undefined || pod.tokenHash === '') throw new LabFailure('pod-not-found', `There is no proxy “${proxy}”.`);
      if (compile === undefined) prepare();
      const config = compile?.(pod);
      if (config === undefined) return [];
      return section === 'secrets' ? [...ownCertificate(certificates.get(proxy)), ...secretsFor(pod, config).map(redacted)] : config[section];
    },
    closeAll: () => { for (const { wire } of connections.values()) wire.close(); },
  };
}

/** The secret `default`, which a sidecar makes itself; its key has never been here. */
function ownCertificate(certificate: Issued | undefined): readonly Secret[] {
  return certificate === undefined ? [] : [redacted({ name: 'default', tlsCertificate: { certificateChain: { inlineString: certificate.chain } } })];
}

/** Measures how long changes take to be acknowledged. */
function createConvergence(metrics: PilotMetrics, now: () => number): { changed(version: string): void; acknowledged(proxy: string, version: string): void } {
  let current = { version: '', time: 0, seen: new Set<string>() };
  return {
    changed: (version) => { current = { version, time: now(), seen: new Set() }; },
    acknowledged: (proxy, version) => {
      if (version !== current.version || current.seen.has(proxy)) return;
      current.seen.add(proxy);
      metrics.converged((now() - current.time) / 1000);
    },
  };
}

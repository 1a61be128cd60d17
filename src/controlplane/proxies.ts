import { LabFailure, type FromControlPlane, type PodRegistration, type ProxyConfigSection, type ProxyStatus } from '../contract/index.ts';
import type { ProxyNode } from '../compile/index.ts';
import type { ProxyConfig, Secret } from '../xds/index.ts';
import { createSerializer, type ConfigSet } from './ads/resources.ts';
import { jsonResponse } from './ads/json-wire.ts';
import { createAdsSession, type AdsSession, type Push, type SessionStatus } from './ads/session.ts';
import { createConvergence } from './convergence.ts';
import type { Refusal } from './grpc/identity.ts';
import type { Issued } from './ca.ts';
import type { Compiler } from './compiler.ts';
import { podKey, proxyNode, type Mesh } from './mesh.ts';
import type { Problems } from './problems.ts';
import { createSecretNames, redacted, rootSecret, secretFor } from './secrets.ts';
import type { RotatingAuthority } from './rotation.ts';
import type { PilotMetrics } from './telemetry/pilot.ts';

/** The wire to one connected proxy, as far as pushing needs it. */
export interface ProxyWire {
  /** Sends a DiscoveryResponse, given as JSON in pieces of UTF-8. */
  send(response: readonly Uint8Array[]): void;
  /** Tells the proxy whom to trust, and whether to renew its certificate. */
  trust(roots: string, renew: boolean): void;
  say(message: FromControlPlane): void;
  close(): void;
}

/** The stream of a client of the binary wire. */
export interface ClientWire {
  /** It has proved who it is over TLS: it may have the secrets that its listeners name. */
  readonly secrets: boolean;
  readonly delta: boolean;
  send(push: Push): void;
  close(reason: Refusal): void;
}

/** All proxies of the lab: what each runs on, and who is connected. */
export interface Proxies {
  /** Takes a proxy's connection on; an older one of the same proxy is closed. */
  attach(pod: PodRegistration, wire: ProxyWire): { readonly session: AdsSession; issued(certificate: Issued): void; detach(): void };
  /** Takes on a client that is not one of our sidecars. There may be several for one node. */
  join(node: ProxyNode, wire: ClientWire): { readonly session: AdsSession; leave(): void };
  /** Calls after each push; returns how to stop. */
  onPush(listener: () => void): () => void;
  /** Compiles the mesh as it is now and gives every connected proxy what changed for it. */
  push(): void;
  /** Tells every connected proxy of the roots that are trusted now. */
  trust(): void;
  /** Connected proxies whose certificates are not of the root that signs now. */
  behind(): readonly string[];
  /** How many proxies are connected, how many of them do not know yet what to trust, and how many are {@link behind}. */
  following(): { readonly connected: number; readonly waiting: number; readonly behind: number };
  connected(proxy: string): boolean;
  /** Says something to a proxy, if it is connected. */
  tell(proxy: string, message: FromControlPlane): void;
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
  /** The roots that are trusted now, and the one that signs. */
  readonly authority: Pick<RotatingAuthority, 'roots' | 'signer' | 'rotated'>;
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
  const secretNames = createSecretNames();
  const connections = new Map<string, Connection>();
  const lastStatus = new Map<string, SessionStatus>();
  const certificates = new Map<string, Issued>();
  const missing = new Map<string, readonly string[]>();
  const convergence = createConvergence(metrics, options.now);
  const clients = new Map<ClientWire, { readonly node: ProxyNode; readonly session: AdsSession }>();
  const listeners = new Set<() => void>();
  let rootsOnly: { readonly roots: string; readonly secrets: readonly [Secret] } | undefined;
  let version = '';
  let compile: ((node: ProxyNode) => ProxyConfig) | undefined;

  function prepare(): void {
    compile = options.compiler.prepare(mesh.snapshot());
    version = mesh.version;
  }

  /** What every proxy has, as the same list while the roots are the same: it goes on the wire once. */
  function rootSecrets(): readonly [Secret] {
    const { roots } = options.authority;
    if (rootsOnly?.roots !== roots) rootsOnly = { roots, secrets: [rootSecret(roots)] };
    return rootsOnly.secrets;
  }

  /** The secrets of a proxy; what one of them lacks is remembered, and only the server or host that needs it goes without. */
  function secretsFor(node: ProxyNode, config: ProxyConfig): readonly Secret[] {
    const names = secretNames(config);
    if (names.length === 0) {
      missing.delete(podKey(node));
      return rootSecrets();
    }
    const found: Secret[] = [...rootSecrets()];
    const lacking: string[] = [];
    const owner = { ...node, workload: mesh.pod(podKey(node))?.workload ?? node.name };
    for (const name of names) {
      const secret = secretFor(name, owner, mesh.resources);
      if ('missing' in secret) lacking.push(secret.missing);
      else found.push(secret);
    }
    if (lacking.length === 0) missing.delete(podKey(node));
    else missing.set(podKey(node), lacking);
    return found;
  }

  /** Whether a proxy's certificate is of another root than the one that signs; what was issued before a restart is not known. */
  function isBehind(proxy: string): boolean {
    const { signer, rotated } = options.authority;
    return rotated ? certificates.get(proxy)?.signer !== signer : (certificates.get(proxy)?.signer ?? signer) !== signer;
  }

  /** Pods come and go, under ever new names. */
  function forgetGone(): void {
    for (const known of [lastStatus, certificates, missing]) for (const proxy of known.keys()) if (mesh.pod(proxy) === undefined) known.delete(proxy);
  }

  function tellMissing(): void {
    const lines = [...missing].flatMap(([proxy, reasons]) => reasons.map((reason) => `${proxy}: ${reason}`));
    if (lines.length === 0) problems.clear('secrets');
    else problems.set('secrets', `Connections that need these certificates are refused: ${lines.join('; ')}.`, 'Add the Secret to the namespace of the proxy that needs it.');
  }

  function target(node: ProxyNode, secrets: boolean): ConfigSet | undefined {
    if (compile === undefined) return undefined;
    const config = compile(node);
    return serialize(config, secrets ? secretsFor(node, config) : rootSecrets());
  }

  const nodeOf = (pod: PodRegistration): ProxyNode => proxyNode(pod, mesh.config.domainSuffix);

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
        delta: false,
        send: (push) => wire.send(jsonResponse(push)),
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
      // It may have been away while the root was replaced.
      wire.trust(options.authority.roots, isBehind(proxy));
      guarded(() => {
        const config = target(nodeOf(pod), true);
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
    join: (node, wire) => {
      const session = createAdsSession({
        delta: wire.delta,
        send: (push) => wire.send(push),
        pushed: (type) => metrics.pushed(type),
        rejected: (type) => metrics.rejected(type),
        changed: () => {
          convergence.acknowledged(node.id, session.status().acknowledged);
          options.changed();
        },
      });
      clients.set(wire, { node, session });
      guarded(() => {
        const config = target(node, wire.secrets);
        if (config !== undefined) session.update(config, version);
      });
      return {
        session,
        leave: () => {
          clients.delete(wire);
          options.changed();
        },
      };
    },
    onPush: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    push: () => guarded(() => {
      prepare();
      convergence.changed(version);
      forgetGone();
      for (const [proxy, { session, wire }] of connections) {
        const pod = mesh.pod(proxy);
        const config = pod === undefined ? undefined : target(nodeOf(pod), true);
        if (config === undefined) wire.close();
        else session.update(config, version);
      }
      for (const [wire, { node, session }] of clients) {
        const pod = mesh.pod(`${node.namespace}/${node.name}`);
        // Who has proved to be a pod is that pod for as long as it is registered as it was.
        if (wire.secrets && (pod === undefined || nodeOf(pod).id !== node.id)) wire.close({ refused: 'permission-denied', message: 'The pod is not registered any more.' });
        else {
          const config = target(pod === undefined ? node : { ...node, ...nodeOf(pod) }, wire.secrets);
          if (config !== undefined) session.update(config, version);
        }
      }
      tellMissing();
      for (const listener of listeners) listener();
      options.changed();
    }),
    trust: () => {
      for (const [proxy, { wire }] of connections) wire.trust(options.authority.roots, isBehind(proxy));
    },
    behind: () => [...connections.keys()].filter(isBehind),
    following: () => ({
      connected: connections.size, behind: [...connections.keys()].filter(isBehind).length,
      waiting: [...connections.values()].filter(({ session }) => session.lags('secret')).length,
    }),
    connected: (proxy) => connections.has(proxy),
    tell: (proxy, message) => { connections.get(proxy)?.wire.say(message); },
    status: () => {
      const own = mesh.pods.filter((pod) => pod.tokenHash !== '').map((pod): ProxyStatus => {
        const proxy = podKey(pod);
        const connection = connections.get(proxy);
        return {
          proxy, connected: connection !== undefined,
          ...(connection?.session.status() ?? lastStatus.get(proxy) ?? none),
          certificateExpires: certificates.get(proxy)?.expires ?? 0,
        };
      });
      const named = new Set(own.map(({ proxy }) => proxy));
      const others = [...clients.values()].map(({ node, session }): ProxyStatus => ({ proxy: podKey(node), connected: true, ...session.status(), certificateExpires: 0 }));
      return [...own, ...new Map(others.filter(({ proxy }) => !named.has(proxy)).map((status) => [status.proxy, status])).values()];
    },
    config: (proxy, section) => {
      const pod = mesh.pod(proxy);
      if (pod === undefined || pod.tokenHash === '') throw new LabFailure('pod-not-found', `There is no proxy “${proxy}”.`);
      if (compile === undefined) prepare();
      const node = nodeOf(pod);
      const config = compile?.(node);
      if (config === undefined) return [];
      return section === 'secrets' ? [...ownCertificate(certificates.get(proxy)), ...secretsFor(node, config).map(redacted)] : config[section];
    },
    closeAll: () => { for (const { wire } of connections.values()) wire.close(); },
  };
}

/** The secret `default`, which a sidecar makes itself; its key has never been here. */
function ownCertificate(certificate: Issued | undefined): readonly Secret[] {
  return certificate === undefined ? [] : [redacted({ name: 'default', tlsCertificate: { certificateChain: { inlineString: certificate.chain } } })];
}

import type { Peer } from '../../contract/index.ts';
import { prepareListeners, prepareRoutes, type ListenerTable, type RouteTable } from '../../routing/index.ts';
import type { Cluster, ClusterLoadAssignment, Listener, NameTable, ResourceType, RouteConfiguration, Secret } from '../../xds/index.ts';
import type { UpstreamCluster } from '../runtime.ts';
import { nobody } from '../telemetry/peer.ts';
import { parseSecrets, type SecretStore } from '../tls/secrets.ts';
import { checkTransport } from '../../features/mtls/transport.ts';
import { keepResolved, needsDns, type Resolve } from './dns-cluster.ts';
import type { Clock } from '../hooks.ts';
import { checkListener, managersOf } from './validate.ts';

/** One state of a proxy's config; never changed, only replaced. */
export interface SnapshotInForce {
  readonly listeners: ListenerTable;
  readonly routeTables: ReadonlyMap<string, RouteTable>;
  readonly clusters: ReadonlyMap<string, UpstreamCluster>;
  /** As received, for `config_dump`. */
  readonly resources: { readonly listener: readonly Listener[]; readonly route: readonly RouteConfiguration[]; readonly cluster: readonly Cluster[]; readonly endpoint: readonly ClusterLoadAssignment[]; readonly names: NameTable };
}

export interface ConfigEnvironment {
  readonly clock: Clock;
  readonly secrets: SecretStore;
  readonly resolve: Resolve;
  /** `before` is the cluster of that name which it takes the place of. */
  createCluster(config: Cluster, assignment: ClusterLoadAssignment | undefined, before: UpstreamCluster | undefined): UpstreamCluster;
  /** Binds what listeners ask for; what could not be bound, in words. */
  bind(listeners: readonly Listener[]): Promise<readonly string[]>;
  /** Other listeners are in force now. */
  listenersChanged?(): void;
}

interface ClusterEntry {
  /** As received last; the same object says the same. */
  config: Cluster;
  readonly text: string;
  readonly cluster: UpstreamCluster;
  stop(): void;
}

/** How long listeners wait for the routes that they name before they are in force without them. */
const warmingMs = 2000;
/** How long a removed cluster still serves the requests that chose it just before. */
const lingerMs = 5000;

/** The config in force, built from resources as they come. A resource that cannot be used changes nothing. */
export class ConfigInForce {
  #current: SnapshotInForce = {
    listeners: prepareListeners([]), routeTables: new Map(), clusters: new Map(),
    resources: { listener: [], route: [], cluster: [], endpoint: [], names: { table: {} } },
  };
  readonly #environment: ConfigEnvironment;
  readonly #received = new Set<ResourceType>();
  #clusters = new Map<string, ClusterEntry>();
  #assignments = new Map<string, ClusterLoadAssignment>();
  #routes = new Map<string, { readonly config: RouteConfiguration; readonly text: string; readonly table: RouteTable }>();
  #inline = new Map<string, RouteTable>();
  #peers: Map<string, Peer> | undefined;
  #services: ReadonlyMap<string, string> | undefined;
  #routesChanged: (() => void) | undefined;

  constructor(environment: ConfigEnvironment) {
    this.#environment = environment;
  }

  get current(): SnapshotInForce { return this.#current; }
  /** Everything that traffic needs has come at least once. */
  get complete(): boolean { return (['cluster', 'endpoint', 'listener', 'route'] as const).every((type) => this.#received.has(type)); }

  /** Puts the full set of one type in force. Rejects with the reason when any of it cannot be used; then the last good stays. */
  async apply(type: ResourceType, resources: readonly unknown[]): Promise<void> {
    switch (type) {
      case 'cluster': this.#applyClusters(resources as readonly Cluster[]); break;
      case 'endpoint': this.#applyEndpoints(resources as readonly ClusterLoadAssignment[]); break;
      case 'route': this.#applyRoutes(resources as readonly RouteConfiguration[]); break;
      case 'listener': await this.#applyListeners(resources as readonly Listener[]); break;
      case 'secret': this.#environment.secrets.setPushed(parseSecrets(resources as readonly Secret[])); break;
      case 'names':
        this.#services = undefined;
        this.#replace({ resources: { ...this.#current.resources, names: (resources[0] ?? { table: {} }) as NameTable } });
        break;
    }
    this.#received.add(type);
  }

  /** Who has an address, as far as the endpoints tell. */
  peerAt(ip: string, principal: string): Peer {
    this.#peers ??= indexPeers([...this.#clusters.values()].map(({ cluster }) => cluster));
    return { ...(this.#peers.get(ip) ?? nobody), ip, principal };
  }

  /** The service that has a virtual IP, by the name table. */
  serviceAt(ip: string): string {
    // The first of a service's names is its full one.
    this.#services ??= new Map(Object.entries(this.#current.resources.names.table).flatMap(([host, { ips }]) => ips.map((each) => [each, host] as const)).reverse());
    return this.#services.get(ip) ?? '';
  }

  close(): void {
    for (const entry of this.#clusters.values()) { entry.stop(); entry.cluster.close(); }
  }

  #applyClusters(configs: readonly Cluster[]): void {
    for (const config of configs) {
      if (config.name === undefined || config.name === '') throw new Error('A cluster has no name.');
      checkTransport(config);
    }
    const next = new Map<string, ClusterEntry>();
    for (const config of configs) {
      const name = config.name ?? '';
      const known = this.#clusters.get(name);
      next.set(name, known?.config === config ? known : this.#kept(config, known));
    }
    const gone = [...this.#clusters].filter(([name, entry]) => next.get(name) !== entry).map(([, entry]) => entry);
    this.#clusters = next;
    this.#peers = undefined;
    this.#replace({ clusters: new Map([...next].map(([name, { cluster }]) => [name, cluster])), resources: { ...this.#current.resources, cluster: configs } });
    for (const entry of gone) {
      entry.stop();
      this.#environment.clock.after(lingerMs, () => { entry.cluster.close(); });
    }
  }

  /** A cluster that says the same under another object stays, with its connections. */
  #kept(config: Cluster, known: ClusterEntry | undefined): ClusterEntry {
    const text = JSON.stringify(config);
    if (known?.text !== text) return this.#makeCluster(config, text, known?.cluster);
    known.config = config;
    return known;
  }

  #makeCluster(config: Cluster, text: string, before: UpstreamCluster | undefined): ClusterEntry {
    const cluster = this.#environment.createCluster(config, this.#assignments.get(assignmentName(config)), before);
    return { config, text, cluster, stop: needsDns(config) ? keepResolved(cluster, this.#environment.resolve, this.#environment.clock) : () => undefined };
  }

  #applyEndpoints(assignments: readonly ClusterLoadAssignment[]): void {
    const next = new Map(assignments.map((assignment) => [assignment.clusterName ?? '', assignment]));
    const before = this.#assignments;
    this.#assignments = next;
    for (const { cluster } of this.#clusters.values()) {
      if (cluster.config.type !== 'EDS') continue;
      const name = assignmentName(cluster.config);
      if (before.get(name) === next.get(name)) continue;
      if (JSON.stringify(before.get(name)) !== JSON.stringify(next.get(name))) cluster.update(next.get(name));
    }
    this.#peers = undefined;
    this.#replace({ resources: { ...this.#current.resources, endpoint: assignments } });
  }

  #applyRoutes(configs: readonly RouteConfiguration[]): void {
    this.#routes = new Map(configs.map((config) => {
      const known = this.#routes.get(config.name ?? '');
      if (known?.config === config) return [config.name ?? '', known];
      const text = JSON.stringify(config);
      return [config.name ?? '', { config, text, table: known?.text === text ? known.table : prepareRoutes(config) }];
    }));
    this.#replace({ routeTables: this.#tables(), resources: { ...this.#current.resources, route: configs } });
    this.#routesChanged?.();
  }

  async #applyListeners(listeners: readonly Listener[]): Promise<void> {
    const { usable, problems: refused } = this.#usable(listeners);
    const prepared = prepareListeners(usable);
    const managers = managersOf(usable);
    const inline = new Map(managers.flatMap(({ routeConfig }) => (routeConfig === undefined ? [] : [[routeConfig.name ?? '', prepareRoutes(routeConfig)] as const])));
    await this.#warm(managers.flatMap(({ rds }) => (rds?.routeConfigName === undefined ? [] : [rds.routeConfigName])));
    const problems = [...refused, ...await this.#environment.bind(usable)];
    this.#inline = inline;
    this.#replace({ listeners: prepared, routeTables: this.#tables(), resources: { ...this.#current.resources, listener: usable } });
    this.#environment.listenersChanged?.();
    if (problems.length > 0) throw new Error(problems.join('; '));
  }

  /** As in Envoy, a listener that cannot be used is refused by itself: the one of its name that is in force stays, and the others change. */
  #usable(listeners: readonly Listener[]): { readonly usable: readonly Listener[]; readonly problems: readonly string[] } {
    const problems: string[] = [];
    const usable = listeners.flatMap((listener) => {
      try {
        checkListener(listener);
        prepareListeners([listener]);
        return [listener];
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const name = listener.name ?? '';
        problems.push(reason.includes(name) ? reason : `Listener ${name}: ${reason}`);
        return this.#current.resources.listener.filter((known) => name !== '' && known.name === name);
      }
    });
    return { usable, problems };
  }

  /** Resolves when all of these routes are here, or after a while. */
  #warm(names: readonly string[]): Promise<void> {
    const ready = (): boolean => names.every((name) => this.#routes.has(name));
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => { cancel(); this.#routesChanged = undefined; resolve(); };
      const cancel = this.#environment.clock.after(warmingMs, done);
      this.#routesChanged = () => { if (ready()) done(); };
    });
  }

  #tables(): ReadonlyMap<string, RouteTable> {
    return new Map([...this.#inline, ...[...this.#routes].map(([name, { table }]) => [name, table] as const)]);
  }

  #replace(changes: Partial<SnapshotInForce>): void {
    this.#current = { ...this.#current, ...changes };
  }
}

function assignmentName(config: Cluster): string {
  return config.edsClusterConfig?.serviceName ?? config.name ?? '';
}

function indexPeers(clusters: readonly UpstreamCluster[]): Map<string, Peer> {
  return new Map(clusters.flatMap(({ hosts }) => hosts).filter(({ peer }) => peer.workload !== '').map((host) => [host.ip, { ...nobody, ...host.peer, ip: host.ip }]));
}

import { clusterLimits, retriesAllowed, type ClusterLimits, type ClusterUse } from '../../features/circuit-breaking/cluster.ts';
import { createChooser, type HostChooser } from '../../features/load-balancing/cluster-chooser.ts';
import { OutlierDetector } from '../../features/outlier-detection/cluster.ts';
import type { UpstreamState } from '../../contract/index.ts';
import { origin, parseClusterName, type Cluster, type ClusterLoadAssignment, type Origin } from '../../xds/index.ts';
import type { ClusterEnvironment, HostChoice, UpstreamCluster, UpstreamHost } from '../runtime.ts';
import { newCounters, type ClusterCounters } from './counters.ts';
import { HostPool } from './host-pool.ts';
import { Host, onlyPlace } from './host.ts';
import { hostsOf } from './hosts.ts';
import type { PoolContext } from './pool-context.ts';
import type { HttpPool } from './pool.ts';
import { clusterGauges, clusterState } from './state.ts';

/** Makes a cluster that is in force until `close`. `assignment` is its EDS resource, when it has one and it has come; `before` is the cluster of its name that it replaces. */
export function createCluster(config: Cluster, assignment: ClusterLoadAssignment | undefined, environment: ClusterEnvironment, before?: UpstreamCluster): UpstreamCluster {
  return new HttpCluster(config, assignment, environment, before?.counters ?? newCounters());
}

/** How often a host is drawn for a retry before one that was tried already will do: Istio's `hostSelectionRetryMaxAttempts`. */
const hostChoices = 5;
/** Hosts of an ORIGINAL_DST cluster that are remembered; the oldest goes first. */
const maxOriginalHosts = 1024;

class HttpCluster implements UpstreamCluster {
  readonly name: string;
  readonly config: Cluster;
  readonly origin: Origin | undefined;
  readonly service: string;
  readonly limits: ClusterLimits;
  readonly use: ClusterUse = { connections: 0, pending: 0, requests: 0, retries: 0 };
  readonly counters: ClusterCounters;
  hosts: readonly Host[] = [];
  readonly #environment: ClusterEnvironment;
  readonly #context: PoolContext;
  readonly #pools = new Map<string, HostPool>();
  readonly #original = new Map<string, Host>();
  readonly #detector: OutlierDetector | undefined;
  #overprovisioning = 140;
  #chooser: HostChooser<Host>;

  constructor(config: Cluster, assignment: ClusterLoadAssignment | undefined, environment: ClusterEnvironment, counters: ClusterCounters) {
    this.name = config.name ?? '';
    this.config = config;
    this.origin = origin(config.metadata);
    this.service = serviceOf(config);
    this.limits = clusterLimits(config);
    this.counters = counters;
    this.#environment = environment;
    this.#context = { cluster: this, limits: this.limits, use: this.use, counters, environment };
    const { clock } = environment;
    if (config.outlierDetection !== undefined) this.#detector = new OutlierDetector(config.outlierDetection, { clock, random: () => environment.random(), changed: () => this.#choose() });
    this.#chooser = createChooser<Host>(config, [], environment);
    this.update(assignment);
  }

  update(assignment: ClusterLoadAssignment | undefined): void {
    const before = new Map(this.hosts.map((host) => [host.address, host]));
    const transports = new Map(this.hosts.map((host) => [host.address, transportOf(host)]));
    const { loadAssignment = undefined } = this.config;
    this.#overprovisioning = Number((assignment ?? loadAssignment)?.policy?.overprovisioningFactor ?? 140);
    this.hosts = hostsOf(assignment ?? loadAssignment, before, this.#environment.clock.now());
    this.#detector?.watch(this.hosts.map(({ address }) => address));
    for (const host of this.hosts) {
      host.monitor = this.#detector?.monitor(host.address);
      before.delete(host.address);
      // Connections were made with the transport that the host spoke then: mTLS switched off or on means new ones.
      if (transports.has(host.address) && transports.get(host.address) !== transportOf(host)) this.#dropPool(host.address);
    }
    for (const address of before.keys()) this.#dropPool(address);
    this.#choose();
  }

  pick(choice: HostChoice): UpstreamHost | undefined {
    if (this.config.type === 'ORIGINAL_DST') return choice.originalDestination === undefined ? undefined : this.#originalHost(choice.originalDestination);
    if (this.#chooser.panic) this.counters.lb_healthy_panic++;
    const { hash, avoid, withoutPriorities } = choice;
    let host = this.#chooser.choose(hash, withoutPriorities);
    // As in Envoy, another host is drawn a few times; consistent hashing looks elsewhere on its table.
    for (let attempt = 1; host !== undefined && avoid?.has(host.address) === true && attempt < hostChoices; attempt++) {
      host = this.#chooser.choose(hash === undefined ? undefined : (hash ^ -attempt) >>> 0, withoutPriorities);
    }
    return host !== undefined && avoid?.has(host.address) === true ? (this.#anyOther(avoid) ?? host) : host;
  }

  pool(host: UpstreamHost): HttpPool {
    let pool = this.#pools.get(host.address);
    if (pool === undefined) {
      pool = new HostPool(host as Host, this.#context);
      this.#pools.set(host.address, pool);
    }
    return pool;
  }

  close(): void {
    this.#detector?.close();
    for (const address of [...this.#pools.keys()]) this.#dropPool(address);
  }

  retry(): (() => void) | undefined {
    if (this.use.retries >= retriesAllowed(this.limits, this.use)) {
      this.counters.upstream_rq_retry_overflow++;
      return undefined;
    }
    this.counters.upstream_rq_retry++;
    this.use.retries++;
    return () => { this.use.retries--; };
  }

  state(): UpstreamState | undefined {
    return clusterState(this, this.#chooser.panic);
  }

  gauges(): Readonly<Record<string, number>> {
    return clusterGauges(this, this.#detector);
  }

  /** Least request likes a host that fails at once, for it is never busy: a retry must not be lost to that while another host can serve. */
  #anyOther(avoid: ReadonlySet<string>): Host | undefined {
    const others = this.hosts.filter(({ address, health }) => health === 'healthy' && !avoid.has(address));
    return others[Math.floor(this.#environment.random() * others.length)];
  }

  #choose(): void {
    this.#chooser = createChooser(this.config, this.hosts, this.#environment, this.#overprovisioning);
  }

  #dropPool(address: string): void {
    this.#pools.get(address)?.close();
    this.#pools.delete(address);
  }

  #originalHost(destination: string): Host | undefined {
    const known = this.#original.get(destination);
    if (known !== undefined) return known;
    const [ip, port] = split(destination);
    const override = this.config.originalDstLbConfig?.upstreamPortOverride;
    if (ip === '' || !(port > 0)) return undefined;
    const host = new Host(ip, override === undefined ? port : Number(override), {}, onlyPlace, this.#environment.clock.now());
    if (this.#original.size >= maxOriginalHosts) this.#forgetOldest();
    this.#original.set(destination, host);
    return host;
  }

  #forgetOldest(): void {
    const oldest = this.#original.entries().next().value;
    if (oldest === undefined) return;
    this.#original.delete(oldest[0]);
    this.#dropPool(oldest[1].address);
  }
}

/** What chooses the transport socket for a host. */
function transportOf({ endpoint }: Host): string {
  return JSON.stringify(endpoint.metadata?.filterMetadata?.['envoy.transport_socket_match'] ?? {});
}

function split(destination: string): readonly [string, number] {
  const colon = destination.lastIndexOf(':');
  return [destination.slice(0, colon).replace(/^\[|\]$/g, ''), Number(destination.slice(colon + 1))];
}

/** From Istio's cluster metadata (`istio.services`), else from the name. */
function serviceOf(config: Cluster): string {
  const services = config.metadata?.filterMetadata?.['istio']?.['services'];
  const host = Array.isArray(services) ? (services[0] as { readonly host?: unknown } | null)?.host : undefined;
  return typeof host === 'string' ? host : (parseClusterName(config.name ?? '')?.host ?? '');
}

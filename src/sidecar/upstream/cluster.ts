import { createBalancer } from '../../features/load-balancing/cluster.ts';
import { origin, parseClusterName, type Cluster, type ClusterLoadAssignment, type Origin } from '../../xds/index.ts';
import type { LoadBalancer } from '../hooks.ts';
import type { ClusterEnvironment, UpstreamCluster, UpstreamHost } from '../runtime.ts';
import { Host, hostAddress } from './host.ts';
import { Http1Pool, type PoolContext } from './http1-pool.ts';
import { clusterLimits } from './limits.ts';
import type { HttpPool } from './pool.ts';

/** Makes a cluster that is in force until `close`. `assignment` is its EDS resource, when it has one and it has come. */
export function createCluster(config: Cluster, assignment: ClusterLoadAssignment | undefined, environment: ClusterEnvironment): UpstreamCluster {
  return new HttpCluster(config, assignment, environment);
}

/** Hosts of an ORIGINAL_DST cluster that are remembered; the oldest goes first. */
const maxOriginalHosts = 1024;

class HttpCluster implements UpstreamCluster {
  readonly name: string;
  readonly config: Cluster;
  readonly origin: Origin | undefined;
  readonly service: string;
  hosts: readonly Host[] = [];
  readonly #environment: ClusterEnvironment;
  readonly #context: PoolContext;
  readonly #pools = new Map<string, Http1Pool>();
  readonly #original = new Map<string, Host>();
  #balancer: LoadBalancer<Host>;

  constructor(config: Cluster, assignment: ClusterLoadAssignment | undefined, environment: ClusterEnvironment) {
    this.name = config.name ?? '';
    this.config = config;
    this.origin = origin(config.metadata);
    this.service = serviceOf(config);
    this.#environment = environment;
    this.#context = { cluster: this, limits: clusterLimits(config), use: { connections: 0, pending: 0, requests: 0 }, environment };
    this.#balancer = createBalancer<Host>(config, [], environment);
    this.update(assignment);
  }

  update(assignment: ClusterLoadAssignment | undefined): void {
    const before = new Map(this.hosts.map((host) => [host.address, host]));
    const transports = new Map(this.hosts.map((host) => [host.address, transportOf(host)]));
    this.hosts = hostsOf(assignment ?? this.config.loadAssignment, before);
    for (const host of this.hosts) {
      before.delete(host.address);
      // Connections were made with the transport that the host spoke then: mTLS switched off or on means new ones.
      if (transports.has(host.address) && transports.get(host.address) !== transportOf(host)) this.#dropPool(host.address);
    }
    for (const address of before.keys()) this.#dropPool(address);
    this.#balancer = createBalancer(this.config, fit(this.hosts), this.#environment);
  }

  pick(choice: { readonly hash?: number; readonly avoid?: ReadonlySet<string>; readonly originalDestination?: string }): UpstreamHost | undefined {
    if (this.config.type === 'ORIGINAL_DST') return choice.originalDestination === undefined ? undefined : this.#originalHost(choice.originalDestination);
    const { avoid } = choice;
    if (avoid !== undefined && avoid.size > 0) {
      const others = fit(this.hosts).filter(({ address }) => !avoid.has(address));
      if (others.length > 0) return others[Math.floor(this.#environment.random() * others.length)];
    }
    return this.#balancer.pick(choice.hash);
  }

  pool(host: UpstreamHost): HttpPool {
    let pool = this.#pools.get(host.address);
    if (pool === undefined) {
      pool = new Http1Pool(host as Host, this.#context);
      this.#pools.set(host.address, pool);
    }
    return pool;
  }

  close(): void {
    for (const address of [...this.#pools.keys()]) this.#dropPool(address);
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
    const host = new Host(ip, override === undefined ? port : Number(override), {}, 0);
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

function hostsOf(assignment: ClusterLoadAssignment | undefined, known: ReadonlyMap<string, Host>): readonly Host[] {
  const hosts = new Map<string, Host>();
  for (const locality of assignment?.endpoints ?? []) {
    const priority = locality.priority ?? 0;
    for (const endpoint of locality.lbEndpoints ?? []) {
      const socket = endpoint.endpoint?.address?.socketAddress;
      if (socket?.address === undefined || socket.portValue === undefined) continue;
      const address = hostAddress(socket.address, socket.portValue);
      const host = known.get(address) ?? new Host(socket.address, socket.portValue, endpoint, priority);
      host.refresh(endpoint, priority);
      hosts.set(address, host);
    }
  }
  return [...hosts.values()];
}

/** The healthy hosts of the best priority that has any; degraded ones only when there is nothing else. Panic threshold 0, as Istio sets it. */
function fit(hosts: readonly Host[]): readonly Host[] {
  const healthy = hosts.filter((host) => host.healthy && !host.degraded);
  const serving = healthy.length > 0 ? healthy : hosts.filter((host) => host.healthy);
  const best = Math.min(...serving.map(({ priority }) => priority));
  return serving.every(({ priority }) => priority === best) ? serving : serving.filter(({ priority }) => priority === best);
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

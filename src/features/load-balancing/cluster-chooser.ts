import type { BalancedHost, LoadBalancer, PlacedHost } from '../../sidecar/hooks.ts';
import type { Cluster } from '../../xds/index.ts';
import { createBalancer, type BalancerEnvironment } from './cluster.ts';
import { priorityLoads, type PriorityLoads, type PriorityRules } from './cluster-priority.ts';

/** Chooses among all hosts of a cluster; made anew when hosts or their health change. */
export interface HostChooser<Host> {
  /** `hash` decides for consistent-hash policies; `without` are priorities that were tried before, which others serve in place of where they can. */
  choose(hash: number | undefined, without?: ReadonlySet<number>): Host | undefined;
  /** A priority has so few healthy hosts that health does not count there any more. */
  readonly panic: boolean;
}

interface Level<Host> {
  readonly hosts: readonly Host[];
  readonly healthy: readonly Host[];
  readonly degraded: readonly Host[];
}

/** Priority first, then locality by weight where the cluster says so, then the cluster's policy among what is left. Source: Envoy, "Load balancing". */
export function createChooser<Host extends PlacedHost>(config: Cluster, hosts: readonly Host[], environment: BalancerEnvironment, overprovisioning = 140): HostChooser<Host> {
  const rules: PriorityRules = { overprovisioning, panicThreshold: Number(config.commonLbConfig?.healthyPanicThreshold === undefined ? 50 : (config.commonLbConfig.healthyPanicThreshold.value ?? 0)) };
  const levels = levelsOf(hosts);
  const loads = loadsOf(levels, rules);
  const places = { hosts: new Map<number, Place<Host>>(), healthy: new Map<number, Place<Host>>(), degraded: new Map<number, Place<Host>>() };
  const placeOf = (level: Level<Host>, at: number, kind: keyof typeof places): Place<Host> => {
    let place = places[kind].get(at);
    if (place === undefined) places[kind].set(at, place = makePlace(config, level[kind], kind === 'hosts' ? [] : level.hosts, environment, overprovisioning / 100));
    return place;
  };
  const hashes = config.lbPolicy === 'RING_HASH' || config.lbPolicy === 'MAGLEV';
  const pick = (given: PriorityLoads, hash: number | undefined): Host | undefined => {
    const point = hashes && hash !== undefined ? hash % 100 : environment.random() * 100;
    const [at, kind] = priorityAt(given, point);
    const level = levels[at];
    if (level === undefined) return undefined;
    return placeOf(level, at, given.panic[at] === true ? 'hosts' : kind).pick(hash);
  };
  return {
    panic: loads.panic.some(Boolean) && hosts.length > 0,
    choose: (hash, without) => pick(without === undefined || without.size === 0 ? loads : loadsWithout(levels, without, rules, loads), hash),
  };
}

interface Place<Host> {
  pick(hash: number | undefined): Host | undefined;
}

/** The hosts of a priority that may serve. Localities count when they are weighted; consistent hashing has them in the weights of the hosts instead. */
function makePlace<Host extends PlacedHost>(config: Cluster, serving: readonly Host[], all: readonly Host[], environment: BalancerEnvironment, spare: number): Place<Host> {
  const weights = config.commonLbConfig?.localityWeightedLbConfig === undefined ? [] : localityWeights(serving, all, spare);
  const total = weights.reduce((sum, { weight }) => sum + weight, 0);
  if (weights.length < 2 || total === 0) return createBalancer(config, serving, environment);
  if (config.lbPolicy === 'RING_HASH' || config.lbPolicy === 'MAGLEV') {
    const balancer = createBalancer(config, weights.flatMap(({ hosts, weight }) => hosts.map((host) => scaled(host, (host.weight * weight) / hosts.reduce((sum, one) => sum + one.weight, 0)))).filter(({ weight }) => weight > 0), environment);
    return { pick: (hash) => balancer.pick(hash)?.host };
  }
  const balancers: readonly { readonly weight: number; readonly balancer: LoadBalancer<Host> }[] = weights.map(({ hosts, weight }) => ({ weight, balancer: createBalancer(config, hosts, environment) }));
  return {
    pick(hash) {
      let left = environment.random() * total;
      for (const { weight, balancer } of balancers) {
        left -= weight;
        if (left < 0) return balancer.pick(hash);
      }
      return balancers.findLast(({ weight }) => weight > 0)?.balancer.pick(hash);
    },
  };
}

/** A locality's weight falls with its health, once it is too unhealthy to make up for it. */
function localityWeights<Host extends PlacedHost>(serving: readonly Host[], all: readonly Host[], spare: number): readonly { readonly hosts: readonly Host[]; readonly weight: number }[] {
  return [...new Set(serving.map(({ locality }) => locality))].map((locality) => {
    const hosts = serving.filter((host) => host.locality === locality);
    const there = all.filter((host) => host.locality === locality).length;
    return { hosts, weight: (hosts[0]?.localityWeight ?? 0) * Math.min(1, (spare * hosts.length) / Math.max(1, there)) };
  });
}

function scaled<Host extends BalancedHost>(host: Host, weight: number): BalancedHost & { readonly host: Host } {
  return { host, address: host.address, weight, get active() { return host.active; } };
}

function levelsOf<Host extends PlacedHost>(hosts: readonly Host[]): readonly Level<Host>[] {
  const worst = hosts.reduce((most, { priority }) => Math.max(most, priority), 0);
  return Array.from({ length: worst + 1 }, (_unused, priority) => {
    const here = hosts.filter((host) => host.priority === priority);
    return { hosts: here, healthy: here.filter(({ health }) => health === 'healthy'), degraded: here.filter(({ health }) => health === 'degraded') };
  });
}

function loadsOf<Host>(levels: readonly Level<Host>[], rules: PriorityRules): PriorityLoads {
  return priorityLoads(levels.map(({ hosts, healthy, degraded }) => ({ hosts: hosts.length, healthy: healthy.length, degraded: degraded.length })), rules);
}

/** As if the priorities that were tried had nobody; when that leaves nobody at all, all count again. Source: Envoy's `previous_priorities`. */
function loadsWithout<Host>(levels: readonly Level<Host>[], without: ReadonlySet<number>, rules: PriorityRules, all: PriorityLoads): PriorityLoads {
  const rest = levels.map((level, at) => (without.has(at) ? { hosts: level.hosts, healthy: [], degraded: [] } : level));
  return rest.some(({ healthy, degraded }) => healthy.length + degraded.length > 0) ? { ...loadsOf(rest, rules), panic: all.panic } : all;
}

function priorityAt({ healthy, degraded }: PriorityLoads, point: number): readonly [number, 'healthy' | 'degraded'] {
  let left = point;
  for (const kind of ['healthy', 'degraded'] as const) {
    const loads = kind === 'healthy' ? healthy : degraded;
    for (let at = 0; at < loads.length; at++) {
      left -= loads[at] as number;
      if (left < 0) return [at, kind];
    }
  }
  return [0, 'healthy'];
}

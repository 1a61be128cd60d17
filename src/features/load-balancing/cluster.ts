import type { BalancedHost, LoadBalancer } from '../../sidecar/hooks.ts';
import { milliseconds } from '../../util/envoy-json.ts';
import type { Cluster } from '../../xds/index.ts';
import { maglev, ring } from './cluster-hash.ts';

/** What balancers ask of the world. */
export interface BalancerEnvironment {
  /** In [0, 1). */
  random(): number;
  readonly clock: { now(): number };
}

/** Makes the load balancer of a cluster's policy for a set of hosts that are alike but for their weight. Source: Envoy, "Supported load balancers". */
export function createBalancer<Host extends BalancedHost>(config: Cluster, hosts: readonly Host[], environment: BalancerEnvironment): LoadBalancer<Host> {
  const random = (): number => environment.random();
  if (hosts.length <= 1) return { pick: () => hosts[0] };
  switch (config.lbPolicy) {
    case 'LEAST_REQUEST': return leastRequest(hosts, config.leastRequestLbConfig ?? {}, environment);
    case 'RANDOM': return { pick: () => weighted(hosts, random()) };
    case 'RING_HASH': return hashed(ring(hosts, ringSize(config)), random);
    case 'MAGLEV': return hashed(maglev(hosts, Number(config.maglevLbConfig?.tableSize ?? 65_537)), random);
    default: return roundRobin(hosts, slowStart(config.roundRobinLbConfig?.slowStartConfig, environment), random);
  }
}

function ringSize(config: Cluster): { readonly least: number; readonly most: number } {
  return { least: Number(config.ringHashLbConfig?.minimumRingSize ?? 1024), most: Number(config.ringHashLbConfig?.maximumRingSize ?? 8_388_608) };
}

/** In turn; hosts with weights by smooth weighted round robin. Starts at random, so that many clients do not march in step. */
function roundRobin<Host extends BalancedHost>(hosts: readonly Host[], factor: SlowStart, random: () => number): LoadBalancer<Host> {
  const turns = byWeight(hosts, (host) => host.weight * factor.of(host));
  const alike = equalWeights(hosts);
  let next = Math.floor(random() * hosts.length);
  return { pick: () => (alike && !factor.applies(hosts) ? hosts[next++ % hosts.length] : turns.pick()) };
}

/** The least busy of a few that are drawn (two, unless told otherwise); where weights differ, in turn by weight over busyness. */
function leastRequest<Host extends BalancedHost>(hosts: readonly Host[], config: NonNullable<Cluster['leastRequestLbConfig']>, environment: BalancerEnvironment): LoadBalancer<Host> {
  const choices = Math.max(2, Number(config.choiceCount ?? 2));
  const bias = Number(config.activeRequestBias?.defaultValue ?? 1);
  const factor = slowStart(config.slowStartConfig, environment);
  const turns = byWeight(hosts, (host) => (host.weight * factor.of(host)) / (host.active + 1) ** bias);
  const alike = equalWeights(hosts);
  return {
    pick() {
      if (!alike || factor.applies(hosts)) return turns.pick();
      let best: Host | undefined;
      for (let draw = 0; draw < choices; draw++) {
        const host = hosts[Math.floor(environment.random() * hosts.length)] as Host;
        if (best === undefined || host.active < best.active) best = host;
      }
      return best;
    },
  };
}

function equalWeights(hosts: readonly BalancedHost[]): boolean {
  return hosts.every(({ weight }) => weight === hosts[0]?.weight);
}

/** Each in proportion to its weight of the moment, a heavy one not many times in a row. */
function byWeight<Host>(hosts: readonly Host[], weightOf: (host: Host) => number): { pick(): Host | undefined } {
  const credit = hosts.map(() => 0);
  return {
    pick() {
      let best = 0;
      let total = 0;
      for (let index = 0; index < hosts.length; index++) {
        const weight = weightOf(hosts[index] as Host);
        total += weight;
        credit[index] = (credit[index] as number) + weight;
        if ((credit[index] as number) > (credit[best] as number)) best = index;
      }
      credit[best] = (credit[best] as number) - total;
      return hosts[best];
    },
  };
}

/** How much of its weight a new host has yet. */
interface SlowStart {
  of(host: BalancedHost): number;
  applies(hosts: readonly BalancedHost[]): boolean;
}

const always: SlowStart = { of: () => 1, applies: () => false };

/** Grows from a tenth (unless told otherwise) to all of it within the window. Source: Envoy, "Slow start mode". */
function slowStart(config: NonNullable<Cluster['roundRobinLbConfig']>['slowStartConfig'], { clock }: BalancerEnvironment): SlowStart {
  const span = milliseconds(config?.slowStartWindow) ?? 0;
  if (span === 0) return always;
  const aggression = Number(config?.aggression?.defaultValue ?? 1);
  const least = Number(config?.minWeightPercent?.value ?? 10) / 100;
  const isNew = ({ since = 0 }: BalancedHost): boolean => clock.now() - since < span;
  return {
    of: (host) => (isNew(host) ? Math.max(least, (Math.max(1, clock.now() - (host.since ?? 0)) / span) ** (1 / aggression)) : 1),
    applies: (hosts) => hosts.some(isNew),
  };
}

function weighted<Host extends BalancedHost>(hosts: readonly Host[], at: number): Host | undefined {
  let left = at * hosts.reduce((sum, { weight }) => sum + weight, 0);
  for (const host of hosts) {
    left -= host.weight;
    if (left < 0) return host;
  }
  return hosts.at(-1);
}

/** A request without a hash key goes anywhere. */
function hashed<Host>(find: (hash: number) => Host | undefined, random: () => number): { pick(hash: number | undefined): Host | undefined } {
  return { pick: (hash) => find(hash ?? Math.floor(random() * 0x1_0000_0000)) };
}

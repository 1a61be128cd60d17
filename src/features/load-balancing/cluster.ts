import type { BalancedHost, LoadBalancer } from '../../sidecar/hooks.ts';
import type { Cluster } from '../../xds/index.ts';
import { maglev, ring } from './cluster-hash.ts';

/** Makes the load balancer of a cluster's policy for a set of hosts. Source: Envoy, "Supported load balancers". */
export function createBalancer<Host extends BalancedHost>(config: Cluster, hosts: readonly Host[], environment: { random(): number }): LoadBalancer<Host> {
  const random = (): number => environment.random();
  if (hosts.length <= 1) return { pick: () => hosts[0] };
  switch (config.lbPolicy) {
    case 'LEAST_REQUEST': return leastRequest(hosts, Number(config.leastRequestLbConfig?.choiceCount ?? 2), random);
    case 'RANDOM': return { pick: () => weighted(hosts, random()) };
    case 'RING_HASH': return hashed(ring(hosts, ringSize(config)), random);
    case 'MAGLEV': return hashed(maglev(hosts, Number(config.maglevLbConfig?.tableSize ?? 65_537)), random);
    default: return roundRobin(hosts, random);
  }
}

function ringSize(config: Cluster): { readonly least: number; readonly most: number } {
  return { least: Number(config.ringHashLbConfig?.minimumRingSize ?? 1024), most: Number(config.ringHashLbConfig?.maximumRingSize ?? 8_388_608) };
}

/** In turn; hosts with weights by smooth weighted round robin, so that a heavy one is not picked many times in a row. Starts at random, so that many clients do not march in step. */
function roundRobin<Host extends BalancedHost>(hosts: readonly Host[], random: () => number): LoadBalancer<Host> {
  if (hosts.every(({ weight }) => weight === hosts[0]?.weight)) {
    let next = Math.floor(random() * hosts.length);
    return { pick: () => hosts[next++ % hosts.length] };
  }
  const total = hosts.reduce((sum, { weight }) => sum + weight, 0);
  const credit = hosts.map(() => 0);
  return {
    pick() {
      let best = 0;
      for (let index = 0; index < hosts.length; index++) {
        credit[index] = (credit[index] as number) + (hosts[index] as Host).weight;
        if ((credit[index] as number) > (credit[best] as number)) best = index;
      }
      credit[best] = (credit[best] as number) - total;
      return hosts[best];
    },
  };
}

/** The least busy of a few that are drawn; with weights, busyness counts per weight. */
function leastRequest<Host extends BalancedHost>(hosts: readonly Host[], choices: number, random: () => number): LoadBalancer<Host> {
  return {
    pick() {
      let best: Host | undefined;
      for (let draw = 0; draw < choices; draw++) {
        const host = hosts[Math.floor(random() * hosts.length)] as Host;
        if (best === undefined || (host.active + 1) / host.weight < (best.active + 1) / best.weight) best = host;
      }
      return best;
    },
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

import { isIP } from 'node:net';
import type { Cluster, ClusterLoadAssignment, LbEndpoint } from '../../xds/index.ts';
import type { Clock } from '../hooks.ts';
import type { UpstreamCluster } from '../runtime.ts';
import { durationMs } from './duration.ts';

/** Resolves a host name to IPv4 addresses. Rejects when it cannot. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Whether a cluster's hosts are names that have to be resolved. */
export function needsDns(config: Cluster): boolean {
  return config.type === 'STRICT_DNS' || config.type === 'LOGICAL_DNS';
}

/** Keeps a STRICT_DNS or LOGICAL_DNS cluster resolved: at once, then at its refresh rate. A failure keeps the last addresses. Returns how to stop. */
export function keepResolved(cluster: UpstreamCluster, resolve: Resolve, clock: Clock): () => void {
  let stopped = false;
  let cancel: (() => void) | undefined;
  const known = new Map<string, readonly string[]>();
  const run = async (): Promise<void> => {
    const assignment = await resolveAssignment(cluster.config, resolve, known);
    if (stopped) return;
    cluster.update(assignment);
    cancel = clock.after(durationMs(cluster.config.dnsRefreshRate, 5000), () => { void run(); });
  };
  void run();
  return () => { stopped = true; cancel?.(); };
}

async function resolveAssignment(config: Cluster, resolve: Resolve, known: Map<string, readonly string[]>): Promise<ClusterLoadAssignment> {
  const assignment = config.loadAssignment ?? {};
  const endpoints = await Promise.all((assignment.endpoints ?? []).map(async (locality) => ({
    ...locality, lbEndpoints: (await Promise.all((locality.lbEndpoints ?? []).map((endpoint) => resolveEndpoint(endpoint, config, resolve, known)))).flat(),
  })));
  return { ...assignment, endpoints };
}

async function resolveEndpoint(endpoint: LbEndpoint, config: Cluster, resolve: Resolve, known: Map<string, readonly string[]>): Promise<LbEndpoint[]> {
  const socket = endpoint.endpoint?.address?.socketAddress;
  const host = socket?.address ?? '';
  if (socket === undefined || isIP(host) !== 0) return [endpoint];
  const found = await resolve(host).catch(() => known.get(host) ?? []);
  known.set(host, found);
  const addresses = config.type === 'LOGICAL_DNS' ? found.slice(0, 1) : found;
  return addresses.map((address) => ({ ...endpoint, endpoint: { ...endpoint.endpoint, address: { socketAddress: { ...socket, address } } } }));
}

import { formatDuration } from '../../util/manifest-fields.ts';
import type { Cluster, HashPolicy } from '../../xds/index.ts';
import type { LoadBalancerSettings } from './manifest.ts';

type Balancing = Pick<Cluster, 'lbPolicy' | 'ringHashLbConfig' | 'maglevLbConfig' | 'leastRequestLbConfig' | 'roundRobinLbConfig'>;

const simplePolicies = { UNSPECIFIED: 'LEAST_REQUEST', LEAST_CONN: 'LEAST_REQUEST', LEAST_REQUEST: 'LEAST_REQUEST', RANDOM: 'RANDOM', ROUND_ROBIN: 'ROUND_ROBIN', PASSTHROUGH: 'CLUSTER_PROVIDED' } as const;
/** Istio's floor for the hash ring. */
const minimumRingSize = '1024';

/** Whether connections go where the caller meant, unbalanced. */
export function isPassthrough(settings: LoadBalancerSettings | undefined): boolean {
  return settings?.simple === 'PASSTHROUGH';
}

/** How a cluster chooses among its endpoints; Istio's default is least request. */
export function compileLoadBalancing(settings: LoadBalancerSettings | undefined): Balancing {
  const table = settings?.consistentHash?.table;
  if (table?.kind === 'maglev') return { lbPolicy: 'MAGLEV', ...(table.tableSize === undefined ? {} : { maglevLbConfig: { tableSize: String(table.tableSize) } }) };
  if (table?.kind === 'ringHash') return { lbPolicy: 'RING_HASH', ringHashLbConfig: { minimumRingSize: table.minimumRingSize === undefined ? minimumRingSize : String(table.minimumRingSize) } };
  const lbPolicy = simplePolicies[settings?.simple ?? 'UNSPECIFIED'];
  const slowStartConfig = slowStart(settings);
  if (slowStartConfig === undefined) return { lbPolicy };
  if (lbPolicy === 'LEAST_REQUEST') return { lbPolicy, leastRequestLbConfig: { slowStartConfig } };
  return lbPolicy === 'ROUND_ROBIN' ? { lbPolicy, roundRobinLbConfig: { slowStartConfig } } : { lbPolicy };
}

/** How new endpoints are warmed up; the short form counts only where the long one is not written. */
function slowStart(settings: LoadBalancerSettings | undefined): NonNullable<NonNullable<Cluster['roundRobinLbConfig']>['slowStartConfig']> | undefined {
  const { warmup, warmupDurationSecs } = settings ?? {};
  const window = warmup?.duration ?? warmupDurationSecs;
  if (window === undefined) return undefined;
  return {
    slowStartWindow: formatDuration(window),
    ...(warmup?.aggression === undefined ? {} : { aggression: { defaultValue: warmup.aggression } }),
    ...(warmup?.minimumPercent === undefined ? {} : { minWeightPercent: { value: warmup.minimumPercent } }),
  };
}

/** What requests to such a cluster are hashed by; none without consistent hashing. */
export function compileHashPolicy(settings: LoadBalancerSettings | undefined): HashPolicy[] {
  const key = settings?.consistentHash?.key;
  switch (key?.kind) {
    case 'header': return [{ header: { headerName: key.name } }];
    case 'queryParameter': return [{ queryParameter: { name: key.name } }];
    case 'sourceIp': return key.enabled ? [{ connectionProperties: { sourceIp: true } }] : [];
    case 'cookie': {
      const { name, path, ttl, attributes } = key;
      return [{ cookie: { name, ...(path === '' ? {} : { path }), ...(ttl === undefined ? {} : { ttl: formatDuration(ttl) }), ...(attributes.length === 0 ? {} : { attributes: [...attributes] }) } }];
    }
    default: return [];
  }
}

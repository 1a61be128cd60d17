import type { ClusterLimits, ClusterUse } from '../../features/circuit-breaking/cluster.ts';
import type { ClusterEnvironment, UpstreamCluster } from '../runtime.ts';
import type { ClusterCounters } from './counters.ts';

/** What the pools of one cluster share, whatever protocol they speak. They keep `use` and `counters`, and hold to `limits`. */
export interface PoolContext {
  readonly cluster: UpstreamCluster;
  readonly limits: ClusterLimits;
  readonly use: ClusterUse;
  readonly counters: ClusterCounters;
  readonly environment: ClusterEnvironment;
}

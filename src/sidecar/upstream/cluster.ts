import type { Cluster, ClusterLoadAssignment } from '../../xds/index.ts';
import type { ClusterEnvironment, UpstreamCluster } from '../runtime.ts';

/** Makes a cluster that is in force until `close`. `assignment` is its EDS resource, when it has one and it has come. */
export function createCluster(config: Cluster, assignment: ClusterLoadAssignment | undefined, environment: ClusterEnvironment): UpstreamCluster {
  void assignment; void environment;
  throw new Error(`cluster ${config.name ?? ''} is not built yet`);
}

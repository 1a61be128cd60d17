/** Istio's cluster name, taken apart: `outbound|9080|v1|reviews.default.svc.cluster.local`. */
export interface ClusterName {
  readonly direction: 'outbound' | 'inbound';
  /** The service port (outbound) or the workload port (inbound). */
  readonly port: number;
  /** Empty when the cluster is not a subset. */
  readonly subset: string;
  /** Fully qualified host; empty for inbound clusters. */
  readonly host: string;
}

/** Formats a cluster name as Istio does. */
export function clusterName({ direction, port, subset, host }: ClusterName): string {
  return `${direction}|${port}|${subset}|${host}`;
}

/** Takes a cluster name apart; `undefined` for names such as `PassthroughCluster`. */
export function parseClusterName(name: string): ClusterName | undefined {
  const [direction, port, subset, host] = name.split('|');
  if ((direction !== 'outbound' && direction !== 'inbound') || host === undefined || subset === undefined) return undefined;
  return { direction, port: Number(port), subset, host };
}

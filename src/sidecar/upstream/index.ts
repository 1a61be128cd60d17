export { createCluster } from './cluster.ts';
export type { Exchange, HttpPool, Pending } from './pool.ts';

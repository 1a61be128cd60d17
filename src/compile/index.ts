/** Resources and pods in, one Envoy config per proxy out. Pure. */
export { defaultMeshConfig, type MeshConfig } from './mesh-config.ts';
export type { MeshSnapshot, PodInfo, PodPort, ProxyNode } from './types.ts';

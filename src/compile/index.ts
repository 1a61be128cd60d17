/** Resources and pods in, one Envoy config per proxy out. Pure. */
export { defaultMeshConfig, meshConfigFrom, type MeshConfig, type OutboundTrafficPolicy } from './mesh-config.ts';
export type { MeshSnapshot, PodInfo, PodPort, ProxyNode } from './types.ts';
export { compile, compileFor } from './compile.ts';
export { environmentOf } from './proxy-environment.ts';
export { prepareSnapshot, type SnapshotIndex } from './snapshot-index.ts';
export { canonicalName, canonicalRevision } from './load-assignments.ts';
export { servicePortProtocol, type PortProtocol, type ProtocolKind } from './protocol.ts';
export { simulate, type SimulatedCall, type SimulationError, type SimulationResult } from './simulate.ts';
export { explain } from './explain.ts';
export { verifyTokens, type KnownTokens } from './tokens.ts';
export type { Explained, ExplainedCluster, ExplainCall, ExplainStep } from './explain-types.ts';
export { exportsOf } from './model.ts';
export { hostsOverlap, resolveGateway, resolveHost } from './hosts.ts';
export { ingressGateways } from './ingress.ts';
export { gatewayServices, gatewayStatus, managedGateways, type Condition, type ManagedGateway, type ResourceStatus } from './gateway-api/index.ts';
export { keySources, type WantedKeys } from './authorization.ts';
export { rateLimitDomains, findLimit, type FoundLimit } from './rate-limits.ts';

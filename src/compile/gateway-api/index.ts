/** The Gateway API: what its resources compile as, and what they say of themselves. Pure. */
export type { BackendTls, ServiceTls } from './backend-tls.ts';
export { convertGateways, judgeGateways, type ConvertedGateways, type JudgedGateways } from './convert.ts';
export { gatewayStatus, type Condition, type ResourceStatus } from './status.ts';
export { gatewayServices, managedGateways, type ManagedGateway } from './deployment.ts';

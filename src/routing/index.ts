/** Listener, filter-chain and route matching on Envoy's config: the code that both `simulate` and the sidecar run. Pure. */
export type { ConnectionFacts, ListenerMatch, Rejected, RequestFacts, RouteMatch, RouteTable } from './types.ts';

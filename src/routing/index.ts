/** Listener, filter-chain and route matching on Envoy's config: the code that both `simulate` and the sidecar run. Pure. */
export type { ConnectionFacts, ListenerMatch, ListenerTable, PreparedListener, Rejected, RequestFacts, RouteMatch, RouteTable } from './types.ts';
export { prepareRoutes, routeTitle, describeRoute } from './route-table.ts';
export { chainTitle } from './filter-chains.ts';
export { prepareListeners, addressesOf } from './listeners.ts';
export { withoutPort } from './virtual-hosts.ts';
export { compileString, type StringTest } from './string-matcher.ts';
export type { AccessFacts } from './access/types.ts';
export { prepareAccess, type AccessDecision, type AccessRules, type Miss } from './access/rules.ts';
export { prepareAccessFilter, type AccessFilter, type AccessStep, type AccessVerdict } from './access/filter.ts';
export { compileMetadata, type MetadataTest } from './access/metadata.ts';
export { normalizePath, pathRules, pathWithFragment, type PathRules } from './normalize-path.ts';
export { prepareMatch, queryParameter, pathOnly } from './route-matcher.ts';
export {
  changeRequestHeaders, changeResponseHeaders, formatValue, headerLevels, prepareRewrite, redirectOf, rewrittenAuthority, tlsRedirectOf,
  type MutableHeaders, type Substitute,
} from './effects.ts';
export { findTokens, withoutParameter, withoutToken, type FoundToken, type TokenCarrier, type TokenPlace } from './tokens/find.ts';
export { judgeTokens, missing, providerKey, providerVerdict, requirementFor, type ProviderVerdict } from './tokens/judge.ts';
export { claimMetadata } from './tokens/claims.ts';
export { keysUnknown, prepareVerifier, statusOf, unverifiedClaims, type TokenRefusal, type TokenVerdict, type TokenVerifier } from './tokens/verify.ts';

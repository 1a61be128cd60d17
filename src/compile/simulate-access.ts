import { normalizePath, pathRules, prepareAccessFilter, type AccessFacts, type AccessStep } from '../routing/index.ts';
import { ruleOrigins, typeUrl, type FilterChain, type HttpConnectionManager, type Listener, type RbacFilter } from '../xds/index.ts';
import type { SimulatedCall } from './simulate.ts';

/** What authorization says of a call at one proxy. */
export interface SimulatedAccess {
  /** Envoy's details of the denial; empty when the call is let in. */
  readonly denied: string;
  readonly steps: readonly AccessStep[];
}

/**
 * Runs a call through the authorization of a filter chain, by the evaluator that the proxies run. The first filter that denies has the last word.
 * Tokens are not verified here, so that rules about them do not match.
 */
export function simulateAccess(listener: Listener, chain: FilterChain, call: SimulatedCall): SimulatedAccess {
  const manager = (chain.filters ?? []).map(({ typedConfig }) => typedConfig as Typed<HttpConnectionManager>).find((config) => config?.['@type'] === typeUrl.httpConnectionManager);
  const filters = manager === undefined ? (chain.filters ?? []) : (manager.httpFilters ?? []);
  const facts = factsOf(call, manager);
  const steps: AccessStep[] = [];
  for (const { typedConfig } of filters) {
    const config = typedConfig as Typed<RbacFilter>;
    if (config?.['@type'] !== typeUrl.rbac && config?.['@type'] !== typeUrl.networkRbac) continue;
    const filter = prepareAccessFilter(config, ruleOrigins(listener.metadata));
    const verdict = filter.judge(facts);
    steps.push(...filter.steps(facts, verdict));
    if (!verdict.allowed) return { denied: verdict.details, steps };
  }
  return { denied: '', steps };
}

type Typed<Config> = (Config & { readonly '@type'?: string }) | undefined;

function factsOf({ request, principal = '', sourceIp, destinationIp, destinationPort, serverName, tls }: SimulatedCall, manager: HttpConnectionManager | undefined): AccessFacts {
  const path = manager === undefined ? undefined : normalizePath(request.path, pathRules(manager))?.path;
  return {
    request: manager === undefined ? undefined : { ...request, path: path ?? request.path, header: (name) => request.header(name) },
    principal: tls === 'mtls' ? principal : '', directIp: sourceIp, remoteIp: sourceIp, destinationIp, destinationPort, serverName, metadata: () => undefined,
  };
}

import { compileMetadata, normalizePath, pathRules, prepareAccessFilter, type AccessFacts, type AccessStep, type RequestFacts } from '../routing/index.ts';
import { ruleOrigins, typeUrl, type ExtAuthz, type FilterChain, type HttpConnectionManager, type JwtAuthentication, type Listener, type RbacFilter } from '../xds/index.ts';
import type { SimulatedCall } from './simulate.ts';
import { simulateTokens } from './tokens.ts';

/** What authorization says of a call at one proxy. */
export interface SimulatedAccess {
  /** Envoy's details of the denial; empty when the call is let in. */
  readonly denied: string;
  /** The status of the denial of a request; 403 when absent. */
  readonly status?: number;
  /** Providers that would be asked: what they say is known only live. */
  readonly asked: readonly string[];
  readonly steps: readonly AccessStep[];
  /** The request as it goes on: with what its tokens say, without those that are not forwarded. */
  readonly request: RequestFacts;
}

/**
 * Runs a call through the authorization of a filter chain, by the evaluator that the proxies run. The first filter that denies has the last word.
 * Tokens count as far as the call says what is known of them.
 */
export function simulateAccess(listener: Listener, chain: FilterChain, call: SimulatedCall): SimulatedAccess {
  const manager = (chain.filters ?? []).map(({ typedConfig }) => typedConfig as Typed<HttpConnectionManager>).find((config) => config?.['@type'] === typeUrl.httpConnectionManager);
  const filters = manager === undefined ? (chain.filters ?? []) : (manager.httpFilters ?? []);
  const origins = ruleOrigins(listener.metadata);
  let facts = factsOf(call, manager);
  let { request } = call;
  const steps: AccessStep[] = [];
  const asked: string[] = [];
  let shadow: Readonly<Record<string, unknown>> = {};
  for (const { typedConfig } of filters) {
    const check = checkOf(typedConfig);
    if (check !== undefined && asks(check, shadow)) {
      const provider = (check.statPrefix ?? '').replace(/^tcp\./, '');
      asked.push(provider);
      steps.push({ stage: 'filter', what: `envoy.filters.http.ext_authz: asks ${provider}`, why: `${askedAt(check)} decides; its outcome is known only live` });
    }
    const tokens = tokensOf(typedConfig);
    if (tokens !== undefined && call.tokens !== undefined && facts.request !== undefined) {
      const judged = simulateTokens(tokens, facts.request, call.tokens, origins);
      steps.push(...judged.steps);
      asked.push(...judged.asked);
      if (judged.refused !== undefined) return { denied: judged.refused.details, status: judged.refused.status, asked, steps, request };
      const metadata = (filter: string): unknown => judged.metadata[filter];
      request = { ...judged.request, path: request.path === facts.request.path ? judged.request.path : request.path, metadata };
      facts = { ...facts, request: { ...judged.request, metadata }, metadata };
    }
    const config = typedConfig as Typed<RbacFilter>;
    if (config?.['@type'] !== typeUrl.rbac && config?.['@type'] !== typeUrl.networkRbac) continue;
    const filter = prepareAccessFilter(config, origins);
    const verdict = filter.judge(facts);
    steps.push(...filter.steps(facts, verdict));
    if (!verdict.allowed) return { denied: verdict.details, asked, steps, request };
    if (verdict.shadow !== undefined) shadow = { ...shadow, [`${filter.shadowPrefix}shadow_effective_policy_id`]: verdict.shadow.policy };
  }
  return { denied: '', asked, steps, request };
}

function tokensOf(typedConfig: unknown): JwtAuthentication | undefined {
  const config = typedConfig as Typed<JwtAuthentication>;
  return config?.['@type'] === typeUrl.jwt ? config : undefined;
}

function checkOf(typedConfig: unknown): ExtAuthz | undefined {
  const config = typedConfig as Typed<ExtAuthz>;
  return config?.['@type'] === typeUrl.extAuthz || config?.['@type'] === typeUrl.networkExtAuthz ? config : undefined;
}

/** Whether what the rules before it left makes a check ask. */
function asks({ filterEnabledMetadata }: ExtAuthz, shadow: Readonly<Record<string, unknown>>): boolean {
  if (filterEnabledMetadata === undefined) return true;
  const test = compileMetadata(filterEnabledMetadata);
  return test.test(test.pick(shadow));
}

function askedAt({ httpService, grpcService }: ExtAuthz): string {
  return httpService === undefined ? `gRPC service ${grpcService?.envoyGrpc?.clusterName ?? ''}` : `HTTP service ${httpService.serverUri?.cluster ?? ''}`;
}

type Typed<Config> = (Config & { readonly '@type'?: string }) | undefined;

function factsOf({ request, principal = '', sourceIp, destinationIp, destinationPort, serverName, tls }: SimulatedCall, manager: HttpConnectionManager | undefined): AccessFacts {
  const path = manager === undefined ? undefined : normalizePath(request.path, pathRules(manager))?.path;
  return {
    request: manager === undefined ? undefined : { ...request, path: path ?? request.path, header: (name) => request.header(name) },
    principal: tls === 'mtls' ? principal : '', directIp: sourceIp, remoteIp: sourceIp, destinationIp, destinationPort, serverName, metadata: () => undefined,
  };
}

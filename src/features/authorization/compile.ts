import { any, typeUrl, type HttpFilterConfig, type NetworkFilter, type Origin, type RbacFilter, type RbacPolicy, type RbacRules } from '../../xds/index.ts';
import type { AuthorizationPolicy } from './manifest.ts';
import { askedPrefix, badSuffix, httpCheck, networkCheck, shadowPrefix, type Authorizer } from './compile-external.ts';
import { compileRule, type StandIn } from './compile-rule.ts';
import { trustDomains, type TrustDomains } from './compile-principals.ts';

/** A policy that applies to a workload. */
export interface AppliedPolicy {
  readonly name: string;
  readonly namespace: string;
  readonly spec: AuthorizationPolicy;
  /** Annotation `istio.io/dry-run`: it is tried out and decides nothing. */
  readonly dryRun: boolean;
  /** Where each rule is written. */
  origin(rule: number): Origin;
}

/** Names of the filters, as Envoy's. */
export const rbacFilters = { http: 'envoy.filters.http.rbac', network: 'envoy.filters.network.rbac' } as const;
/** Names of the filters that ask a provider, as Envoy's. */
export const checkFilters = { http: 'envoy.filters.http.ext_authz', network: 'envoy.filters.network.ext_authz' } as const;

/** Policies that the proxy decides itself, in the order in which their actions are judged. */
const order = ['AUDIT', 'DENY', 'ALLOW'] as const;
export type RbacAction = (typeof order)[number] | 'CUSTOM';

/** A rule of CUSTOM denies only by what its provider says, or where the provider cannot be asked. */
const actions = { AUDIT: 'LOG', DENY: 'DENY', ALLOW: 'ALLOW', CUSTOM: 'DENY' } as const;

/** What policies are compiled for. */
export interface AccessContext {
  readonly trust: TrustDomains;
  readonly stands: StandIn | undefined;
  /** Who is asked for policies of CUSTOM, by the name of the provider; without one, what such a policy covers is denied. */
  readonly authorizers?: ReadonlyMap<string, Authorizer>;
}

export { trustDomains, type Authorizer, type StandIn };

type Context = AccessContext & { readonly protocol: 'http' | 'tcp' };

/** Istio's name of a rule. */
export function ruleName({ namespace, name }: Pick<AppliedPolicy, 'namespace' | 'name'>, rule: number): string {
  return `ns[${namespace}]-policy[${name}]-rule[${rule}]`;
}

/** Names under which a rule may stand in config. */
export function ruleNames(policy: Pick<AppliedPolicy, 'namespace' | 'name'>, rule: number): readonly string[] {
  const name = ruleName(policy, rule);
  return [name, `${askedPrefix}${name}`, `${name}${badSuffix}`];
}

/** The HTTP filters of policies that the proxy decides itself; one per action that is in use. */
export function httpAccess(policies: readonly AppliedPolicy[], context: AccessContext): readonly HttpFilterConfig[] {
  return order.flatMap((action) => configs(policies, action, { ...context, protocol: 'http' })).map(httpRbac);
}

/** The same for connections that are not HTTP. */
export function networkAccess(policies: readonly AppliedPolicy[], context: AccessContext): readonly NetworkFilter[] {
  return order.flatMap((action) => configs(policies, action, { ...context, protocol: 'tcp' })).map(networkRbac);
}

/** The HTTP filters of CUSTOM policies: for each provider, one that finds out whether it is to be asked, and one that asks. They come before all others. */
export function httpExternal(policies: readonly AppliedPolicy[], context: AccessContext): readonly HttpFilterConfig[] {
  return external(policies, { ...context, protocol: 'http' }).flatMap(({ rules, authorizer }) => [
    httpRbac(rules), ...(authorizer === undefined ? [] : [{ name: checkFilters.http, typedConfig: any(typeUrl.extAuthz, httpCheck(authorizer, rbacFilters.http)) }]),
  ]);
}

/** The same for connections that are not HTTP. */
export function networkExternal(policies: readonly AppliedPolicy[], context: AccessContext): readonly NetworkFilter[] {
  return external(policies, { ...context, protocol: 'tcp' }).flatMap(({ rules, authorizer }) => {
    const check = authorizer === undefined ? undefined : networkCheck(authorizer, rbacFilters.network);
    return [networkRbac(rules), ...(check === undefined ? [] : [{ name: checkFilters.network, typedConfig: any(typeUrl.networkExtAuthz, check) }])];
  });
}

function httpRbac(config: RbacFilter): HttpFilterConfig {
  return { name: rbacFilters.http, typedConfig: any(typeUrl.rbac, config) };
}

/** Envoy's network filter has the fields of the HTTP one, and asks for a prefix. */
function networkRbac(config: RbacFilter): NetworkFilter {
  return { name: rbacFilters.network, typedConfig: any(typeUrl.networkRbac, { ...config, statPrefix: 'tcp.' }) };
}

/** Per provider: rules that say what it is asked about; where it cannot be asked, rules that deny just that. */
function external(policies: readonly AppliedPolicy[], context: Context): readonly { readonly rules: RbacFilter; readonly authorizer: Authorizer | undefined }[] {
  const custom = policies.filter(({ spec }) => spec.action === 'CUSTOM');
  const enforced = custom.filter(({ dryRun }) => !dryRun);
  const tried = custom.filter(({ dryRun }) => dryRun);
  return [
    ...[...new Set(enforced.map(providerOf))].map((provider) => {
      const own = enforced.filter((policy) => providerOf(policy) === provider);
      const authorizer = context.authorizers?.get(provider);
      if (authorizer === undefined || (context.protocol === 'tcp' && authorizer.kind === 'http')) return { rules: { rules: compileRules(own, 'CUSTOM', context, ['', badSuffix]) }, authorizer: undefined };
      return { rules: { shadowRules: compileRules(own, 'CUSTOM', context, [askedPrefix, '']), shadowRulesStatPrefix: shadowPrefix(provider) }, authorizer };
    }),
    ...(tried.length === 0 ? [] : [{ rules: { shadowRules: compileRules(tried, 'CUSTOM', context), shadowRulesStatPrefix: 'istio_dry_run_custom_' }, authorizer: undefined }]),
  ];
}

function providerOf({ spec }: AppliedPolicy): string {
  return spec.provider?.name ?? '';
}

function configs(policies: readonly AppliedPolicy[], action: (typeof order)[number], context: Context): readonly RbacFilter[] {
  const own = policies.filter(({ spec }) => spec.action === action);
  const enforced = own.filter(({ dryRun }) => !dryRun);
  const tried = own.filter(({ dryRun }) => dryRun);
  if (own.length === 0) return [];
  return [{
    ...(enforced.length === 0 ? {} : { rules: compileRules(enforced, action, context) }),
    ...(tried.length === 0 ? {} : { shadowRules: compileRules(tried, action, context) }),
    shadowRulesStatPrefix: `istio_dry_run_${action.toLowerCase()}_`,
  }];
}

/** The rules of all policies of one action. A policy without rules matches nothing; an ALLOW rule that cannot be judged on TCP is left out, so that it allows nothing. */
export function compileRules(policies: readonly AppliedPolicy[], action: RbacAction, context: Context, [before, after]: readonly [string, string] = ['', '']): RbacRules {
  const compiled: Record<string, RbacPolicy> = {};
  for (const policy of policies) {
    const rules = policy.spec.rules ?? [];
    if (rules.length === 0) compiled[`${before}${ruleName(policy, 0)}${after}`] = never;
    for (const [at, rule] of rules.entries()) {
      const made = compileRule(rule, { ...context, namespace: policy.namespace, dropUnknown: action !== 'ALLOW' });
      if (made !== undefined) compiled[`${before}${ruleName(policy, at)}${after}`] = made;
    }
  }
  return { action: actions[action], policies: compiled };
}

const never: RbacPolicy = { permissions: [{ notRule: { any: true } }], principals: [{ notId: { any: true } }] };

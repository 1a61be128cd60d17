import { any, typeUrl, type HttpFilterConfig, type NetworkFilter, type Origin, type RbacFilter, type RbacPolicy, type RbacRules } from '../../xds/index.ts';
import type { AuthorizationPolicy } from './manifest.ts';
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

/** Policies in the order in which their actions are judged. Nobody can be asked for CUSTOM yet, so what it covers is denied: an authorizer that is missing never lets in. */
const order = ['CUSTOM', 'AUDIT', 'DENY', 'ALLOW'] as const;
export type RbacAction = (typeof order)[number];

const actions = { AUDIT: 'LOG', DENY: 'DENY', ALLOW: 'ALLOW', CUSTOM: 'DENY' } as const;

/** What policies are compiled for. */
export interface AccessContext {
  readonly trust: TrustDomains;
  readonly stands: StandIn | undefined;
}

export { trustDomains, type StandIn };

type Context = AccessContext & { readonly protocol: 'http' | 'tcp' };

/** Istio's name of a rule. */
export function ruleName({ namespace, name }: Pick<AppliedPolicy, 'namespace' | 'name'>, rule: number): string {
  return `ns[${namespace}]-policy[${name}]-rule[${rule}]`;
}

/** The HTTP filters of authorization policies; one per action that is in use. */
export function httpAccess(policies: readonly AppliedPolicy[], context: AccessContext): readonly HttpFilterConfig[] {
  return order.flatMap((action) => configs(policies, action, { ...context, protocol: 'http' })).map((config) => ({ name: rbacFilters.http, typedConfig: any(typeUrl.rbac, config) }));
}

/** The same for connections that are not HTTP. Envoy's network filter has the fields of the HTTP one, and asks for a prefix. */
export function networkAccess(policies: readonly AppliedPolicy[], context: AccessContext): readonly NetworkFilter[] {
  return order.flatMap((action) => configs(policies, action, { ...context, protocol: 'tcp' })).map((config) => ({ name: rbacFilters.network, typedConfig: any(typeUrl.networkRbac, { ...config, statPrefix: 'tcp.' }) }));
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
export function compileRules(policies: readonly AppliedPolicy[], action: RbacAction, context: Context, prefix = ''): RbacRules {
  const compiled: Record<string, RbacPolicy> = {};
  for (const policy of policies) {
    const rules = policy.spec.rules ?? [];
    if (rules.length === 0) compiled[`${prefix}${ruleName(policy, 0)}`] = never;
    for (const [at, rule] of rules.entries()) {
      const made = compileRule(rule, { ...context, namespace: policy.namespace, dropUnknown: action !== 'ALLOW' });
      if (made !== undefined) compiled[`${prefix}${ruleName(policy, at)}`] = made;
    }
  }
  return { action: actions[action], policies: compiled };
}

const never: RbacPolicy = { permissions: [{ notRule: { any: true } }], principals: [{ notId: { any: true } }] };

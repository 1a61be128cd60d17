import type { Origin, RbacFilter, RuleOrigins } from '../../xds/index.ts';
import { prepareAccess, type AccessDecision, type AccessRules } from './rules.ts';
import type { AccessFacts } from './types.ts';
import type { Rejected } from '../types.ts';

/** What was decided, and why, as a step of a decision. */
export interface AccessStep {
  readonly stage: 'filter';
  readonly what: string;
  readonly why: string;
  readonly origin?: Origin;
  readonly rejected?: readonly Rejected[];
}

/** What a filter's rules say of a request. */
export interface AccessVerdict {
  readonly allowed: boolean;
  /** Envoy's details when it is not allowed: `rbac_access_denied_matched_policy[ns[foo]-policy[bar]-rule[0]]`; else empty. */
  readonly details: string;
  /** What rules that are only tried out say. */
  readonly shadow: AccessDecision | undefined;
}

/** An RBAC filter's config, made ready. */
export interface AccessFilter {
  readonly shadowPrefix: string;
  judge(facts: AccessFacts): AccessVerdict;
  /** What {@link AccessFilter.judge} said, in plain words. */
  steps(facts: AccessFacts, verdict: AccessVerdict): readonly AccessStep[];
}

/** Compiles an RBAC filter, for HTTP or for connections. Throws on what we cannot judge: the config is then refused. Source: Envoy, RBAC filter. */
export function prepareAccessFilter(config: RbacFilter, origins: RuleOrigins): AccessFilter {
  if (config.matcher !== undefined || config.shadowMatcher !== undefined) throw new Error('RBAC matchers are not supported');
  const rules = config.rules === undefined ? undefined : prepareAccess(config.rules);
  const shadow = config.shadowRules === undefined ? undefined : prepareAccess(config.shadowRules);
  const verdictOf = ({ allowed, policy }: AccessDecision, shadowed: AccessDecision | undefined): AccessVerdict => ({ allowed, details: allowed ? '' : `rbac_access_denied_matched_policy[${policy === '' ? 'none' : policy}]`, shadow: shadowed });
  const passed = verdictOf({ allowed: true, policy: '' }, undefined);
  return {
    shadowPrefix: config.shadowRulesStatPrefix ?? '',
    judge(facts) {
      const decision = rules?.decide(facts);
      const shadowed = shadow?.decide(facts);
      return (decision === undefined || decision.allowed) && shadowed === undefined ? passed : verdictOf(decision ?? { allowed: true, policy: '' }, shadowed);
    },
    steps: (facts, verdict) => [
      ...(rules === undefined ? [] : [stepOf(rules, rules.decide(facts), facts, origins)]),
      ...(shadow === undefined || verdict.shadow === undefined ? [] : [shadowStep(config.shadowRulesStatPrefix ?? '', shadow, verdict.shadow, facts, origins)]),
    ],
  };
}

const name = 'envoy.filters.http.rbac';

/** `ns[foo]-policy[bar]-rule[0]` as people say it: policy foo/bar, rule 1. */
export function policyWords(policy: string): string {
  const [, namespace, policyName, rule] = /^(?:istio-ext-authz-)?ns\[([^\]]*)\]-policy\[([^\]]*)\]-rule\[(\d+)\](?:-deny-due-to-bad-CUSTOM-action)?$/.exec(policy) ?? [];
  return namespace === undefined || policyName === undefined ? policy : `${namespace}/${policyName} rule ${Number(rule) + 1}`;
}

function stepOf(rules: AccessRules, decision: AccessDecision, facts: AccessFacts, origins: RuleOrigins): AccessStep {
  const { allowed, policy } = decision;
  const verb = rules.action === 'LOG' ? 'audited' : allowed ? 'allowed' : 'denied';
  return { stage: 'filter', what: `${name}: ${rules.action === 'LOG' && policy === '' ? 'not audited' : verb}`, ...reason(rules, decision, facts, origins) };
}

/** Tried out only: what would have happened. */
function shadowStep(prefix: string, rules: AccessRules, decision: AccessDecision, facts: AccessFacts, origins: RuleOrigins): AccessStep {
  const provider = /^istio_ext_authz_(.*?)_?$/.exec(prefix)?.[1];
  const would = prefix === 'istio_dry_run_custom_' ? `its provider would ${decision.policy === '' ? 'not ' : ''}be asked` : `would be ${decision.allowed ? 'allowed' : 'denied'}`;
  const what = provider === undefined ? `dry run, ${would}` : `${provider} ${decision.policy === '' ? 'is not to be asked' : 'is to be asked'}`;
  const kind = provider !== undefined || prefix === 'istio_dry_run_custom_' ? 'CUSTOM' : undefined;
  return { stage: 'filter', what: `${name}: ${what}`, ...reason(rules, decision, facts, origins, kind) };
}

function reason(rules: AccessRules, { policy }: AccessDecision, facts: AccessFacts, origins: RuleOrigins, kind: string = rules.action === 'LOG' ? 'AUDIT' : rules.action): Pick<AccessStep, 'why' | 'origin' | 'rejected'> {
  if (policy !== '') return { why: `${policyWords(policy)} matches${policy.endsWith('-bad-CUSTOM-action') ? ', and its provider cannot be asked' : ''}`, ...at(origins, policy) };
  const missed = rules.misses(facts);
  const [nearest] = missed;
  const rejected = missed.map((miss) => ({ what: policyWords(miss.policy), why: miss.misses.join('; '), ...at(origins, miss.policy) }));
  const near = nearest === undefined ? '' : `: ${policyWords(nearest.policy)} would have matched but for ${nearest.misses.join(' and ')}`;
  return { why: `no ${kind} policy matches${near}`, ...(nearest === undefined ? {} : at(origins, nearest.policy)), ...(rejected.length === 0 ? {} : { rejected }) };
}

function at(origins: RuleOrigins, policy: string): { readonly origin?: Origin } {
  const origin = Object.hasOwn(origins, policy) ? origins[policy] : undefined;
  return origin === undefined ? {} : { origin };
}

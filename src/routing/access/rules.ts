import type { RbacPolicy, RbacRules } from '../../xds/index.ts';
import { compilePermission, compilePrincipal, some } from './condition.ts';
import type { AccessFacts, Condition } from './types.ts';

/** What rules say of a request. */
export interface AccessDecision {
  readonly allowed: boolean;
  /** The policy that matched, by Istio's name (`ns[foo]-policy[bar]-rule[0]`); empty when none did. */
  readonly policy: string;
}

/** A policy that did not match, and the parts of it that did not hold. */
export interface Miss {
  readonly policy: string;
  readonly misses: readonly string[];
}

/** The rules of one action, made ready. */
export interface AccessRules {
  readonly action: 'ALLOW' | 'DENY' | 'LOG';
  decide(facts: AccessFacts): AccessDecision;
  /** The policies that do not match, the nearest first. */
  misses(facts: AccessFacts): readonly Miss[];
}

interface Prepared {
  readonly name: string;
  readonly permission: Condition;
  readonly principal: Condition;
  /** What is decided when it matches. */
  readonly decision: AccessDecision;
}

/**
 * Compiles the rules of one action. A policy matches when one of its permissions and one of its principals hold. ALLOW lets in what some policy matches,
 * DENY what none does, LOG everything; the policy named is the first in the order of names. Throws on what we cannot judge: the config is then refused.
 * Source: Envoy, config.rbac.v3.RBAC.
 */
export function prepareAccess(config: RbacRules): AccessRules {
  const action = config.action ?? 'ALLOW';
  const names = Object.keys(config.policies ?? {}).sort();
  const policies = names.map((name) => prepare(name, config.policies?.[name] ?? {}, action !== 'DENY'));
  const catching = action === 'DENY';
  const matches = ({ permission, principal }: Prepared, facts: AccessFacts): boolean => permission.holds(facts, catching) && principal.holds(facts, catching);
  const none: AccessDecision = { allowed: action !== 'ALLOW', policy: '' };
  return {
    action,
    decide(facts) {
      for (const policy of policies) if (matches(policy, facts)) return policy.decision;
      return none;
    },
    misses: (facts) => policies
      .map(({ name, permission, principal }) => ({ policy: name, misses: [...principal.misses(facts, catching), ...permission.misses(facts, catching)] }))
      .filter(({ misses }) => misses.length > 0)
      .sort((a, b) => a.misses.length - b.misses.length),
  };
}

function prepare(name: string, { permissions = [], principals = [], condition, checkedCondition }: RbacPolicy, allowed: boolean): Prepared {
  if (condition !== undefined || checkedCondition !== undefined) throw new Error(`the policy ${name} has a CEL condition, which is not supported`);
  return { name, permission: some(permissions.map(compilePermission)), principal: some(principals.map(compilePrincipal)), decision: { allowed, policy: name } };
}

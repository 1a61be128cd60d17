import { names, objects } from '../../lab/rules.ts';
import type { FeaturePanel, Finding } from '../panel.ts';

/** Whose tokens are verified, and what a token must say. */
export const panel: FeaturePanel = {
  feature: 'jwt', title: 'Tokens',
  read: rule => (rule.kind === 'RequestAuthentication' ? objects(rule.spec['jwtRules']).map((each, index): Finding => ({ text: `${rule.name}: ${sentence(each)}`, path: ['jwtRules', index] })) : []),
};

function sentence(rule: Readonly<Record<string, unknown>>): string {
  const audiences = names(rule['audiences']);
  const keys = typeof rule['jwks'] === 'string' ? 'keys in the rule' : typeof rule['jwksUri'] === 'string' ? `keys from ${rule['jwksUri']}` : 'keys as the issuer says';
  return [`tokens of ${String(rule['issuer'])}`, ...(audiences.length === 0 ? [] : [`for ${audiences.join(' or ')}`]), keys, ...(rule['presence'] === 'REQUIRED' ? ['a token is required'] : [])].join(', ');
}

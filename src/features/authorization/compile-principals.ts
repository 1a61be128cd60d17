import type { StringMatcher } from '../../xds/index.ts';

/** The mesh's trust domain, then its aliases. */
export type TrustDomains = readonly string[];

/** The trust domains whose identities count as the mesh's own. */
export function trustDomains(own: string, aliases: readonly string[]): TrustDomains {
  return [...new Set([own, ...aliases])];
}

/** In policies, this name stands for whatever the mesh's trust domain is. */
const pointer = 'cluster.local';

/**
 * A principal as written, for each trust domain of the mesh when it names one of them: after a migration, policies go on to mean the same workloads.
 * Source: istio.io, Trust Domain Migration.
 */
export function withAliases(principal: string, trust: TrustDomains): readonly string[] {
  const slash = principal.indexOf('/');
  if (slash < 0 || principal.startsWith('*')) return [principal];
  const domain = principal.slice(0, slash);
  if (domain !== pointer && !trust.some((own) => fits(domain, own))) return [principal];
  return trust.map((own) => `${own}${principal.slice(slash)}`);
}

function fits(pattern: string, value: string): boolean {
  return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : pattern === value;
}

/** How a value is written in a policy: `*` anything, `abc*` a prefix, `*abc` a suffix, else exactly that. */
export function stringMatch(value: string, ignoreCase = false): StringMatcher {
  const fold = ignoreCase ? { ignoreCase } : {};
  if (value === '*') return { safeRegex: { regex: '.+' } };
  if (value.startsWith('*')) return { suffix: value.slice(1), ...fold };
  if (value.endsWith('*')) return { prefix: value.slice(0, -1), ...fold };
  return { exact: value, ...fold };
}

/** The same for a principal, which stands in a certificate as a SPIFFE URI. */
export function principalMatch(value: string): StringMatcher {
  if (value === '*') return { safeRegex: { regex: '.+' } };
  if (value.startsWith('*')) return { safeRegex: { regex: `spiffe://.*${quote(value.slice(1))}` } };
  if (value.endsWith('*')) return { prefix: `spiffe://${value.slice(0, -1)}` };
  return { exact: `spiffe://${value}` };
}

/** Identities of a namespace, whatever the trust domain. */
export function namespaceMatch(value: string): StringMatcher {
  return { safeRegex: { regex: `.*/ns/${pattern(value)}/.*` } };
}

/** `namespace/account`, or `account` in the policy's own namespace. */
export function accountMatch(value: string, namespace: string): StringMatcher {
  const slash = value.indexOf('/');
  const [where, account] = slash < 0 ? [namespace, value] : [value.slice(0, slash), value.slice(slash + 1)];
  return { safeRegex: { regex: `spiffe://[^/]+/ns/${pattern(where)}/sa/${pattern(account)}` } };
}

/** Identities of a trust domain. */
export function trustDomainMatch(value: string): StringMatcher {
  return { safeRegex: { regex: `spiffe://${pattern(value)}/.*` } };
}

function pattern(value: string): string {
  return value.split('*').map(quote).join('[^/]*');
}

function quote(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

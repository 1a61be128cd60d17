import type { Permission, Principal } from '../../xds/index.ts';
import { addressLeaf, anyone, headerLeaf, metadataLeaf, pathLeaf, portLeaf, principalLeaf, serverNameLeaf, templateLeaf } from './leaves.ts';
import type { Condition, Leaf } from './types.ts';

/** Compiles what a policy asks of the request. Throws on what we cannot judge, so that the config is refused. Source: Envoy, config.rbac.v3.Permission. */
export function compilePermission(permission: Permission): Condition {
  if (permission.andRules !== undefined) return every((permission.andRules.rules ?? []).map(compilePermission));
  if (permission.orRules !== undefined) return some((permission.orRules.rules ?? []).map(compilePermission));
  if (permission.notRule !== undefined) return not(compilePermission(permission.notRule));
  if (permission.any === true) return anyone;
  if (permission.header !== undefined) return headerLeaf(permission.header);
  if (permission.urlPath !== undefined) return pathLeaf(permission.urlPath.path ?? {});
  if (permission.uriTemplate !== undefined) return templateLeaf((permission.uriTemplate.typedConfig as { readonly pathTemplate?: string } | undefined)?.pathTemplate ?? '');
  if (permission.destinationIp !== undefined) return addressLeaf('destination address', permission.destinationIp, ({ destinationIp }) => destinationIp);
  if (permission.destinationPort !== undefined) return portLeaf(permission.destinationPort, permission.destinationPort + 1);
  if (permission.destinationPortRange !== undefined) return portLeaf(permission.destinationPortRange.start ?? 0, permission.destinationPortRange.end ?? 0);
  if (permission.requestedServerName !== undefined) return serverNameLeaf(permission.requestedServerName);
  if (permission.metadata !== undefined) return metadataLeaf(permission.metadata);
  throw new Error(`the permission ${Object.keys(permission).join(', ') || '{}'} is not known`);
}

/** Compiles what a policy asks of the caller. Throws as {@link compilePermission} does. Source: Envoy, config.rbac.v3.Principal. */
export function compilePrincipal(principal: Principal): Condition {
  if (principal.andIds !== undefined) return every((principal.andIds.ids ?? []).map(compilePrincipal));
  if (principal.orIds !== undefined) return some((principal.orIds.ids ?? []).map(compilePrincipal));
  if (principal.notId !== undefined) return not(compilePrincipal(principal.notId));
  if (principal.any === true) return anyone;
  if (principal.authenticated !== undefined) return principalLeaf(principal.authenticated.principalName);
  if (principal.directRemoteIp !== undefined) return addressLeaf('peer address', principal.directRemoteIp, ({ directIp }) => directIp);
  if (principal.remoteIp !== undefined) return addressLeaf('caller address', principal.remoteIp, ({ remoteIp }) => remoteIp);
  if (principal.sourceIp !== undefined) return addressLeaf('peer address', principal.sourceIp, ({ directIp }) => directIp);
  if (principal.header !== undefined) return headerLeaf(principal.header);
  if (principal.urlPath !== undefined) return pathLeaf(principal.urlPath.path ?? {});
  if (principal.metadata !== undefined) return metadataLeaf(principal.metadata);
  throw new Error(`the principal ${Object.keys(principal).join(', ') || '{}'} is not known`);
}

function isLeaf(condition: Condition): condition is Leaf {
  return 'subject' in condition;
}

function every(parts: readonly Condition[]): Condition {
  if (parts.length === 0) throw new Error('a set of conditions is empty');
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return {
    holds(facts, catching) {
      for (const part of parts) if (!part.holds(facts, catching)) return false;
      return true;
    },
    misses: (facts, catching) => parts.flatMap((part) => part.misses(facts, catching)),
  };
}

/** Any of several: what is missed is said of all values of one subject at once, else of the nearest alternative. */
export function some(parts: readonly Condition[]): Condition {
  if (parts.length === 0) throw new Error('a set of conditions is empty');
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const holds: Condition['holds'] = (facts, catching) => {
    for (const part of parts) if (part.holds(facts, catching)) return true;
    return false;
  };
  const leaves = parts.filter(isLeaf);
  const [first] = leaves;
  if (first !== undefined && leaves.length === parts.length && leaves.every(({ subject }) => subject === first.subject)) {
    const words = leaves.map((leaf) => leaf.words).join(' or ');
    const one: Leaf = { subject: first.subject, words, actual: (facts) => first.actual(facts), holds, misses: (facts, catching) => (holds(facts, catching) ? [] : [`${first.subject} is ${first.actual(facts)}, not: ${words}`]) };
    return one;
  }
  return {
    holds,
    misses: (facts, catching) => parts.map((part) => part.misses(facts, catching)).reduce((nearest, misses) => (misses.length < nearest.length ? misses : nearest)),
  };
}

function not(part: Condition): Condition {
  const holds: Condition['holds'] = (facts, catching) => !part.holds(facts, !catching);
  const said = (facts: Parameters<Leaf['actual']>[0]): string => (isLeaf(part) ? `${part.subject} is ${part.actual(facts)}, which is excluded: ${part.words}` : 'what is excluded holds');
  return { holds, misses: (facts, catching) => (holds(facts, catching) ? [] : [said(facts)]) };
}

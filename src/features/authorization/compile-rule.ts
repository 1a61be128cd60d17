import { any, typeUrl, type Permission, type Principal, type RbacPolicy, type StringMatcher, type ValueMatcher } from '../../xds/index.ts';
import { accountMatch, namespaceMatch, principalMatch, stringMatch, trustDomainMatch, withAliases, type TrustDomains } from './compile-principals.ts';
import type { AuthorizationRule } from './manifest.ts';

/** A port that only stands for another one of the workload: policies speak of that one. */
export interface StandIn {
  readonly port: number;
  readonly target: number;
}

/** What a rule is compiled for. */
export interface RuleContext {
  readonly trust: TrustDomains;
  readonly protocol: 'http' | 'tcp';
  readonly stands: StandIn | undefined;
  /** The policy's. */
  readonly namespace: string;
  /** What TCP does not have is left out of the rule, so that it catches more; else the whole rule is left out, so that it allows nothing. */
  readonly dropUnknown: boolean;
}

/** Filter and key under which the JWT filter leaves what it has verified. */
export const jwtMetadata = 'istio_authn';

/** One thing that is looked at, and the values that are wanted and not wanted. */
interface Attribute<Made> {
  readonly http: boolean;
  readonly values: readonly string[];
  readonly notValues: readonly string[];
  make(value: string, context: RuleContext): readonly Made[];
}

type Both = { readonly permission: Attribute<Permission> } | { readonly principal: Attribute<Principal> };

/** Thrown inside for a rule that looks at what TCP does not have. */
class NotOnTcp extends Error {}

/**
 * Compiles a rule: any entry of `from`, any entry of `to`, and all of `when`. `undefined` when the rule cannot be judged here and must not allow anything.
 * Source: istio.io, AuthorizationPolicy, Rule.
 */
export function compileRule(rule: AuthorizationRule, context: RuleContext): RbacPolicy | undefined {
  const conditions = rule.when.map(condition);
  const permissionsOf = conditions.flatMap((one) => ('permission' in one ? [one.permission] : []));
  const principalsOf = conditions.flatMap((one) => ('principal' in one ? [one.principal] : []));
  const operations = (rule.to ?? [{}]).map(({ operation }) => operation);
  const sources = (rule.from ?? [{}]).map(({ source }) => source);
  try {
    return {
      permissions: operations.map((operation) => permission([...permissionsOf, ...operationParts(operation)], context)),
      principals: sources.map((source) => principal([...principalsOf, ...sourceParts(source)], context)),
    };
  } catch (error) {
    if (error instanceof NotOnTcp) return undefined;
    throw error;
  }
}

function permission(parts: readonly Attribute<Permission>[], context: RuleContext): Permission {
  const rules = parts.flatMap((part) => {
    const wanted = made(part, part.values, context);
    const unwanted = made(part, part.notValues, context);
    return [...(wanted.length === 0 ? [] : [{ orRules: { rules: wanted } }]), ...(unwanted.length === 0 ? [] : [{ notRule: { orRules: { rules: unwanted } } }])];
  });
  return { andRules: { rules: rules.length === 0 ? [{ any: true }] : rules } };
}

function principal(parts: readonly Attribute<Principal>[], context: RuleContext): Principal {
  const ids = parts.flatMap((part) => {
    const wanted = made(part, part.values, context);
    const unwanted = made(part, part.notValues, context);
    return [...(wanted.length === 0 ? [] : [{ orIds: { ids: wanted } }]), ...(unwanted.length === 0 ? [] : [{ notId: { orIds: { ids: unwanted } } }])];
  });
  return { andIds: { ids: ids.length === 0 ? [{ any: true }] : ids } };
}

function made<Made>(part: Attribute<Made>, values: readonly string[], context: RuleContext): Made[] {
  if (values.length === 0) return [];
  if (part.http && context.protocol === 'tcp') {
    if (context.dropUnknown) return [];
    throw new NotOnTcp();
  }
  return values.flatMap((value) => part.make(value, context));
}

type Operation = NonNullable<NonNullable<AuthorizationRule['to']>[number]['operation']>;
type Source = NonNullable<NonNullable<AuthorizationRule['from']>[number]['source']>;

function operationParts(operation: Operation | undefined): readonly Attribute<Permission>[] {
  if (operation === undefined) return [];
  const header = (name: string, ignoreCase: boolean) => (value: string): Permission[] => [{ header: { name, ...(value === '*' ? { presentMatch: true } : { stringMatch: stringMatch(value, ignoreCase) }) } }];
  return [
    { http: true, values: operation.hosts, notValues: operation.notHosts, make: header(':authority', true) },
    { http: false, values: operation.ports, notValues: operation.notPorts, make: port },
    { http: true, values: operation.methods, notValues: operation.notMethods, make: header(':method', false) },
    { http: true, values: operation.paths, notValues: operation.notPaths, make: path },
  ];
}

function sourceParts(source: Source | undefined): readonly Attribute<Principal>[] {
  if (source === undefined) return [];
  return [
    { http: false, values: source.principals, notValues: source.notPrincipals, make: identities },
    { http: true, values: source.requestPrincipals, notValues: source.notRequestPrincipals, make: claim('request.auth.principal') },
    { http: false, values: source.namespaces, notValues: source.notNamespaces, make: identity(namespaceMatch) },
    { http: false, values: source.serviceAccounts, notValues: source.notServiceAccounts, make: (value, { namespace }) => [authenticated(accountMatch(value, namespace))] },
    { http: false, values: source.trustDomains, notValues: source.notTrustDomains, make: identity(trustDomainMatch) },
    { http: false, values: source.ipBlocks, notValues: source.notIpBlocks, make: (value) => [{ directRemoteIp: cidr(value) }] },
    { http: false, values: source.remoteIpBlocks, notValues: source.notRemoteIpBlocks, make: (value) => [{ remoteIp: cidr(value) }] },
  ];
}

function port(value: string, { stands }: RuleContext): Permission[] {
  const written = Number(value);
  if (stands === undefined) return [{ destinationPort: written }];
  return written === stands.target ? [{ destinationPort: stands.port }] : [{ notRule: { any: true } }];
}

/** `{*}` and `{**}` make it a template. */
function path(value: string): Permission[] {
  if (!value.includes('{')) return [{ urlPath: { path: stringMatch(value) } }];
  const pathTemplate = value.replaceAll('{**}', '**').replaceAll('{*}', '*');
  return [{ uriTemplate: { name: 'uri-template', typedConfig: any(typeUrl.uriTemplate, { pathTemplate }) } }];
}

function identities(value: string, { trust }: RuleContext): Principal[] {
  return withAliases(value, trust).map((one) => authenticated(principalMatch(one)));
}

function identity(match: (value: string) => StringMatcher): (value: string) => Principal[] {
  return (value) => [authenticated(match(value))];
}

function authenticated(principalName: StringMatcher): Principal {
  return { authenticated: { principalName } };
}

function claim(...path: readonly string[]): (value: string) => Principal[] {
  return (value) => [{ metadata: { filter: jwtMetadata, path: path.map((key) => ({ key })), value: oneOrMany(stringMatch(value)) } }];
}

/** A claim is a string or a list of strings. */
function oneOrMany(match: StringMatcher): ValueMatcher {
  return { orMatch: { valueMatchers: [{ stringMatch: match }, { listMatch: { oneOf: { stringMatch: match } } }] } };
}

function cidr(text: string): { addressPrefix: string; prefixLen: number } {
  const [addressPrefix = '', length] = text.split('/');
  return { addressPrefix, prefixLen: length === undefined ? (addressPrefix.includes(':') ? 128 : 32) : Number(length) };
}

type When = AuthorizationRule['when'][number];

/** What a condition's key looks at. Source: istio.io, Authorization Policy Conditions. */
function condition({ key, values, notValues }: When): Both {
  const principalOf = (http: boolean, make: Attribute<Principal>['make']): Both => ({ principal: { http, values, notValues, make } });
  const permissionOf = (http: boolean, make: Attribute<Permission>['make']): Both => ({ permission: { http, values, notValues, make } });
  switch (key) {
    case 'source.ip': return principalOf(false, (value) => [{ directRemoteIp: cidr(value) }]);
    case 'remote.ip': return principalOf(false, (value) => [{ remoteIp: cidr(value) }]);
    case 'source.namespace': return principalOf(false, identity(namespaceMatch));
    case 'source.principal': return principalOf(false, identities);
    case 'source.serviceAccount': return principalOf(false, (value, { namespace }) => [authenticated(accountMatch(value, namespace))]);
    case 'source.trustDomain': return principalOf(false, identity(trustDomainMatch));
    case 'request.auth.principal': case 'request.auth.audiences': case 'request.auth.presenter': return principalOf(true, claim(key));
    case 'destination.ip': return permissionOf(false, (value) => [{ destinationIp: cidr(value) }]);
    case 'destination.port': return permissionOf(false, port);
    case 'connection.sni': return permissionOf(false, (value) => [{ requestedServerName: stringMatch(value) }]);
    default: return keyed(key, principalOf, permissionOf);
  }
}

function keyed(key: string, principalOf: (http: boolean, make: Attribute<Principal>['make']) => Both, permissionOf: (http: boolean, make: Attribute<Permission>['make']) => Both): Both {
  const bracket = key.indexOf('[');
  const [name, ...path] = bracket < 0 ? [key] : [key.slice(0, bracket), ...[...key.slice(bracket).matchAll(/\[([^\]]*)\]/g)].map(([, inner = '']) => inner)];
  const [first = ''] = path;
  if (name === 'request.headers') return principalOf(true, (value) => [{ header: { name: first, ...(value === '*' ? { presentMatch: true } : { stringMatch: stringMatch(value) }) } }]);
  if (name === 'request.auth.claims') return principalOf(true, claim('request.auth.claims', ...path));
  return permissionOf(true, (value) => [{ metadata: { filter: name.replace(/^experimental\./, ''), path: path.map((part) => ({ key: part })), value: listed(value) } }]);
}

/** In experimental keys, `[value]` asks for a list that has it. */
function listed(value: string): ValueMatcher {
  const inner = /^\[(.*)\]$/s.exec(value)?.[1];
  return inner === undefined ? { stringMatch: stringMatch(value) } : { listMatch: { oneOf: { stringMatch: stringMatch(inner) } } };
}

import { httpAccess, httpExternal, networkAccess, networkExternal, ruleNames, trustDomains, type AppliedPolicy, type Authorizer, type StandIn } from '../features/authorization/compile.ts';
import { keySource, tokenFilter, type AppliedAuthentication, type KeySource } from '../features/jwt/compile.ts';
import { ofKind, type Resource, type TypedResource } from '../manifest/index.ts';
import { clusterName, type HttpFilterConfig, type NetworkFilter, type RuleOrigins } from '../xds/index.ts';
import type { MeshConfig } from './mesh-config.ts';
import { byAge, originAt, type MeshService } from './model.ts';
import { appliesTo, type Targeted } from './policy-targets.ts';
import type { InboundView } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** What authorization policies add to the listeners of a proxy. */
export interface Access {
  /** HTTP filters that come before all others. */
  http(stands?: StandIn): readonly HttpFilterConfig[];
  /** Network filters of chains that are not HTTP. */
  network(stands?: StandIn): readonly NetworkFilter[];
  /** Where the rules are written. */
  readonly origins: RuleOrigins;
}

/** The authorization policies of a snapshot, oldest first. */
export function authorizationPolicies(resources: readonly Resource[]): readonly TypedResource<'AuthorizationPolicy'>[] {
  return byAge(ofKind(resources, 'AuthorizationPolicy'));
}

/** Where the keys of an issuer are, and the longest time that one fetch may take, milliseconds. */
export type WantedKeys = KeySource & { readonly timeout: number };

/** Where the keys of all issuers of tokens are fetched, each with the longest time that it may take, in milliseconds. */
export function keySources(resources: readonly Resource[]): ReadonlyMap<string, WantedKeys> {
  const rules = ofKind(resources, 'RequestAuthentication').flatMap(({ spec }) => spec.jwtRules);
  return new Map(rules.flatMap((rule) => {
    const source = keySource(rule);
    return source === undefined ? [] : [[source.url, { ...source, timeout: rule.timeout ?? 5000 }] as const];
  }));
}

function tokensOf(index: InboundView, node: ProxyNode): readonly AppliedAuthentication[] {
  return index.requestAuthentications.filter((policy) => appliesTo(policy as Targeted, node, index.snapshot.mesh.rootNamespace))
    .map((resource) => ({ spec: resource.spec, origin: (rule) => originAt(resource, ['spec', 'jwtRules', rule]) }));
}

/** The policies that apply to a proxy, compiled: tokens are verified first, so that rules can look at what they say. */
export function accessOf(index: InboundView, node: ProxyNode): Access {
  const { mesh } = index.snapshot;
  const policies = index.authorizationPolicies.filter((policy) => appliesTo(policy as Targeted, node, mesh.rootNamespace)).map(applied);
  const tokens = tokenFilter(tokensOf(index, node), index.snapshot.keySets ?? new Map());
  const trust = trustDomains(mesh.trustDomain, mesh.trustDomainAliases);
  const { authorizers } = index;
  return {
    http: (stands) => [...httpExternal(policies, { trust, stands, authorizers }), ...tokens.filters, ...httpAccess(policies, { trust, stands })],
    network: (stands) => [...networkExternal(policies, { trust, stands, authorizers }), ...networkAccess(policies, { trust, stands })],
    origins: { ...tokens.origins, ...Object.fromEntries(policies.flatMap((policy) => Array.from({ length: Math.max(1, policy.spec.rules?.length ?? 0) }, (_none, at) => ruleNames(policy, at).map((name) => [name, policy.origin(at)] as const)).flat())) },
  };
}

/** The providers of the mesh that can be asked: those whose service is known. */
export function authorizersOf(services: readonly MeshService[], mesh: MeshConfig): ReadonlyMap<string, Authorizer> {
  return new Map(mesh.authorizers.flatMap(({ name, ...provider }): (readonly [string, Authorizer])[] => {
    const { service: written, port } = provider.settings;
    const slash = written.indexOf('/');
    const [namespace, host] = slash < 0 ? [undefined, written] : [written.slice(0, slash), written.slice(slash + 1)];
    const known = services.some((service) => service.host === host && (namespace === undefined || service.namespace === namespace) && service.ports.some(({ number }) => number === port));
    if (!known || port === undefined) return [];
    return [[name, { name, ...provider, host, cluster: clusterName({ direction: 'outbound', port, subset: '', host }) }]];
  }));
}

function applied(resource: TypedResource<'AuthorizationPolicy'>): AppliedPolicy {
  const { name, namespace, annotations } = resource.metadata;
  return {
    name, namespace, spec: resource.spec,
    dryRun: /^(1|t|true)$/i.test(annotations['istio.io/dry-run'] ?? ''),
    origin: (rule) => originAt(resource, resource.spec.rules?.[rule] === undefined ? [] : ['spec', 'rules', rule]),
  };
}

import { isKind, ofKind, type Resource, type TypedResource, type VirtualService } from '../manifest/index.ts';
import { resolveGateway, resolveHost } from './hosts.ts';
import { byAge, exported, originAt, type MeshHttpRule, type MeshVirtualService } from './model.ts';

type Rule = VirtualService['http'][number];
type Match = Rule['match'][number];
type VirtualServiceResource = TypedResource<'VirtualService'>;

/** VirtualServices that have hosts, oldest first, with full host names and the rules of their delegates. */
export function meshVirtualServices(resources: readonly Resource[], domainSuffix: string): readonly MeshVirtualService[] {
  const all = byAge(ofKind(resources, 'VirtualService'));
  const byName = new Map(all.map((resource) => [`${resource.metadata.namespace}/${resource.metadata.name}`, resource]));
  return all.filter(({ spec }) => spec.hosts.length > 0).map((resource): MeshVirtualService => {
    const { spec, metadata } = resource;
    const { namespace } = metadata;
    return {
      resource, namespace,
      hosts: spec.hosts.map((host) => resolveHost(host, namespace, domainSuffix)),
      gateways: (spec.gateways.length === 0 ? ['mesh'] : spec.gateways).map((gateway) => resolveGateway(gateway, namespace)),
      exportTo: spec.exportTo,
      http: spec.http.flatMap((rule, at) => expand(resource, rule, at, byName, domainSuffix)),
      tls: spec.tls.map((rule) => ({ match: rule.match.map((match) => ({ ...match, gateways: match.gateways.map((gateway) => resolveGateway(gateway, namespace)) })), route: destinations(rule.route, namespace, domainSuffix) })),
      tcp: spec.tcp.map((rule) => ({ match: rule.match.map((match) => ({ ...match, gateways: match.gateways.map((gateway) => resolveGateway(gateway, namespace)) })), route: destinations(rule.route, namespace, domainSuffix) })),
    };
  });
}

/** Whether a VirtualService is a delegate: one without hosts. */
export function isDelegate(resource: Resource): boolean {
  return isKind(resource, 'VirtualService') && resource.spec.hosts.length === 0;
}

function expand(root: VirtualServiceResource, rule: Rule, at: number, byName: ReadonlyMap<string, VirtualServiceResource>, suffix: string): readonly MeshHttpRule[] {
  const { namespace } = root.metadata;
  if (rule.delegate === undefined) return [{ rule: resolveRule(rule, namespace, suffix), origin: originAt(root, ['spec', 'http', at]) }];
  const delegate = byName.get(`${rule.delegate.namespace === '' ? namespace : rule.delegate.namespace}/${rule.delegate.name}`);
  if (delegate === undefined || !isDelegate(delegate) || !exported(delegate.spec.exportTo, delegate.metadata.namespace, namespace)) return [];
  const outer = resolveRule(rule, namespace, suffix);
  return delegate.spec.http.flatMap((inner, index) => {
    const merged = mergeRules(outer, resolveRule(inner, delegate.metadata.namespace, suffix));
    return merged === undefined ? [] : [{ rule: merged, origin: originAt(delegate, ['spec', 'http', index]) }];
  });
}

function resolveRule(rule: Rule, namespace: string, suffix: string): Rule {
  const full = <Target extends { readonly host: string } | undefined>(target: Target): Target =>
    (target === undefined ? target : { ...target, host: resolveHost(target.host, namespace, suffix) });
  return {
    ...rule,
    match: rule.match.map((match) => ({ ...match, gateways: match.gateways.map((gateway) => resolveGateway(gateway, namespace)) })),
    route: destinations(rule.route, namespace, suffix),
    ...(rule.mirror === undefined ? {} : { mirror: full(rule.mirror) }),
    mirrors: rule.mirrors.map((mirror) => (mirror.destination === undefined ? mirror : { ...mirror, destination: full(mirror.destination) })),
  };
}

function destinations<Route extends { readonly destination?: { readonly host: string } }>(routes: readonly Route[], namespace: string, suffix: string): Route[] {
  return routes.map((route) => (route.destination === undefined ? route : { ...route, destination: { ...route.destination, host: resolveHost(route.destination.host, namespace, suffix) } }));
}

/** A delegate's rule with the root's conditions and, where it says nothing itself, the root's settings. */
function mergeRules(root: Rule, delegate: Rule): Rule | undefined {
  const match = mergeMatches(root.match, delegate.match);
  if (match === undefined) return undefined;
  const { delegate: _handedOver, ...outer } = root;
  return {
    ...outer, ...delegate, match,
    name: [root.name, delegate.name].filter((name) => name !== '').join('-'),
    ...(delegate.mirrors.length > 0 ? {} : { mirrors: root.mirrors }),
    route: delegate.route.length > 0 ? delegate.route : root.route,
  };
}

/** All pairs that do not contradict each other; `undefined` when both have conditions and no pair is left. */
function mergeMatches(root: readonly Match[], delegate: readonly Match[]): Match[] | undefined {
  if (root.length === 0) return [...delegate];
  if (delegate.length === 0) return [...root];
  const pairs = root.flatMap((outer) => delegate.flatMap((inner) => (conflicts(outer, inner) ? [] : [mergeMatch(outer, inner)])));
  return pairs.length === 0 ? undefined : pairs;
}

/** Root and delegate may not both say something on path, method, scheme, authority or port, except a path that narrows the root's prefix. */
function conflicts(root: Match, delegate: Match): boolean {
  const both = (['method', 'scheme', 'authority'] as const).some((field) => root[field] !== undefined && delegate[field] !== undefined);
  const ports = root.port !== 0 && delegate.port !== 0 && root.port !== delegate.port;
  return both || ports || pathConflicts(root.uri, delegate.uri);
}

function pathConflicts(root: Match['uri'], delegate: Match['uri']): boolean {
  if (root === undefined || delegate === undefined || root.kind === 'any' || delegate.kind === 'any') return false;
  if (root.kind === 'regex' || delegate.kind === 'regex') return true;
  return root.kind === 'prefix' ? !delegate.value.startsWith(root.value) : !(delegate.kind === 'exact' && delegate.value === root.value);
}

function mergeMatch(root: Match, delegate: Match): Match {
  return {
    ...root, ...delegate,
    name: [root.name, delegate.name].filter((name) => name !== '').join('-'),
    headers: { ...root.headers, ...delegate.headers },
    withoutHeaders: { ...root.withoutHeaders, ...delegate.withoutHeaders },
    queryParams: { ...root.queryParams, ...delegate.queryParams },
    sourceLabels: { ...root.sourceLabels, ...delegate.sourceLabels },
    gateways: delegate.gateways.length > 0 ? delegate.gateways : root.gateways,
    port: delegate.port === 0 ? root.port : delegate.port,
    ignoreUriCase: root.ignoreUriCase || delegate.ignoreUriCase,
    sourceNamespace: delegate.sourceNamespace === '' ? root.sourceNamespace : delegate.sourceNamespace,
  };
}

import { isKind, ofKind, type Resource, type TypedResource, type VirtualService } from '../manifest/index.ts';
import { mergeRules } from './delegates.ts';
import { resolveGateway, resolveHost } from './hosts.ts';
import type { MeshConfig } from './mesh-config.ts';
import { byAge, exported, exportsOf, originAt, type MeshHttpRule, type MeshVirtualService } from './model.ts';

type Rule = VirtualService['http'][number];
type VirtualServiceResource = TypedResource<'VirtualService'>;

/** VirtualServices that have hosts, oldest first, with full host names and the rules of their delegates. */
export function meshVirtualServices(resources: readonly Resource[], { domainSuffix, exportTo }: Pick<MeshConfig, 'domainSuffix' | 'exportTo'>): readonly MeshVirtualService[] {
  const all = byAge(ofKind(resources, 'VirtualService'));
  const byName = new Map(all.map((resource) => [`${resource.metadata.namespace}/${resource.metadata.name}`, resource]));
  const exportedTo = ({ spec }: VirtualServiceResource): readonly string[] => exportsOf(spec.exportTo, exportTo.virtualServices);
  /** The delegate of that name that a namespace may use. */
  const delegateOf = (name: string, namespace: string): VirtualServiceResource | undefined => {
    const found = byName.get(name);
    return found !== undefined && isDelegate(found) && exported(exportedTo(found), found.metadata.namespace, namespace) ? found : undefined;
  };
  return all.filter(({ spec }) => spec.hosts.length > 0).map((resource): MeshVirtualService => {
    const { spec, metadata } = resource;
    const { namespace } = metadata;
    return {
      resource, namespace,
      hosts: spec.hosts.map((host) => resolveHost(host, namespace, domainSuffix)),
      gateways: (spec.gateways.length === 0 ? ['mesh'] : spec.gateways).map((gateway) => resolveGateway(gateway, namespace)),
      exportTo: exportedTo(resource),
      http: spec.http.flatMap((rule, at) => expand(resource, rule, at, delegateOf, domainSuffix)),
      tls: spec.tls.map((rule) => ({ match: rule.match.map((match) => ({ ...match, gateways: match.gateways.map((gateway) => resolveGateway(gateway, namespace)) })), route: destinations(rule.route, namespace, domainSuffix) })),
      tcp: spec.tcp.map((rule) => ({ match: rule.match.map((match) => ({ ...match, gateways: match.gateways.map((gateway) => resolveGateway(gateway, namespace)) })), route: destinations(rule.route, namespace, domainSuffix) })),
    };
  });
}

/** Whether a VirtualService is a delegate: one without hosts. */
export function isDelegate(resource: Resource): boolean {
  return isKind(resource, 'VirtualService') && resource.spec.hosts.length === 0;
}

/** A rule, or those of the delegate that it hands over to. Delegates do not delegate: only one level counts. Source: istio.io, VirtualService, HTTPRoute.delegate. */
function expand(root: VirtualServiceResource, rule: Rule, at: number, delegateOf: (name: string, namespace: string) => VirtualServiceResource | undefined, suffix: string): readonly MeshHttpRule[] {
  const { namespace } = root.metadata;
  if (rule.delegate === undefined) return [{ rule: resolveRule(rule, namespace, suffix), origin: originAt(root, ['spec', 'http', at]) }];
  const delegate = delegateOf(`${rule.delegate.namespace === '' ? namespace : rule.delegate.namespace}/${rule.delegate.name}`, namespace);
  if (delegate === undefined) return [];
  const outer = resolveRule(rule, namespace, suffix);
  return delegate.spec.http.flatMap((inner, index) => {
    const merged = inner.delegate === undefined ? mergeRules(outer, resolveRule(inner, delegate.metadata.namespace, suffix)) : undefined;
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

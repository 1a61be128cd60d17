import { compileCors, corsFilter } from '../features/cors/compile.ts';
import { compileDirectResponse } from '../features/direct-response/compile.ts';
import { compileFault, faultFilter } from '../features/fault/compile.ts';
import { compileHeaders } from '../features/headers/compile.ts';
import { compileHashPolicy } from '../features/load-balancing/compile.ts';
import { compileMirrors } from '../features/mirror/compile.ts';
import { compileRedirect } from '../features/redirect/compile.ts';
import { compileRetry } from '../features/retry/compile.ts';
import { compileRewrite } from '../features/rewrite/compile.ts';
import { isCatchAll, matchApplies, routeMatch, type MatchContext } from '../features/routing/compile.ts';
import { compileTimeout } from '../features/timeout/compile.ts';
import type { HTTPRouteDestination } from '../manifest/index.ts';
import { clusterName, withOrigin, type ClusterWeight, type HashPolicy, type Origin, type Route, type RouteAction } from '../xds/index.ts';
import { policyFor } from './destination-rules.ts';
import type { MeshHttpRule, MeshService, MeshVirtualService } from './model.ts';
import type { Scope } from './scope.ts';
import { destinationRule, type SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** Where routes are made for. */
export interface RouteContext extends MatchContext {
  readonly index: SnapshotIndex;
  readonly node: ProxyNode;
  readonly scope: Scope;
  /** The listener terminates TLS. */
  readonly tls: boolean;
}

type Destination = { readonly host: string; readonly subset: string; readonly port?: { readonly number: number } };

/** The routes of a VirtualService that apply here, in order; what comes after a rule for every request is left out. */
export function compileRules(rules: Pick<MeshVirtualService, 'http' | 'resource'>, context: RouteContext): readonly Route[] {
  const routes: Route[] = [];
  for (const { rule, origin, gatewayApi } of rules.http) {
    const matches = rule.match.length === 0 ? [undefined] : rule.match.filter((match) => matchApplies(match, context));
    for (const match of matches) {
      const route = compileRoute({ rule, origin, ...(gatewayApi === undefined ? {} : { gatewayApi }) }, match, rules.resource.metadata, context);
      routes.push(route);
      if (isCatchAll(route.match ?? {})) return routes;
    }
  }
  return routes;
}

function compileRoute({ rule, origin, gatewayApi }: MeshHttpRule, match: MeshHttpRule['rule']['match'][number] | undefined, owner: { readonly name: string; readonly namespace: string }, context: RouteContext): Route {
  const headers = compileHeaders(rule.headers);
  const name = match === undefined || match.name === '' ? rule.name : `${rule.name}.${match.name}`;
  const fault = rule.fault === undefined ? undefined : compileFault(rule.fault);
  const perFilter = { ...(fault === undefined ? {} : { [faultFilter]: fault }), ...(rule.corsPolicy === undefined ? {} : { [corsFilter]: compileCors(rule.corsPolicy) }) };
  const base: Route = {
    ...(name === '' ? {} : { name }),
    match: routeMatch(match, gatewayApi !== undefined),
    metadata: withOrigin(origin, { filterMetadata: { istio: { config: `/apis/networking.istio.io/v1/namespaces/${owner.namespace}/virtual-service/${owner.name}` } } }),
    ...headers.changes,
    ...(Object.keys(perFilter).length === 0 ? {} : { typedPerFilterConfig: perFilter }),
  };
  if (rule.redirect !== undefined) return { ...base, redirect: { ...compileRedirect(rule.redirect, context.tls), ...regexRewrite(gatewayApi?.redirectPath) } };
  if (rule.directResponse !== undefined) return { ...base, directResponse: compileDirectResponse(rule.directResponse) };
  return forwarding(base, rule, headers.authority, context, gatewayApi);
}

function forwarding(base: Route, rule: MeshHttpRule['rule'], authority: string | undefined, context: RouteContext, gatewayApi: MeshHttpRule['gatewayApi']): Route {
  const retryPolicy = compileRetry(rule.retries);
  const mirrors = compileMirrors(rule, (destination) => clusterOf(destination, context));
  const target = destinationsOf(rule.route, context);
  const action: RouteAction = {
    ...target.action,
    ...compileTimeout(rule.timeout),
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
    ...(rule.rewrite === undefined ? {} : compileRewrite(rule.rewrite)),
    ...(mirrors.length === 0 ? {} : { requestMirrorPolicies: mirrors }),
    ...(gatewayApi?.missingStatus === 500 ? { clusterNotFoundResponseCode: 'INTERNAL_SERVER_ERROR' as const } : {}),
    ...(target.authority ?? authority) === undefined ? {} : { hostRewriteLiteral: target.authority ?? authority ?? '' },
  };
  const path = base.match?.path ?? base.match?.prefix ?? '/';
  return { ...mergeHeaders(base, target.headers), route: action, decorator: { operation: `${operationHost(rule.route, context)}${base.match?.path === undefined && !path.endsWith('*') ? `${path}*` : path}` } };
}

function regexRewrite(path: NonNullable<MeshHttpRule['gatewayApi']>['redirectPath']): Pick<NonNullable<Route['redirect']>, 'regexRewrite'> {
  return path === undefined ? {} : { regexRewrite: { pattern: { regex: path.match }, substitution: path.rewrite } };
}

interface Target {
  readonly action: RouteAction;
  /** Header changes of a single destination belong to the route. */
  readonly headers: ReturnType<typeof compileHeaders>['changes'];
  readonly authority: string | undefined;
}

function destinationsOf(written: readonly HTTPRouteDestination[], context: RouteContext): Target {
  const hashPolicy = written.flatMap(({ destination }) => (destination === undefined ? [] : hashPolicyOf(destination, context)));
  const hashed = hashPolicy.length === 0 ? {} : { hashPolicy };
  const [only] = written;
  if (written.length === 1 && only?.destination !== undefined) {
    const { changes, authority } = compileHeaders(only.headers);
    return { action: { cluster: clusterOf(only.destination, context), ...hashed }, headers: changes, authority };
  }
  const clusters = written.filter(({ weight, destination }) => weight > 0 && destination !== undefined).map((entry): ClusterWeight => {
    const { changes, authority } = compileHeaders(entry.headers);
    return { name: entry.destination === undefined ? '' : clusterOf(entry.destination, context), weight: entry.weight, ...changes, ...(authority === undefined ? {} : { hostRewriteLiteral: authority }) };
  });
  return { action: { weightedClusters: { clusters }, ...hashed }, headers: {}, authority: undefined };
}

function mergeHeaders(route: Route, more: Target['headers']): Route {
  const merged: Route = { ...route };
  if (more.requestHeadersToAdd !== undefined) merged.requestHeadersToAdd = [...(route.requestHeadersToAdd ?? []), ...more.requestHeadersToAdd];
  if (more.requestHeadersToRemove !== undefined) merged.requestHeadersToRemove = [...(route.requestHeadersToRemove ?? []), ...more.requestHeadersToRemove];
  if (more.responseHeadersToAdd !== undefined) merged.responseHeadersToAdd = [...(route.responseHeadersToAdd ?? []), ...more.responseHeadersToAdd];
  if (more.responseHeadersToRemove !== undefined) merged.responseHeadersToRemove = [...(route.responseHeadersToRemove ?? []), ...more.responseHeadersToRemove];
  return merged;
}

/** The cluster of a destination. Its port is the one written, else the service's only one, else the listener's. */
export function clusterOf(destination: Destination, context: Pick<RouteContext, 'scope' | 'port'>): string {
  return clusterName({ direction: 'outbound', port: portOf(destination, context), subset: destination.subset, host: destination.host });
}

function portOf({ host, port }: Destination, context: Pick<RouteContext, 'scope' | 'port'>): number {
  if (port !== undefined && port.number !== 0) return port.number;
  const service = context.scope.byHost.get(host);
  return service?.ports.length === 1 ? (service.ports[0]?.number ?? context.port) : context.port;
}

function hashPolicyOf(destination: Destination, context: RouteContext): readonly HashPolicy[] {
  const service = context.scope.byHost.get(destination.host);
  if (service === undefined) return [];
  const rule = destinationRule(context.index, context.node, service);
  return compileHashPolicy(policyFor(rule, portOf(destination, context), destination.subset === '' ? undefined : destination.subset).loadBalancer);
}

function operationHost(written: readonly HTTPRouteDestination[], context: RouteContext): string {
  const first = written[0]?.destination;
  return first === undefined ? '' : `${first.host}:${portOf(first, context)}`;
}

/** The route of a service that no VirtualService rules: all requests to its cluster. */
export function defaultRoute(service: MeshService, context: RouteContext, origin: Origin = service.origin): Route {
  const destination = { host: service.host, subset: '', port: { number: context.port } };
  const hashPolicy = [...hashPolicyOf(destination, context)];
  return {
    name: 'default',
    match: { prefix: '/' },
    metadata: withOrigin(origin),
    decorator: { operation: `${service.host}:${context.port}/*` },
    route: { cluster: clusterOf(destination, context), ...compileTimeout(undefined), retryPolicy: compileRetry(undefined) ?? {}, ...(hashPolicy.length === 0 ? {} : { hashPolicy }) },
  };
}

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
import { clusterName, withOrigin, type ClusterWeight, type Route, type RouteAction } from '../xds/index.ts';
import { policyFor, type ClusterPolicy } from './destination-rules.ts';
import type { MeshConfig } from './mesh-config.ts';
import type { MeshHttpRule, MeshService, MeshVirtualService } from './model.ts';
import type { Scope } from './scope.ts';
import { destinationRule, type SnapshotIndex } from './snapshot-index.ts';
import type { ProxyNode } from './types.ts';

/** Where routes of HTTP are made for. */
export interface HttpContext extends MatchContext {
  readonly index: Pick<SnapshotIndex, 'recall' | 'destinationRules'> & { readonly snapshot: Pick<SnapshotIndex['snapshot'], 'mesh'> };
  readonly node: Pick<ProxyNode, 'namespace' | 'labels'>;
  readonly scope: Pick<Scope, 'faces'>;
  /** The listener terminates TLS. */
  readonly tls: boolean;
}

/** Where routes and chains of any kind are made for. */
export interface RouteContext extends HttpContext {
  readonly index: SnapshotIndex;
  readonly node: ProxyNode;
  readonly scope: Scope;
}

type Destination = { readonly host: string; readonly subset: string; readonly port?: { readonly number: number } };
type LoadBalancer = ClusterPolicy['loadBalancer'];

/** What a route has to know of a destination: its port, and how its requests are spread. */
interface Resolved {
  readonly port: number;
  readonly loadBalancer: LoadBalancer;
}

/** What a rule's routes are made with. */
interface Surroundings {
  readonly tls: boolean;
  /** For rules that say nothing of retries. */
  readonly retries: MeshConfig['retries'];
  resolve(destination: Destination): Resolved;
}

type Rules = Pick<MeshVirtualService, 'http' | 'resource'>;

/** The routes of a VirtualService that apply here, in order; what comes after a rule for every request is left out. */
export function compileRules(rules: Rules, context: HttpContext): readonly Route[] {
  const { recall } = context.index;
  const applying = rules.http.map(({ rule }) => (rule.match.length === 0 ? 'any' : rule.match.flatMap((match, at) => (matchApplies(match, context) ? [at] : [])).join())).join(';');
  return recall.of(routesOf, rules.http, rules.resource, applying, context.tls, context.index.snapshot.mesh.retries, ...recall.of(destinationsIn, rules.http).flatMap((destination) => {
    const { port, loadBalancer } = resolved(destination, context);
    return [port, loadBalancer];
  }));
}

/** All destinations of rules, those of mirrors too, in the order in which they are written. */
function destinationsIn(rules: Rules['http']): readonly Destination[] {
  return rules.flatMap(({ rule }) => [...rule.route.map(({ destination }) => destination), rule.mirror, ...rule.mirrors.map(({ destination }) => destination)]).filter((destination) => destination !== undefined);
}

/** `applying` has the numbers of the matches that apply for each rule; `known` is port and load balancer of each destination. */
function routesOf(http: Rules['http'], resource: Rules['resource'], applying: string, tls: boolean, retries: MeshConfig['retries'], ...known: readonly (number | LoadBalancer)[]): readonly Route[] {
  const destinations = new Map(destinationsIn(http).map((destination, at): [Destination, Resolved] => [destination, { port: known[2 * at] as number, loadBalancer: known[2 * at + 1] as LoadBalancer }]));
  const surroundings: Surroundings = { tls, retries, resolve: (destination) => destinations.get(destination) ?? { port: destination.port?.number ?? 0, loadBalancer: undefined } };
  const routes: Route[] = [];
  const lists = applying.split(';');
  for (const [at, one] of http.entries()) {
    const chosen = lists[at] ?? '';
    const matches = chosen === 'any' ? [undefined] : chosen === '' ? [] : chosen.split(',').map((number) => one.rule.match[Number(number)]);
    for (const match of matches) {
      const route = compileRoute(one, match, resource.metadata, surroundings);
      routes.push(route);
      if (isCatchAll(route.match ?? {})) return routes;
    }
  }
  return routes;
}

function compileRoute({ rule, origin, gatewayApi }: MeshHttpRule, match: MeshHttpRule['rule']['match'][number] | undefined, owner: { readonly name: string; readonly namespace: string }, context: Surroundings): Route {
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

function forwarding(base: Route, rule: MeshHttpRule['rule'], authority: string | undefined, context: Surroundings, gatewayApi: MeshHttpRule['gatewayApi']): Route {
  const retryPolicy = compileRetry(rule.retries ?? context.retries);
  const mirrors = compileMirrors(rule, (destination) => clusterAt(destination, context.resolve(destination).port));
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

function destinationsOf(written: readonly HTTPRouteDestination[], { resolve }: Surroundings): Target {
  const clusterFor = (destination: Destination): string => clusterAt(destination, resolve(destination).port);
  const hashPolicy = written.flatMap(({ destination }) => (destination === undefined ? [] : compileHashPolicy(resolve(destination).loadBalancer)));
  const hashed = hashPolicy.length === 0 ? {} : { hashPolicy };
  const [only] = written;
  if (written.length === 1 && only?.destination !== undefined) {
    const { changes, authority } = compileHeaders(only.headers);
    return { action: { cluster: clusterFor(only.destination), ...hashed }, headers: changes, authority };
  }
  const clusters = written.filter(({ weight, destination }) => weight > 0 && destination !== undefined).map((entry): ClusterWeight => {
    const { changes, authority } = compileHeaders(entry.headers);
    return { name: entry.destination === undefined ? '' : clusterFor(entry.destination), weight: entry.weight, ...changes, ...(authority === undefined ? {} : { hostRewriteLiteral: authority }) };
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
export function clusterOf(destination: Destination, context: Pick<HttpContext, 'scope' | 'port'>): string {
  return clusterAt(destination, portOf(destination, context));
}

function clusterAt({ subset, host }: Destination, port: number): string {
  return clusterName({ direction: 'outbound', port, subset, host });
}

function portOf({ host, port }: Destination, context: Pick<HttpContext, 'scope' | 'port'>): number {
  if (port !== undefined && port.number !== 0) return port.number;
  const service = context.scope.faces.get(host);
  return service?.ports.length === 1 ? (service.ports[0]?.number ?? context.port) : context.port;
}

function resolved(destination: Destination, { index, node, scope, port: listening }: HttpContext): Resolved {
  const port = portOf(destination, { scope, port: listening });
  const service = scope.faces.get(destination.host);
  const rule = service === undefined ? undefined : destinationRule(index, node, service);
  return { port, loadBalancer: rule === undefined ? undefined : policyFor(rule, port, destination.subset === '' ? undefined : destination.subset).loadBalancer };
}

function operationHost(written: readonly HTTPRouteDestination[], { resolve }: Surroundings): string {
  const first = written[0]?.destination;
  return first === undefined ? '' : `${first.host}:${resolve(first).port}`;
}

/** The route of a service that no VirtualService rules, in a list of its own: all requests to its cluster. */
export function serviceRoutes(service: MeshService, context: HttpContext): readonly Route[] {
  const { port, loadBalancer } = resolved({ host: service.host, subset: '', port: { number: context.port } }, context);
  return context.index.recall.of(defaultRoutes, service, port, loadBalancer, context.index.snapshot.mesh.retries);
}

function defaultRoutes({ host, origin }: MeshService, port: number, loadBalancer: LoadBalancer, retries: MeshConfig['retries']): readonly Route[] {
  const hashPolicy = [...compileHashPolicy(loadBalancer)];
  return [{
    name: 'default',
    match: { prefix: '/' },
    metadata: withOrigin(origin),
    decorator: { operation: `${host}:${port}/*` },
    route: { cluster: clusterName({ direction: 'outbound', port, subset: '', host }), ...compileTimeout(undefined), retryPolicy: compileRetry(retries) ?? {}, ...(hashPolicy.length === 0 ? {} : { hashPolicy }) },
  }];
}
